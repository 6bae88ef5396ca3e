//! How other processes drive a running emulator: one JSON request, one JSON answer, over HTTP on the loopback interface, with a token that only
//! the owner of the state directory can read. What a request does is the caller's handler's business.
//!
//! An answer is a stream of lines, each a [`Frame`]: whatever a function writes meanwhile if that was asked for, and the answer itself last.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame as Piece, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::FunctionStatus;
use super::accept::accept;
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
        /// Whether to tell what the function writes while it runs.
        live: bool,
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
        /// How long the emulator has been running.
        uptime: Duration,
    },
    /// Done.
    Done,
    /// It could not be done.
    Failed {
        /// The chain of causes, outermost first.
        causes: Vec<String>,
    },
}

/// One line of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// What the function wrote: bytes, base64.
    Output(String),
    /// The answer; nothing comes after it.
    Answer(ControlResponse),
}

impl Frame {
    /// The bytes of [`Frame::Output`]; empty if they are none.
    #[must_use]
    pub fn bytes(output: &str) -> Vec<u8> {
        BASE64.decode(output).unwrap_or_default()
    }
}

/// Where a handler tells what comes before its answer.
#[derive(Debug, Clone)]
pub struct Frames(mpsc::Sender<Bytes>);

impl Frames {
    /// Tells what a function wrote. Waits for a slow reader; one that went away is no matter.
    pub async fn output(&self, bytes: &[u8]) {
        self.send(&Frame::Output(BASE64.encode(bytes))).await;
    }

    async fn send(&self, frame: &Frame) {
        if let Ok(mut line) = serde_json::to_vec(frame) {
            line.push(b'\n');
            let _ = self.0.send(line.into()).await;
        }
    }
}

/// Answers control requests on `listener` for ever.
pub async fn serve_control<H, F>(listener: TcpListener, token: String, handler: H)
where
    H: Fn(ControlRequest, Frames) -> F + Send + Sync + 'static,
    F: Future<Output = ControlResponse> + Send + 'static,
{
    let token: Arc<str> = format!("Bearer {token}").into();
    let handler = Arc::new(handler);
    loop {
        let (stream, _) = accept(&listener).await;
        let (token, handler) = (Arc::clone(&token), Arc::clone(&handler));
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&token), Arc::clone(&handler)));
            // A client that went away is not worth a word.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer<H, F>(request: Request<Incoming>, token: Arc<str>, handler: Arc<H>) -> Result<Response<Lines>, Infallible>
where
    H: Fn(ControlRequest, Frames) -> F,
    F: Future<Output = ControlResponse> + Send + 'static,
{
    let (sender, lines) = mpsc::channel(16);
    let authorized = request.headers().get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes() == token.as_bytes());
    if !authorized || request.method() != Method::POST {
        return Ok(plain(StatusCode::FORBIDDEN, lines));
    }
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, lines));
    };
    let frames = Frames(sender);
    match serde_json::from_slice(&body.to_bytes()) {
        Ok(request) => {
            let work = handler(request, frames.clone());
            // On its own: what has been begun is brought to its end, whether or not somebody waits for the answer.
            tokio::spawn(async move {
                let response = work.await;
                frames.send(&Frame::Answer(response)).await;
            });
        }
        Err(error) => {
            let causes = vec![format!("the request is not one this emulator knows: {error}")];
            frames.send(&Frame::Answer(ControlResponse::Failed { causes })).await;
        }
    }
    Ok(plain(StatusCode::OK, lines))
}

fn plain(status: StatusCode, lines: mpsc::Receiver<Bytes>) -> Response<Lines> {
    let mut response = Response::new(Lines(lines));
    *response.status_mut() = status;
    response
}

/// A body that is made while it is sent.
struct Lines(mpsc::Receiver<Bytes>);

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Piece<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Piece::data(line))))
    }
}
