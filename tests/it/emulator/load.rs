//! Many clients at once: every request carries a token and gets its own back, whoever else is served, slow, gone or idle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use zappa::emulator::{FunctionConfig, Options, RouteConfig};
use zappa::model::FrontDoor;

use super::lab::{Lab, NAME};

/// Sends path, query, header and body back, and who it is.
const ECHO: &str = r#"
import base64, json

def lambda_handler(event, context):
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode()
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    seen = [event.get("rawPath") or event["path"], headers.get("x-token"), body, context.function_name]
    return {"statusCode": 200, "headers": {"content-type": "text/plain", "x-token": headers.get("x-token") or ""}, "body": " ".join(map(str, seen))}
"#;

const CLIENTS: usize = 50;

/// `ZAPPA_TEST_REQUESTS` says how many where a machine cannot spare as many.
fn requests() -> usize {
    std::env::var("ZAPPA_TEST_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

async fn function(lab: &Lab, name: &str, front_door: FrontDoor) -> SocketAddr {
    let config = FunctionConfig { function_name: name.to_owned(), concurrency: CLIENTS, ..lab.config(1, ECHO) };
    lab.emulator.put_version(config).await;
    lab.emulator.set_live(name, 1).await.unwrap();
    let route =
        RouteConfig { function_name: name.to_owned(), stage: "dev".to_owned(), front_door, binary_support: true, cors: None, port: None };
    lab.emulator.open_route(route).await.unwrap()
}

/// A connection that is kept.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    async fn send(&mut self, token: &str) {
        let request = request(token);
        self.stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Status and body of one response.
    async fn receive(&mut self) -> (u16, String) {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(self.buffer[..end].to_vec()).unwrap().to_lowercase();
                let length =
                    head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
                if self.buffer.len() >= end + 4 + length {
                    let rest = self.buffer.split_off(end + 4 + length);
                    let body = String::from_utf8(self.buffer.split_off(end + 4)).unwrap();
                    self.buffer = rest;
                    return (head.split(' ').nth(1).unwrap().parse().unwrap(), body);
                }
            }
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the connection ended: {}", self.buffer.escape_ascii());
        }
    }

    /// Sends a token and fails unless it comes back from everywhere it was put. A throttled request was not served, and is sent again.
    async fn exchange(&mut self, token: &str, function: &str) {
        loop {
            self.send(token).await;
            match self.receive().await {
                // As clients of Lambda do: or most of the machine is busy with refusals.
                (500 | 429, _) => tokio::time::sleep(Duration::from_millis(10)).await,
                (status, body) => {
                    assert_eq!((status, body), (200, format!("/{token} {token} body-{token} {function}")));
                    return;
                }
            }
        }
    }
}

fn request(token: &str) -> String {
    let length = "body-".len() + token.len();
    format!(
        "POST /{token} HTTP/1.1\r\nhost: x\r\nx-token: {token}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\nbody-{token}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_get_their_own_answers_from_three_deployments() {
    let lab = Lab::new().await;
    let mut doors = Vec::new();
    for (name, front_door) in [("one", FrontDoor::Rest), ("two", FrontDoor::Rest), ("three", FrontDoor::FunctionUrl)] {
        let address = {
            let config = FunctionConfig { function_name: name.to_owned(), concurrency: 3, ..lab.config(1, ECHO) };
            let address = function(&lab, name, front_door).await;
            // Fewer sandboxes than clients, so that they are handed from one to another all the time.
            lab.emulator.put_version(config).await;
            address
        };
        doors.push((name, address));
    }
    let left = Arc::new(AtomicUsize::new(requests()));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (name, address) = doors[number % doors.len()];
        let left = left.clone();
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut served = 0;
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                client.exchange(&format!("t{number}-{served}"), name).await;
                served += 1;
                // A new connection now and then.
                if served % 50 == 0 {
                    client = Client::connect(address).await;
                }
            }
            served
        });
    }
    let mut total = 0;
    while let Some(served) = clients.join_next().await {
        total += served.unwrap();
    }
    assert_eq!(total, requests());
    for (name, _) in doors {
        assert!(lab.emulator.status(name).await.unwrap().sandboxes.len() <= 3);
    }
}

#[tokio::test]
async fn slow_idle_and_vanishing_clients_keep_nobody_waiting() {
    let lab = Lab::new().await;
    let address = function(&lab, NAME, FrontDoor::Rest).await;
    let mut steady = Client::connect(address).await;
    steady.exchange("first", NAME).await;

    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    // Half a request each.
    for (number, stream) in idle.iter_mut().enumerate() {
        let text = request(&format!("half-{number}"));
        stream.write_all(&text.as_bytes()[..number % text.len()]).await.unwrap();
    }
    steady.exchange("among-idle", NAME).await;

    // Byte by byte, others in between.
    let mut slow = Client::connect(address).await;
    for (index, byte) in request("slow").bytes().enumerate() {
        slow.stream.write_all(&[byte]).await.unwrap();
        if index % 10 == 0 {
            steady.exchange(&format!("between-{index}"), NAME).await;
        }
    }
    assert_eq!(slow.receive().await, (200, format!("/slow slow body-slow {NAME}")));

    // Gone in the middle of the request, right after it, and in the middle of the answer.
    let before = served(&lab).await;
    for number in 0..20 {
        let text = request(&format!("gone-{number}"));
        for cut in [10, text.len() - 3, text.len()] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(&text.as_bytes()[..cut]).await.unwrap();
            if number % 2 == 0 {
                client.set_zero_linger().unwrap();
            }
            if cut == text.len() && number % 4 == 1 {
                client.read_u8().await.unwrap();
            }
        }
        steady.exchange(&format!("after-{number}"), NAME).await;
    }
    drop(idle);
    steady.exchange("last", NAME).await;
    // What was only half sent has not been served.
    assert!(served(&lab).await <= before + 20 + 20 + 1, "{} after {before}", served(&lab).await);
}

async fn served(lab: &Lab) -> u64 {
    lab.emulator.status(NAME).await.unwrap().sandboxes.iter().map(|sandbox| sandbox.requests).sum()
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let lab = Lab::new().await;
    let address = function(&lab, NAME, FrontDoor::Rest).await;
    let mut client = Client::connect(address).await;
    let all: String = (0..30).map(|number| request(&format!("p{number}"))).collect();
    client.stream.write_all(all.as_bytes()).await.unwrap();
    for number in 0..30 {
        assert_eq!(client.receive().await, (200, format!("/p{number} p{number} body-p{number} {NAME}")));
    }
}

#[tokio::test]
async fn a_shutdown_lets_requests_in_flight_end_and_idle_connections_go() {
    let lab = Lab::with(Options::default(), |_| {}).await;
    let address = function(&lab, NAME, FrontDoor::Rest).await;
    let mut idle = Client::connect(address).await;
    idle.exchange("first", NAME).await;
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
    let mut flying = Client::connect(address).await;
    flying.send("flying").await;
    let answer = tokio::spawn(async move { flying.receive().await });
    // Not before it has been taken.
    while served(&lab).await < 2 && !lab.emulator.status(NAME).await.unwrap().sandboxes.iter().any(|sandbox| sandbox.state == "busy") {
        tokio::task::yield_now().await;
    }
    lab.emulator.shutdown(Duration::from_secs(1)).await;
    assert_eq!(answer.await.unwrap(), (200, format!("/flying flying body-flying {NAME}")));
    assert!(matches!(idle.stream.read(&mut [0]).await, Ok(0) | Err(_)));
    let mut rest = Vec::new();
    let _ = half.read_to_end(&mut rest).await;
    assert!(TcpStream::connect(address).await.is_err());
}
