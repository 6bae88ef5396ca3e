//! `src/gateway/outcomes.md`, held to what clients really get: every outcome at every front door, through HTTP, a sandbox and AWS's runtime client.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zappa::emulator::{FunctionConfig, Options, RouteConfig};
use zappa::model::FrontDoor;

use super::lab::{Lab, meet};

/// Answers with what the path names: bytes, which the runtime client posts as they are.
const ANSWERS: &str = r#"
import json, os, socket, time

def lambda_handler(event, context):
    path = event.get("rawPath") or event["path"]
    alb = "elb" in event["requestContext"]

    def answer(headers={}, **more):
        headers = {"multiValueHeaders": {name: [value] for name, value in headers.items()}} if alb else {"headers": headers}
        return json.dumps({"statusCode": 200, **headers, **more}).encode()

    plain = {"content-type": "text/plain"}
    match path[1:].split("/"):
        case ["raises"]:
            raise ValueError("no such product")
        case ["exits"]:
            os._exit(3)
        case ["sleeps"]:
            time.sleep(600)
        case ["holds", port]:
            with socket.create_connection(("127.0.0.1", int(port))) as connection:
                connection.sendall(b"1234")
                connection.recv(1)
            return answer(plain, body="held")
        case ["answers"] | ["answers%zz"]:
            return answer(plain, body="hi")
        case ["untyped"]:
            return answer(body="hi")
        case ["empty"]:
            return answer()
        case ["base64"]:
            return answer({"content-type": "image/png"}, body="iVBORw==", isBase64Encoded=True)
        case ["no-content"]:
            return answer(statusCode=204, body="not sent")
        case ["digits"]:
            return answer(plain, statusCode="201", body="hi")
        case ["not-json"]:
            return b"plain text"
        case ["no-object"]:
            return b'["a", "list"]'
        case ["no-status"]:
            return b'{"body": "hi"}'
        case ["odd-status"]:
            return answer(plain, statusCode="two hundred")
        case ["interim"]:
            return answer(plain, statusCode=101)
        case ["unknown-key"]:
            return answer(plain, body="hi", extra=1)
        case ["object-body"]:
            return answer(plain, body={"a": 1})
        case ["list-headers"]:
            return json.dumps({"statusCode": 200, "headers": [], "multiValueHeaders": [], "body": "hi"}).encode()
        case ["number-header"]:
            return answer({"x-number": 7, "content-type": "text/plain"}, body="hi")
        case ["line-break"]:
            return answer({"x-a": "1\r\nx-b: 2"}, body="hi")
        case ["bad-base64"]:
            return answer(plain, body="%%%", isBase64Encoded=True)
        case ["other-map"]:
            other = {"headers": plain} if alb else {"multiValueHeaders": {"content-type": ["text/plain"]}}
            return json.dumps({"statusCode": 200, "body": "hi", **other}).encode()
        case ["text-cookies"]:
            return answer(plain, body="hi", cookies="a=1")
        case ["megabyte"]:
            return answer(plain, body="x" * 1_048_576)
        case ["large"]:
            return answer(plain, body="x" * 6_300_000)
        case ["named"]:
            names = ("authorization", "connection", "content-length", "content-md5", "date", "expect", "host", "keep-alive", "max-forwards",
                     "proxy-authenticate", "server", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "www-authenticate",
                     "x-amzn-requestid", "x-amzn-trace-id", "x-app")
            return answer({name: "1" for name in names}, body="hi")
"#;

/// The outcomes that a path alone brings about, in the document's order.
const PATHS: [(&str, &str); 22] = [
    ("answers", "GET /answers"),
    ("answers, no content type", "GET /untyped"),
    ("answers, empty", "GET /empty"),
    ("answers in base64", "GET /base64"),
    ("answers, `HEAD`", "HEAD /answers"),
    ("answers 204 with a body", "GET /no-content"),
    ("`statusCode` in digits", "GET /digits"),
    ("answer is no JSON", "GET /not-json"),
    ("answer is no object", "GET /no-object"),
    ("no `statusCode`", "GET /no-status"),
    ("`statusCode` is no number", "GET /odd-status"),
    ("`statusCode` 101", "GET /interim"),
    ("unknown key", "GET /unknown-key"),
    ("`body` is no string", "GET /object-body"),
    ("`headers` is no map", "GET /list-headers"),
    ("header is a number", "GET /number-header"),
    ("header with a line break", "GET /line-break"),
    ("`body` is not the base64 it claims", "GET /bad-base64"),
    ("the other headers' map", "GET /other-map"),
    ("`cookies` is no list", "GET /text-cookies"),
    ("answer over 1 MB", "GET /megabyte"),
    ("answer over 6 MB", "GET /large"),
];

/// One response: status, header lines, body.
struct Seen {
    status: String,
    headers: Vec<(String, String)>,
    body: String,
    length: usize,
}

async fn ask(address: SocketAddr, request: &str, headers: &str, body: &[u8]) -> Seen {
    let host = if headers.starts_with("host") { String::new() } else { format!("host: {address}\r\n") };
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let close = if headers.contains("connection") { "" } else { "connection: close\r\n" };
    stream.write_all(format!("{request} HTTP/1.1\r\n{host}{close}{headers}{length}\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| panic!("{request}: {bytes:?}"));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers =
        lines.map(|line| line.split_once(": ").unwrap_or((line, ""))).map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let body = &bytes[end + 4..];
    Seen { status, headers: headers.collect(), body: body.escape_ascii().to_string(), length: body.len() }
}

impl Seen {
    /// As the document writes it: ids by their name alone, the connection's own headers left out, a page by its title.
    fn cells(&self) -> String {
        let shown: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, value)| match name.as_str() {
                "date" | "connection" => false,
                "content-length" => *value != self.length.to_string(),
                _ => true,
            })
            .map(|(name, value)| match name.as_str() {
                "x-amzn-requestid" | "x-amz-apigw-id" | "apigw-requestid" | "x-amzn-trace-id" => name.clone(),
                _ => format!("{name}: {value}"),
            })
            .collect();
        let title = self.body.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).map(|title| format!("page `{title}`"));
        let body = match title {
            Some(title) => title,
            None if self.body.is_empty() => String::new(),
            None if self.body.len() > 200 => format!("{} bytes", self.body.len()),
            None => format!("`{}`", self.body.replace("\\\"", "\"")),
        };
        let headers: Vec<String> = shown.iter().map(|header| format!("`{header}`")).collect();
        format!("{} | {} | {body}", self.status, headers.join(" "))
    }
}

struct Stage {
    lab: Lab,
    /// Same functions; the front door gives up at once.
    hasty: Lab,
}

impl Stage {
    async fn new() -> Self {
        let hasty = Options { gateway_limit: Some(Duration::from_millis(1)), ..Options::default() };
        Self { lab: Lab::new().await, hasty: Lab::with(hasty, |_| {}).await }
    }
}

/// Puts a function before a front door of this kind, and opens it.
async fn open(lab: &Lab, door: FrontDoor, name: &str, source: &str, change: impl FnOnce(&mut FunctionConfig)) -> SocketAddr {
    let name = format!("{name}-{door}");
    let code = lab.directory.path().join(format!("code-{name}"));
    std::fs::create_dir_all(code.join("zappa")).unwrap();
    std::fs::write(code.join("zappa/__init__.py"), "").unwrap();
    std::fs::write(code.join("zappa/handler.py"), source).unwrap();
    let mut config = FunctionConfig { code, function_name: name.clone(), ..lab.config(1, super::lab::HANDLER) };
    change(&mut config);
    lab.emulator.put_version(config).await;
    lab.emulator.set_live(&name, 1).await.unwrap();
    let route =
        RouteConfig { function_name: name, stage: "dev".to_owned(), front_door: door, binary_support: true, cors: None, port: None };
    lab.emulator.open_route(route).await.unwrap()
}

async fn outcomes(stage: &Stage, door: FrontDoor) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    let shop = open(&stage.lab, door, "shop", ANSWERS, |_| {}).await;
    for (outcome, request) in PATHS {
        seen.push((outcome, ask(shop, request, "", b"").await));
    }
    seen.push(("raises", ask(shop, "GET /raises", "", b"").await));
    seen.push(("exits", ask(shop, "GET /exits", "", b"").await));
    let slow = open(&stage.lab, door, "slow", ANSWERS, |config| config.timeout = Duration::from_millis(200)).await;
    seen.push(("function timeout", ask(slow, "GET /sleeps", "", b"").await));
    let broken = open(&stage.lab, door, "broken", "import no_such_module", |_| {}).await;
    seen.push(("init fails", ask(broken, "GET /", "", b"").await));

    let busy = open(&stage.lab, door, "busy", ANSWERS, |config| config.concurrency = 1).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let held = format!("GET /holds/{}", listener.local_addr().unwrap().port());
    let first = tokio::spawn(async move { ask(busy, &held, "", b"").await });
    let (mut connection, _) = meet(&listener).await;
    seen.push(("throttled", ask(busy, "GET /answers", "", b"").await));
    connection.write_all(b"!").await.unwrap();
    assert_eq!(first.await.unwrap().body, "held");

    let hasty = open(&stage.hasty, door, "hasty", ANSWERS, |_| {}).await;
    seen.push(("gateway timeout", ask(hasty, "GET /sleeps", "", b"").await));

    let size = zappa::gateway::limits(door).request_body_bytes + 1;
    seen.push(("request body too large", ask(shop, "POST /answers", "", &vec![b'x'; size]).await));
    if size > 5_000_000 {
        seen.push(("event over 6 MB", ask(shop, "POST /answers", "content-type: image/png\r\n", &vec![b'x'; 5_000_000]).await));
    }
    let long = zappa::gateway::limits(door).header_line_bytes + 1;
    seen.push(("headers too large", ask(shop, "GET /answers", &format!("x-long: {}\r\n", "x".repeat(long)), b"").await));
    let upgrade = "connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n";
    seen.push(("`Upgrade: websocket`", ask(shop, "GET /answers", upgrade, b"").await));
    seen.push(("two `Host`s", ask(shop, "GET /answers", "host: a\r\nhost: b\r\n", b"").await));
    seen.push(("invalid escape in the path", ask(shop, "GET /answers%zz", "", b"").await));
    if door == FrontDoor::Rest {
        let other = ask(shop, "GET /other/answers", "host: abc.execute-api.eu-west-1.amazonaws.com\r\n", b"").await;
        seen.push(("another stage", other));
    }
    seen.push(("answers, every special header", ask(shop, "GET /named", "", b"").await));
    seen.into_iter().map(|(outcome, seen)| (outcome.to_owned(), seen.cells())).collect()
}

/// The rows of the section of one front door: outcome and what follows it up to the source.
fn documented(door: FrontDoor) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/gateway/outcomes.md");
    let text = std::fs::read_to_string(path).unwrap();
    let heading = format!("# `{door}`\n");
    let section = text.split(&heading).nth(1).unwrap_or_else(|| panic!("no section {heading}")).split("\n# ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| outcome"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 5 && !cells[4].is_empty(), "no source: {row}");
        (cells[0].to_owned(), cells[1..4].join(" | "))
    })
    .collect()
}

#[tokio::test]
async fn every_outcome_is_what_the_document_says() {
    let stage = Stage::new().await;
    let [rest, http, url, alb] = FrontDoor::ALL;
    let (a, b, c, d) = tokio::join!(outcomes(&stage, rest), outcomes(&stage, http), outcomes(&stage, url), outcomes(&stage, alb));
    let mut wrong = String::new();
    for (door, seen) in FrontDoor::ALL.into_iter().zip([a, b, c, d]) {
        let documented = documented(door);
        for (outcome, cells) in &seen {
            if !documented.contains(&(outcome.clone(), cells.clone())) {
                wrong += &format!("{door}: | {outcome} | {cells} |\n");
            }
        }
        for (outcome, _) in &documented {
            if !seen.iter().any(|(name, _)| name == outcome) {
                wrong += &format!("{door}: nobody tries `{outcome}`\n");
            }
        }
    }
    assert!(wrong.is_empty(), "clients get this instead:\n{wrong}");
}
