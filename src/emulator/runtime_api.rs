//! The Lambda Runtime API of one sandbox: HTTP/1.1 on a port of its own, which is also the sandbox's identity, since requests carry no other.
//!
//! Turns requests into [`Call`]s for the sandbox's task, which answers each of them; knows nothing of requests in flight.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::accept::accept;
use super::caller;
use super::environment::RUNTIME_API;

/// The largest answer that Lambda passes on: 6 MB and 100 bytes for the envelope.
pub(super) const RESPONSE_LIMIT: usize = 6_291_556;

const PREFIX: &str = "/2018-06-01/runtime/";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// Where the sandbox's answer goes.
pub(super) type Reply = oneshot::Sender<Response<Full<Bytes>>>;

/// What the runtime client asks or tells.
pub(super) enum Call {
    /// It wants the next event and waits for it. The first time: init is over.
    Next(Reply),
    /// What the handler returned for this request; its size alone if that was over the limit.
    Response(String, Result<Bytes, usize>, Reply),
    /// What the handler raised for this request.
    Error(String, Failure, Reply),
    /// What importing the handler's module raised.
    InitError(Failure, Reply),
}

/// An error as the runtime client describes it.
pub(super) struct Failure {
    /// The error object, JSON.
    pub(super) body: Bytes,
    /// `Runtime.ImportModuleError`
    pub(super) error_type: String,
}

/// The listener. Closed, with every connection, when dropped.
pub(super) struct RuntimeApi {
    /// What the runtime client is told: it takes a bare `host:port`.
    pub(super) address: SocketAddr,
    /// What arrives.
    pub(super) calls: mpsc::UnboundedReceiver<Call>,
    accepting: AbortHandle,
    /// The sandbox's process; 0 until it has one.
    owner: watch::Sender<u32>,
}

impl RuntimeApi {
    pub(super) async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // Never more than a few: the client has one connection, or two.
        let (sender, calls) = mpsc::unbounded_channel();
        let (owner, known) = watch::channel(0);
        let accepting = tokio::spawn(take_connections(listener, sender, known)).abort_handle();
        Ok(Self { address, calls, accepting, owner })
    }

    /// Says whose process it is: nobody else is listened to.
    pub(super) fn belongs_to(&self, pid: u32) {
        self.owner.send_replace(pid);
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn take_connections(listener: TcpListener, calls: mpsc::UnboundedSender<Call>, owner: watch::Receiver<u32>) {
    // Aborts the connections with itself.
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = accept(&listener).await;
        let _ = stream.set_nodelay(true);
        let (calls, owner) = (calls.clone(), owner.clone());
        connections.spawn(async move {
            if !is_from_owner(&stream, peer, owner).await {
                return;
            }
            let service = service_fn(|request| serve(request, calls.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// See `caller`.
async fn is_from_owner(stream: &TcpStream, peer: SocketAddr, mut owner: watch::Receiver<u32>) -> bool {
    // A process may be faster than we hear that it was started.
    let Ok(pid) = owner.wait_for(|pid| *pid != 0).await.map(|pid| *pid) else { return false };
    let Ok(local) = stream.local_addr() else { return false };
    let mark = format!("{RUNTIME_API}={local}");
    tokio::task::spawn_blocking(move || caller::belongs(pid, &mark, peer, local)).await.unwrap_or(false)
}

async fn serve(request: Request<Incoming>, calls: mpsc::UnboundedSender<Call>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let (reply, answer) = oneshot::channel();
    let call = match (&head.method, path.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["invocation", "next"]) => Call::Next(reply),
        (&Method::POST, ["invocation", id, what @ ("response" | "error")]) => {
            let Ok(body) = read(body).await else { return Ok(refuse(StatusCode::BAD_REQUEST, "InvalidRequest", "incomplete body")) };
            match (*what, body) {
                ("response", body) => Call::Response((*id).to_owned(), body, reply),
                (_, Ok(body)) => Call::Error((*id).to_owned(), failure(body, &head.headers), reply),
                (_, Err(_)) => return Ok(too_large()),
            }
        }
        (&Method::POST, ["init", "error"]) => match read(body).await {
            Ok(Ok(body)) => Call::InitError(failure(body, &head.headers), reply),
            Ok(Err(_)) => return Ok(too_large()),
            Err(_) => return Ok(refuse(StatusCode::BAD_REQUEST, "InvalidRequest", "incomplete body")),
        },
        _ => return Ok(refuse(StatusCode::NOT_FOUND, "NotFound", "no such resource in the Runtime API")),
    };
    let _ = calls.send(call);
    // The sandbox drops what it will not answer any more: it is about to be gone.
    Ok(answer.await.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "the sandbox is shutting down")))
}

/// The body, or its size if that is over the limit. Read to its end in either case: the client looks at the answer only then.
async fn read(mut body: Incoming) -> Result<Result<Bytes, usize>, hyper::Error> {
    let mut content = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            size += data.len();
            if size > RESPONSE_LIMIT {
                content = BytesMut::new();
            } else {
                content.extend_from_slice(&data);
            }
        }
    }
    Ok(if size > RESPONSE_LIMIT { Err(size) } else { Ok(content.freeze()) })
}

fn failure(body: Bytes, headers: &HeaderMap) -> Failure {
    let error_type = headers.get(ERROR_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("Unhandled").to_owned();
    Failure { body, error_type }
}

/// 200 with an event.
pub(super) fn event(payload: Bytes, headers: &[(&'static str, &str)]) -> Response<Full<Bytes>> {
    let mut response = json(StatusCode::OK, payload);
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// 202: taken.
pub(super) fn accepted() -> Response<Full<Bytes>> {
    json(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n"))
}

/// 400: not the request that is being served.
pub(super) fn wrong_id() -> Response<Full<Bytes>> {
    refuse(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

/// 403: not now.
pub(super) fn wrong_state(state: &str) -> Response<Full<Bytes>> {
    refuse(StatusCode::FORBIDDEN, "InvalidStateTransition", &format!("Transition from {state} is not allowed."))
}

/// 413: over the limit.
pub(super) fn too_large() -> Response<Full<Bytes>> {
    let message = format!("Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).");
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

fn refuse(status: StatusCode, error_type: &str, message: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "errorMessage": message, "errorType": error_type });
    json(status, body.to_string().into())
}

fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
