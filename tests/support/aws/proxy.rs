//! Stands between the tool and moto: sees every call, and lets fail what a test wants to fail. Each test has its own.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use super::faults::{self, Fault, Kind};
use super::moto::moto;
use super::operations::{self, Name};
use super::record::{Call, Place, Record};
use super::slow::SlowStates;
use super::steps::Steps;

/// A listening proxy; gone when dropped, with every connection.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

/// What a test does when a certain call comes.
type Callback = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Shared {
    record: Mutex<Record>,
    faults: Mutex<Vec<Fault>>,
    callbacks: Mutex<Vec<(usize, Callback)>>,
    named_callbacks: Mutex<Vec<(String, Callback)>>,
    /// Calls beyond this number are neither passed on nor answered.
    frozen_after: Mutex<Option<usize>>,
    latency: Mutex<Duration>,
    slow: Mutex<Option<SlowStates>>,
    steps: Steps,
    /// A call has come or was answered.
    moved: Notify,
    /// What the account has enabled; moto does not know the question.
    regions: Mutex<Vec<String>>,
    /// Whose requests they are, if not everybody's.
    account: OnceLock<String>,
}

/// What proxies run on.
pub(super) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

impl Proxy {
    /// `account`: 12 digits, if it is to be another one than everybody's.
    pub(crate) fn start(account: Option<String>) -> Self {
        moto();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        if let Some(account) = account {
            shared.account.set(account).unwrap();
        }
        let accepting = runtime().spawn(take_connections(listener, shared.clone())).abort_handle();
        Self { port, shared, accepting }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.record.lock().unwrap().calls().to_vec()
    }

    /// From now on the account has these regions enabled.
    pub(crate) fn regions(&self, regions: &[&str]) {
        *self.shared.regions.lock().unwrap() = regions.iter().map(|region| (*region).to_owned()).collect();
    }

    /// Forgets calls, and rules with them.
    pub(crate) fn clear(&self) {
        self.shared.record.lock().unwrap().clear();
        self.shared.faults.lock().unwrap().clear();
        self.shared.callbacks.lock().unwrap().clear();
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.shared.faults.lock().unwrap().push(fault);
    }

    /// Does something when the n-th call has come, before it is passed on.
    pub(crate) fn before_nth(&self, number: usize, callback: impl FnOnce() + Send + 'static) {
        self.shared.callbacks.lock().unwrap().push((number, Box::new(callback)));
    }

    /// Does something when the first call of this name has come, before it is passed on.
    pub(crate) fn on_first(&self, name: &str, callback: impl FnOnce() + Send + 'static) {
        self.shared.named_callbacks.lock().unwrap().push((name.to_owned(), Box::new(callback)));
    }

    /// Holds up calls beyond the n-th for ever; `None` lets those pass that come from now on.
    pub(crate) fn freeze_after(&self, number: Option<usize>) {
        *self.shared.frozen_after.lock().unwrap() = number;
    }

    /// Waits until a call is held up and all that were let pass are answered.
    pub(crate) async fn frozen(&self, number: usize) {
        loop {
            let moved = self.shared.moved.notified();
            {
                let record = self.shared.record.lock().unwrap();
                if record.calls().len() > number && record.answered_up_to(number) {
                    return;
                }
            }
            moved.await;
        }
    }

    /// Adds to every call the way to a region and back.
    pub(crate) fn latency(&self, latency: Duration) {
        *self.shared.latency.lock().unwrap() = latency;
    }

    /// From now on answers go out in step (see [`super::steps`]).
    pub(crate) fn in_step(&self) {
        self.shared.steps.switch_on();
    }

    /// From now on new functions are pending, and changed ones in progress, for their first two reads.
    pub(crate) fn slow_states(&self) {
        *self.shared.slow.lock().unwrap() = Some(SlowStates::default());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn take_connections(listener: TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    // Ends with this task.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection(stream, shared.clone()));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let reset = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let (shared, reset) = (shared.clone(), reset.clone());
        // Boxed, so that the connection can be taken apart.
        Box::pin(async move {
            match shared.answer(request).await {
                Some(response) => Ok::<_, Infallible>(response.map(Full::<Bytes>::from)),
                None => {
                    reset.notify_one();
                    std::future::pending().await
                }
            }
        })
    });
    let mut serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = &mut serving => {}
        () = reset.notified() => {
            // A close that the other side sees as `connection reset`.
            let _ = serving.into_parts().io.inner().set_zero_linger();
        }
    }
}

impl Shared {
    /// The answer, or `None` if the connection is to be reset instead.
    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Vec<u8>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let name = operations::name(&head, &body);
        let place = self.record.lock().unwrap().begin(&name, &head, &body);
        self.moved.notify_waiters();
        self.callbacks_before(place.number, &format!("{}:{}", name.service, name.operation)).await;
        if self.frozen_after.lock().unwrap().is_some_and(|last| place.number > last) {
            return std::future::pending().await;
        }
        let latency = *self.latency.lock().unwrap();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let fault = self.faults.lock().unwrap().iter_mut().find_map(|fault| fault.hits(&name, &head, place.number));
        match fault {
            Some(Kind::Hang) => std::future::pending().await,
            Some(Kind::ResetBefore) => None,
            Some(Kind::ResetAfter) => {
                self.work(&name, &head, &body).await;
                None
            }
            Some(Kind::Refused { status, code, message }) => {
                Some(self.answered(place, faults::refusal(&name, &head, (status, &code, &message))).await)
            }
            None => {
                let response = self.work(&name, &head, &body).await;
                Some(self.answered(place, response).await)
            }
        }
    }

    async fn callbacks_before(&self, number: usize, name: &str) {
        let numbered: Vec<_> = self.callbacks.lock().unwrap().extract_if(.., |(wanted, _)| *wanted == number).collect();
        let named: Vec<_> = self.named_callbacks.lock().unwrap().extract_if(.., |(wanted, _)| wanted == name).collect();
        let due = numbered.into_iter().map(|(_, callback)| callback).chain(named.into_iter().map(|(_, callback)| callback));
        for callback in due {
            tokio::task::spawn_blocking(callback).await.unwrap();
        }
    }

    async fn answered(&self, place: Place, response: Response<Vec<u8>>) -> Response<Vec<u8>> {
        self.steps.turn().await;
        self.record.lock().unwrap().end(place, response.status().as_u16());
        self.moved.notify_waiters();
        response
    }

    /// What AWS does. As there, it goes on if the client goes away.
    async fn work(&self, name: &Name, head: &Parts, body: &Bytes) -> Response<Vec<u8>> {
        let _working = self.steps.begin();
        if let Some(slow) = self.slow.lock().unwrap().as_mut()
            && let Some(refusal) = slow.refuse(name, head)
        {
            return refusal;
        }
        if name.service == "account" {
            return list_regions(&self.regions.lock().unwrap());
        }
        let mut sent = head.clone();
        if let Some(account) = self.account.get() {
            sent.headers.insert("x-moto-account-id", account.parse().unwrap());
        }
        let response = tokio::spawn(forward(sent, body.clone())).await.unwrap();
        match self.slow.lock().unwrap().as_mut() {
            Some(slow) => slow.show(name, head, response),
            None => response,
        }
    }
}

/// The answer to `account:ListRegions`.
fn list_regions(regions: &[String]) -> Response<Vec<u8>> {
    let region = |name: &String| serde_json::json!({ "RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT" });
    let regions: Vec<_> = regions.iter().map(region).collect();
    let body = serde_json::json!({ "Regions": regions }).to_string();
    Response::builder().header("content-type", "application/json").body(body.into_bytes()).unwrap()
}

/// Passes a request on to moto.
async fn forward(mut head: Parts, body: Bytes) -> Response<Vec<u8>> {
    let stream = TcpStream::connect(("127.0.0.1", moto().port)).await.unwrap();
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for name in [header::EXPECT, header::TRANSFER_ENCODING, header::CONNECTION] {
        head.headers.remove(name);
    }
    let answer = sender.send_request(Request::from_parts(head, Full::new(body))).await.unwrap();
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    connection.abort();
    for name in [header::TRANSFER_ENCODING, header::CONNECTION] {
        head.headers.remove(name);
    }
    Response::from_parts(head, body)
}
