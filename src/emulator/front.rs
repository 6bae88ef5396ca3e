//! The front door of one function: HTTP/1.1 on 127.0.0.1, turned into an event by `gateway` and back. The only place with HTTP server types beside
//! `runtime_api`.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::dispatch::{Call, Pool};
use super::{EmulatorError, Options, RouteConfig};
use crate::gateway::{self, Failure, HttpRequest, HttpResponse, RequestContext};
use crate::model::FrontDoor;

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
        tokio::spawn(accept(listener, shared.clone(), closed));
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

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, peer, shared.clone(), closing.clone()));
                }
                // Out of descriptors, most likely: others have to end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
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

async fn answer(request: Request<Incoming>, peer: SocketAddr, shared: &Shared) -> Response<Full<Bytes>> {
    let route = shared.route.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let request_id = (shared.options.ids)().to_string();
    let method = request.method().clone();
    let response = match respond(request, peer, shared, (&route, &request_id)).await {
        // hyper cannot send an interim response as the final one, nor can a gateway.
        Ok(response) if response.status >= 200 => response,
        Ok(_) => gateway::failure_response(route.front_door, Failure::Malformed, &request_id),
        Err(failure) => gateway::failure_response(route.front_door, failure, &request_id),
    };
    to_http(response, &method)
}

async fn respond(
    request: Request<Incoming>,
    peer: SocketAddr,
    shared: &Shared,
    (route, request_id): (&RouteConfig, &str),
) -> Result<HttpResponse, Failure> {
    let (head, body) = request.into_parts();
    let limits = limits(route.front_door);
    if limits.headers.is_some_and(|limit| head_size(&head) > limit) {
        return Err(Failure::HeadersTooLarge);
    }
    let body = read(body, limits.body).await?;
    // An API whose function cannot be found answers like one whose function fails.
    let pool = shared.pool.upgrade().ok_or(Failure::Function)?;
    let function = pool.live().ok_or(Failure::Function)?;
    let now = (shared.options.clock)();
    let trace_id = trace_id(&head, now.as_second(), (shared.options.ids)());
    let header = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let context = RequestContext {
        stage: route.stage.clone(),
        account_id: function.account_id.clone(),
        region: function.region.clone(),
        api_id: api_id(&route.function_name),
        domain_name: header(HOST).unwrap_or_else(|| shared.address.to_string()),
        request_id: request_id.to_owned(),
        trace_id: trace_id.clone(),
        time_epoch_ms: now.as_millisecond(),
        forwarded_proto: "http".to_owned(),
        forwarded_port: shared.address.port(),
        binary_support: route.binary_support,
    };
    let method = head.method.as_str().to_owned();
    let event = gateway::request_event(route.front_door, &http_request(&head, body, peer), &context);
    let call = Call { version: None, payload: event.to_string().into(), trace_id };
    drop(event);
    let waiting = pool.invoke(call);
    let outcome = match shared.options.gateway_limit.or(limits.time) {
        // The function goes on; only the gateway stops waiting.
        Some(limit) => tokio::time::timeout(limit, waiting).await.map_err(|_| Failure::GatewayTimeout)?,
        None => waiting.await,
    };
    let invocation = outcome.map_err(|error| match error {
        EmulatorError::Throttled { .. } => Failure::Throttled,
        EmulatorError::PayloadTooLarge { .. } => Failure::RequestTooLarge,
        EmulatorError::UnknownFunction { .. } | EmulatorError::Listen { .. } => Failure::Function,
    })?;
    if invocation.function_error.is_some() {
        let too_large = invocation.payload.windows(RESPONSE_TOO_LARGE.len()).any(|window| window == RESPONSE_TOO_LARGE);
        return Err(if too_large { Failure::ResponseTooLarge } else { Failure::Function });
    }
    gateway::http_response(route.front_door, &method, &invocation.payload)
}

/// As `report` writes it; an application that raises an error of this name means the same.
const RESPONSE_TOO_LARGE: &[u8] = br#""errorType":"Function.ResponseSizeTooLarge""#;

struct Limits {
    body: usize,
    headers: Option<usize>,
    time: Option<Duration>,
}

/// What a front door lets through and how long it waits.
fn limits(front_door: FrontDoor) -> Limits {
    match front_door {
        FrontDoor::Rest => Limits { body: 10 * MIB, headers: Some(10_240), time: Some(Duration::from_secs(29)) },
        FrontDoor::Http => Limits { body: 10 * MIB, headers: Some(10_240), time: Some(Duration::from_secs(30)) },
        FrontDoor::FunctionUrl => Limits { body: 6 * MIB, headers: None, time: None },
        FrontDoor::Alb => Limits { body: MIB, headers: Some(64 * 1024), time: None },
    }
}

/// Bytes of all header lines.
fn head_size(head: &Parts) -> usize {
    head.headers.iter().map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len()).sum()
}

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

fn http_request(head: &Parts, body: Bytes, peer: SocketAddr) -> HttpRequest {
    HttpRequest {
        method: head.method.as_str().to_owned(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        protocol: format!("{:?}", head.version),
        headers: head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect(),
        body,
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
    let bodiless = method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let mut built = Response::new(Full::new(if bodiless { Bytes::new() } else { response.body.clone() }));
    *built.status_mut() = status;
    for (name, value) in response.headers {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) else { continue };
        // The connection is ours to describe.
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING && name != CONNECTION {
            built.headers_mut().append(name, value);
        }
    }
    if method == Method::HEAD {
        built.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(response.body.len()));
    }
    built
}
