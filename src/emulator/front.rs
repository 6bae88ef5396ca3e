//! The front door of one function: HTTP/1.1 on 127.0.0.1, turned into an event by `gateway` and back. The only place with HTTP server types beside
//! `runtime_api`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::accept::accept;
use super::dispatch::{Call, Pool};
use super::{Access, EmulatorError, FunctionConfig, Options, RouteConfig, Run};
use crate::gateway::{self, Door, Failure, HttpRequest, HttpResponse, RequestContext};

const MIB: usize = 1024 * 1024;
/// Room for whatever a front door may let through, so that it is the front door that refuses.
const MOST_HEADERS: usize = 1000;
const HEAD_BUFFER: usize = 128 * 1024;
/// How much of a body that is refused is read before the connection is closed.
const MOST_DISCARDED: usize = 64 * MIB;

/// An open front door.
pub(super) struct Front {
    /// Where it listens.
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    /// `true`: no more connections, and those that are open end with their request.
    closing: watch::Sender<bool>,
}

struct Shared {
    route: Mutex<RouteConfig>,
    address: SocketAddr,
    pool: Weak<Pool>,
    options: Options,
}

impl Front {
    pub(super) async fn open(route: RouteConfig, pool: &Arc<Pool>, options: Options) -> Result<Self, EmulatorError> {
        let port = route.port.unwrap_or(0);
        let failed = |source| EmulatorError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (closing, closed) = watch::channel(false);
        let shared = Arc::new(Shared { route: Mutex::new(route), address, pool: Arc::downgrade(pool), options });
        tokio::spawn(take_connections(listener, shared.clone(), closed));
        Ok(Self { address, shared, closing })
    }

    /// Whether the route can be had without moving to another port.
    pub(super) fn serves(&self, route: &RouteConfig) -> bool {
        route.port.is_none_or(|port| port == self.address.port())
    }

    /// Requests from now on are treated like this.
    pub(super) fn change(&self, route: RouteConfig) {
        *self.shared.route.lock().unwrap_or_else(PoisonError::into_inner) = route;
    }

    /// Stops listening at once, and answers requests in flight within `grace`. Connections that are left then are cut off.
    pub(super) async fn close(self, grace: Duration) {
        let _ = self.closing.send(true);
        // The accepting task holds the other end until the last connection is gone.
        let _ = tokio::time::timeout(grace, self.closing.closed()).await;
    }
}

async fn take_connections(listener: TcpListener, shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, peer) = accept(&listener) => {
                connections.spawn(connection(stream, peer, shared.clone(), closing.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = closing.changed() => break,
        }
    }
    drop(listener);
    // Until the front door itself is dropped; the set then aborts what is left.
    loop {
        tokio::select! {
            next = connections.join_next() => if next.is_none() { return },
            changed = closing.changed() => if changed.is_err() { return },
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer(request, peer, &shared).await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.max_headers(MOST_HEADERS).max_buf_size(HEAD_BUFFER).half_close(true);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = closing.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// One request on its way through the front door.
struct Passage<'a> {
    shared: &'a Shared,
    route: RouteConfig,
    request_id: String,
    trace_id: String,
    arrived: Timestamp,
    /// Set once the function has run.
    run: OnceLock<Run>,
}

/// Whose answer it is.
enum Reply {
    Functions(HttpResponse),
    /// The front door's, without the function having been asked.
    Own(HttpResponse),
}

async fn answer(request: Request<Incoming>, peer: SocketAddr, shared: &Shared) -> Response<Full<Bytes>> {
    let since = Instant::now();
    let route = shared.route.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (head, body) = request.into_parts();
    let Options { clock, ids, .. } = &shared.options;
    let (request_id, arrived) = (ids().to_string(), clock());
    let trace_id = trace_id(&head, arrived.as_second(), ids());
    let passage = Passage { shared, route, request_id, trace_id, arrived, run: OnceLock::new() };
    let RouteConfig { front_door, ref cors, .. } = passage.route;
    let request = http_request(&head, peer);
    let origin = cors.as_ref().and_then(|_| gateway::origin(&request).map(str::to_owned));
    let told = |response: Response<Full<Bytes>>| {
        if let Some(witness) = &shared.options.witness {
            witness.answered(Access {
                method: head.method.as_str().to_owned(),
                target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
                status: response.status().as_u16(),
                size: usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX),
                duration: since.elapsed(),
                run: passage.run.get().copied(),
            });
        }
        response
    };
    let mut response = match passage.pass(&head, request, body).await {
        Ok(Reply::Own(response)) => return told(to_http(response, &head.method)),
        // An interim response cannot be the final one.
        Ok(Reply::Functions(response)) if response.status >= 200 => response,
        Ok(Reply::Functions(_)) => gateway::failure_response(front_door, Failure::Malformed, &passage.request_id),
        Err(failure) => gateway::failure_response(front_door, failure, &passage.request_id),
    };
    gateway::decorate(front_door, &mut response, &passage.request_id, &passage.trace_id);
    if let Some(cors) = cors {
        gateway::share(front_door, cors, origin.as_deref(), &mut response);
    }
    told(to_http(response, &head.method))
}

impl Passage<'_> {
    async fn pass(&self, head: &Parts, mut request: HttpRequest, body: Incoming) -> Result<Reply, Failure> {
        let front_door = self.route.front_door;
        let limits = gateway::limits(front_door);
        let domain_name = self.domain_name(head);
        // Before the body is asked for: a client that sends `Expect: 100-continue` is spared it.
        gateway::admit(front_door, &request)?;
        gateway::enter_stage(front_door, &mut request, &self.route.stage, &domain_name)?;
        if let Some(cors) = &self.route.cors
            && let Some(own) = gateway::preflight_response(front_door, cors, &request, &self.request_id)
        {
            return Ok(Reply::Own(own));
        }
        request.body = read(body, limits.request_body_bytes).await?;
        // A function that cannot be found is to a front door what a function that fails is.
        let pool = self.shared.pool.upgrade().ok_or(Failure::Function)?;
        let function = pool.live().ok_or(Failure::Function)?;
        let door = Door { front_door, multi_value_headers: true, binary_support: self.route.binary_support };
        let payload = {
            let event = gateway::request_event(door, &request, &self.context(domain_name, &function));
            drop(request);
            Bytes::from(event.to_string())
        };
        let waiting = pool.invoke(Call { version: None, payload, trace_id: self.trace_id.clone(), live: None, ahead: false });
        // The function goes on; only the front door stops waiting.
        let limit = self.shared.options.gateway_limit.unwrap_or(limits.timeout);
        let outcome = tokio::time::timeout(limit, waiting).await.map_err(|_| Failure::GatewayTimeout)?;
        let invocation = outcome.map_err(|error| match error {
            EmulatorError::Throttled { .. } => Failure::Throttled,
            EmulatorError::PayloadTooLarge { .. } => Failure::RequestTooLarge,
            EmulatorError::UnknownFunction { .. } | EmulatorError::Listen { .. } => Failure::Function,
        })?;
        let _ = self.run.set(Run { init: invocation.init_duration, memory_mb: invocation.memory_mb });
        if invocation.function_error.is_some() {
            let too_large = invocation.payload.starts_with(RESPONSE_TOO_LARGE);
            return Err(if too_large { Failure::ResponseTooLarge } else { Failure::Function });
        }
        gateway::http_response(door, head.method.as_str(), &invocation.payload).map(Reply::Functions)
    }

    /// As on AWS the name has no port; the header, which has one, is in the event as well.
    fn domain_name(&self, head: &Parts) -> String {
        let host = head.headers.get(HOST).and_then(|value| value.to_str().ok()?.parse::<Authority>().ok());
        host.map_or_else(|| self.shared.address.ip().to_string(), |host| host.host().to_owned())
    }

    fn context(&self, domain_name: String, function: &FunctionConfig) -> RequestContext {
        let address = self.shared.address;
        RequestContext {
            stage: self.route.stage.clone(),
            account_id: function.account_id.clone(),
            region: function.region.clone(),
            api_id: api_id(&self.route.function_name),
            domain_name,
            request_id: self.request_id.clone(),
            trace_id: self.trace_id.clone(),
            time_epoch_ms: self.arrived.as_millisecond(),
            forwarded_proto: "http".to_owned(),
            forwarded_port: address.port(),
            binary_support: self.route.binary_support,
        }
    }
}

/// As `report` writes it; an application that raises an error of this name means the same.
const RESPONSE_TOO_LARGE: &[u8] = br#"{"errorType":"Function.ResponseSizeTooLarge""#;

/// The whole body. One that is too large is read all the same, within reason: most clients look for an answer only when they have sent everything.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    let mut content = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        // The client went away or talks nonsense: nobody will read the answer.
        let Ok(data) = frame.map_err(|_| Failure::Malformed)?.into_data() else { continue };
        size += data.len();
        if size <= limit {
            content.extend_from_slice(&data);
        } else if size > limit + MOST_DISCARDED {
            break;
        }
    }
    if size > limit { Err(Failure::RequestTooLarge) } else { Ok(content.freeze()) }
}

/// The request, its body still to come.
fn http_request(head: &Parts, peer: SocketAddr) -> HttpRequest {
    HttpRequest {
        method: head.method.as_str().to_owned(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        protocol: format!("{:?}", head.version),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect(),
        body: Bytes::new(),
        source_ip: peer.ip().to_string(),
    }
}

/// The client's own trace if it sent one, else a new one.
fn trace_id(head: &Parts, now: i64, id: uuid::Uuid) -> String {
    let sent = head.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok()).filter(|value| value.contains("Root="));
    sent.map_or_else(|| new_trace_id(now, id), str::to_owned)
}

/// X-Ray's format: the time in hexadecimal seconds, then 96 bits.
pub(super) fn new_trace_id(now: i64, id: uuid::Uuid) -> String {
    format!("Root=1-{now:08x}-{:024x}", id.as_u128() & ((1 << 96) - 1))
}

/// Ten letters and digits that stay the same for a function, as an API's id does.
fn api_id(function_name: &str) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    Sha256::digest(function_name).iter().take(10).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

fn to_http(response: HttpResponse, method: &Method) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let head_only = method == Method::HEAD;
    let bodiless = head_only || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let length = response.body.len();
    let mut built = Response::new(Full::new(if bodiless { Bytes::new() } else { response.body }));
    *built.status_mut() = status;
    for (name, value) in response.headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) else { continue };
        // The connection is ours to describe, but for the length of a body that only the application knows.
        let ours = name == TRANSFER_ENCODING || name == CONNECTION || (name == CONTENT_LENGTH && !head_only);
        if !ours {
            built.headers_mut().append(name, value);
        }
    }
    if head_only && length > 0 {
        built.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    built
}
