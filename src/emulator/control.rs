//! How other processes drive a running emulator: one JSON request, one JSON answer, over HTTP on the loopback interface, with a token that only
//! the owner of the state directory can read. What a request does is the caller's handler's business.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::FunctionStatus;
use crate::model::Version;

/// Room for Lambda's 6 MB payload, escaped as a JSON string.
const MAX_BODY: usize = 48 << 20;

/// What the emulator process can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum ControlRequest {
    /// Read the stage's state again and make it so.
    Sync {
        /// Which stage.
        function_name: String,
    },
    /// Call a version (`None`: `live`) and wait.
    Invoke {
        /// Which stage.
        function_name: String,
        /// Which version.
        version: Option<Version>,
        /// The event: JSON text.
        payload: String,
    },
    /// How is it doing?
    Status {
        /// Which stage.
        function_name: String,
    },
    /// End everything of the stage.
    Remove {
        /// Which stage.
        function_name: String,
    },
    /// End everything.
    Shutdown,
}

/// The answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ControlResponse {
    /// Done; the port of the front door, if it has one.
    Synced {
        /// On 127.0.0.1.
        port: Option<u16>,
    },
    /// The port is taken.
    PortTaken {
        /// The port.
        port: u16,
        /// What the system said.
        reason: String,
    },
    /// The function's answer.
    Invoked {
        /// What it returned: JSON text.
        payload: String,
        /// `Unhandled` where it failed.
        function_error: Option<String>,
        /// What it wrote.
        log_tail: String,
        /// Where a sandbox had to be started.
        init_duration: Option<Duration>,
        /// The handler's own time.
        duration: Option<Duration>,
    },
    /// How it is doing; `None`: not known here.
    Status {
        /// See there.
        status: Option<FunctionStatus>,
    },
    /// Done.
    Done,
    /// It could not be done.
    Failed {
        /// The chain of causes, outermost first.
        causes: Vec<String>,
    },
}

/// Answers control requests on `listener` for ever.
pub async fn serve_control<H, F>(listener: TcpListener, token: String, handler: H)
where
    H: Fn(ControlRequest) -> F + Send + Sync + 'static,
    F: Future<Output = ControlResponse> + Send + 'static,
{
    let token: Arc<str> = format!("Bearer {token}").into();
    let handler = Arc::new(handler);
    loop {
        // An accept that fails (out of descriptors) must not end the loop; yielding lets connections close.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let (token, handler) = (Arc::clone(&token), Arc::clone(&handler));
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&token), Arc::clone(&handler)));
            // A client that went away is not worth a word.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer<H, F>(request: Request<Incoming>, token: Arc<str>, handler: Arc<H>) -> Result<Response<Full<Bytes>>, Infallible>
where
    H: Fn(ControlRequest) -> F,
    F: Future<Output = ControlResponse>,
{
    let authorized = request.headers().get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes() == token.as_bytes());
    if !authorized || request.method() != Method::POST {
        return Ok(plain(StatusCode::FORBIDDEN, Bytes::new()));
    }
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, Bytes::new()));
    };
    let response = match serde_json::from_slice(&body.to_bytes()) {
        Ok(request) => handler(request).await,
        Err(error) => ControlResponse::Failed { causes: vec![format!("the request is not one this emulator knows: {error}")] },
    };
    Ok(match serde_json::to_vec(&response) {
        Ok(bytes) => plain(StatusCode::OK, bytes.into()),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
    })
}

fn plain(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}
