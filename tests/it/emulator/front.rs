//! The front door: HTTP in, HTTP out, and what it says when the function does not.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zappa::emulator::{EmulatorError, FunctionConfig, Options, RouteConfig};
use zappa::model::FrontDoor;

use super::lab::{Lab, NAME, meet};
use crate::support::http::own_port;

/// Answers every kind of event with what it was asked, in the form that the front door wants.
const WEB: &str = r#"
import base64, json, os, socket

def lambda_handler(event, context):
    path = event.get("rawPath") or event["path"]
    if path == "/boom":
        raise ValueError("boom")
    if path == "/malformed":
        return {"statusCode": "no number", "headers": {}, "multiValueHeaders": {}}
    if path == "/large":
        return "x" * 7000000
    if path.startswith("/hold/"):
        with socket.create_connection(("127.0.0.1", int(path[6:]))) as connection:
            connection.sendall(b"1234")
            connection.recv(1)
    method = event.get("httpMethod") or event["requestContext"]["http"]["method"]
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body).decode("latin-1")
    headers = {name: value[0] if isinstance(value, list) else value for name, value in (event.get("multiValueHeaders") or event["headers"]).items()}
    seen = {
        "method": method, "path": path, "body": body, "context": event["requestContext"],
        "headers": {name.lower(): value for name, value in headers.items()}, "trace": os.environ["_X_AMZN_TRACE_ID"],
    }
    answer = {"statusCode": 200, "body": json.dumps(seen), "isBase64Encoded": False}
    if "version" in event:
        return answer | {"headers": {"x-app": "yes"}, "cookies": ["a=1", "b=2"]}
    return answer | {"multiValueHeaders": {"x-app": ["yes"], "set-cookie": ["a=1", "b=2"]}}
"#;

async fn web(options: Options, change: impl FnOnce(&mut FunctionConfig)) -> Lab {
    let lab = Lab::with(options, |_| {}).await;
    let mut config = lab.config(1, WEB);
    change(&mut config);
    lab.emulator.put_version(config).await;
    lab
}

fn route(front_door: FrontDoor, port: Option<u16>) -> RouteConfig {
    RouteConfig { function_name: NAME.to_owned(), stage: "dev".to_owned(), front_door, binary_support: true, cors: None, port }
}

/// Sends one request on a connection of its own and returns status line with headers, and body.
async fn ask(address: SocketAddr, request: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    stream.write_all(format!("{request}\r\nhost: {address}\r\nconnection: close\r\n{length}\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase(), answer[end + 4..].to_vec())
}

async fn status(address: SocketAddr, request: &str) -> u16 {
    let (head, _) = ask(address, request, b"").await;
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_front_door_passes_requests_to_the_function_and_answers_back() {
    let lab = web(Options::default(), |_| {}).await;
    let mut address = None;
    for front_door in FrontDoor::ALL {
        let opened = lab.emulator.open_route(route(front_door, None)).await.unwrap();
        assert_eq!(*address.get_or_insert(opened), opened, "a route that is changed keeps its address");
        let (head, body) = ask(opened, "POST /a%20b?x=1 HTTP/1.1\r\nx-probe: one\r\ncontent-type: text/plain", b"hello").await;
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{front_door}: {head}");
        assert!(head.contains("\r\nx-app: yes") && head.contains("\r\nset-cookie: a=1\r\nset-cookie: b=2"), "{front_door}: {head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{front_door}: {head}");
        let seen: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&seen["method"], &seen["body"]), (&json!("POST"), &json!("hello")), "{front_door}");
        assert_eq!(seen["path"], if front_door == FrontDoor::Http { "/a b" } else { "/a%20b" });
        assert_eq!((&seen["headers"]["x-probe"], &seen["headers"]["host"]), (&json!("one"), &json!(opened.to_string())));
        if front_door == FrontDoor::Rest {
            assert_eq!(seen["context"]["path"], "/a%20b", "a local URL has no stage in it");
        }
        if front_door != FrontDoor::Alb {
            assert_eq!(seen["context"]["domainName"], "127.0.0.1");
            assert_eq!(seen["context"]["accountId"], if front_door == FrontDoor::FunctionUrl { "anonymous" } else { "123456789012" });
        }
    }
    assert_eq!(lab.emulator.status(NAME).await.unwrap().address, address);
}

#[tokio::test]
async fn a_connection_serves_many_requests_and_head_has_a_length_but_no_body() {
    let lab = web(Options::default(), |_| {}).await;
    let address = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    for last in [false, true] {
        let close = if last { "connection: close\r\n" } else { "" };
        stream.write_all(format!("HEAD / HTTP/1.1\r\nhost: x\r\n{close}\r\n").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert!(length.parse::<usize>().unwrap() > 100, "{head}");
    }
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn failures_of_the_function_become_the_front_doors_own_answers() {
    let lab = web(Options::default(), |_| {}).await;
    for (front_door, boom, malformed, large) in [
        (FrontDoor::Rest, 502, 502, 502),
        (FrontDoor::Http, 500, 500, 500),
        (FrontDoor::FunctionUrl, 502, 502, 502),
        (FrontDoor::Alb, 502, 502, 502),
    ] {
        let address = lab.emulator.open_route(route(front_door, None)).await.unwrap();
        for (path, expected) in [("/boom", boom), ("/malformed", malformed), ("/large", large)] {
            assert_eq!(status(address, &format!("GET {path} HTTP/1.1")).await, expected, "{front_door} {path}");
        }
    }
}

#[tokio::test]
async fn busy_functions_are_throttled_and_slow_ones_time_out_while_they_go_on() {
    let options = Options { gateway_limit: Some(Duration::from_secs(1)), ..Options::default() };
    let lab = web(options, |config| config.concurrency = 1).await;
    let address = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    // Warm, so that the second is the handler's alone.
    assert_eq!(lab.try_invoke(None, &json!({ "rawPath": "/boom" })).await.unwrap().function_error.as_deref(), Some("Unhandled"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let request = format!("GET /hold/{} HTTP/1.1", listener.local_addr().unwrap().port());
    let slow = tokio::spawn(async move { status(address, &request).await });
    let (mut connection, _) = meet(&listener).await;
    assert_eq!(status(address, "GET / HTTP/1.1").await, 500);
    assert_eq!(slow.await.unwrap(), 504);
    connection.write_all(b"!").await.unwrap();
    lab.emulator.shutdown(Duration::from_secs(60)).await;
    let reports: Vec<_> = lab.log().into_iter().filter(|(_, text)| text.starts_with("REPORT")).collect();
    assert_eq!(reports.len(), 2, "{reports:?}");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_the_function() {
    let lab = web(Options::default(), |_| {}).await;
    let address = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /hold/{} HTTP/1.1\r\nhost: x\r\n\r\n", listener.local_addr().unwrap().port());
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut connection, _) = meet(&listener).await;
    client.set_zero_linger().unwrap();
    drop(client);
    connection.write_all(b"!").await.unwrap();
    lab.emulator.shutdown(Duration::from_secs(60)).await;
    assert!(lab.log().iter().any(|(_, text)| text.starts_with("REPORT") && !text.contains("Status")), "{:?}", lab.log());
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let lab = web(Options::default(), |_| {}).await;
    let address = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    let (head, _) = ask(address, "POST / HTTP/1.1", &vec![b'x'; 10 * 1024 * 1024 + 1]).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    // Let through by API Gateway, but not by Lambda.
    let (head, _) = ask(address, "POST / HTTP/1.1\r\ncontent-type: image/png", &vec![b'x'; 5 * 1024 * 1024]).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    let long = "x".repeat(11_000);
    assert_eq!(status(address, &format!("GET / HTTP/1.1\r\nx-long: {long}")).await, 431);
    assert!(lab.pids().await.is_empty(), "none of these reached the function");
}

#[tokio::test]
async fn a_client_may_ask_before_it_sends_its_body() {
    let lab = web(Options::default(), |_| {}).await;
    let address = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""body": "hello""#), "{answer}");
}

#[tokio::test]
async fn ports_that_are_taken_are_refused_and_routes_can_move_and_close() {
    let lab = web(Options::default(), |_| {}).await;
    let taken = own_port();
    let port = taken.local_addr().unwrap().port();
    let refused = lab.emulator.open_route(route(FrontDoor::Rest, Some(port))).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("could not listen on 127.0.0.1:{port}"));
    assert!(matches!(refused, EmulatorError::Listen { .. }));

    let first = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    assert_eq!(lab.emulator.open_route(route(FrontDoor::Rest, Some(first.port()))).await.unwrap(), first);
    // A route that cannot move stays where it is.
    assert!(lab.emulator.open_route(route(FrontDoor::Rest, Some(port))).await.is_err());
    assert_eq!(status(first, "GET / HTTP/1.1").await, 200);
    drop(taken);
    let second = lab.emulator.open_route(route(FrontDoor::Rest, Some(port))).await.unwrap();
    assert_eq!(second.port(), port);
    assert_eq!(status(second, "GET / HTTP/1.1").await, 200);
    lab.emulator.remove_function(NAME).await;
    assert!(TcpStream::connect(second).await.is_err());
    assert!(lab.emulator.status(NAME).await.is_none());
}

#[tokio::test]
async fn a_trace_goes_through_to_the_function_or_begins_here() {
    let lab = web(Options::default(), |_| {}).await;
    let address = lab.emulator.open_route(route(FrontDoor::Rest, None)).await.unwrap();
    let sent = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let (_, body) = ask(address, &format!("GET / HTTP/1.1\r\nX-Amzn-Trace-Id: {sent}"), b"").await;
    let seen: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&seen["trace"], &seen["headers"]["x-amzn-trace-id"]), (&json!(sent), &json!(sent)));
    let (_, body) = ask(address, "GET / HTTP/1.1", b"").await;
    let seen: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(seen["trace"], seen["headers"]["x-amzn-trace-id"]);
    assert!(seen["trace"].as_str().unwrap().starts_with("Root=1-"), "{seen}");
}
