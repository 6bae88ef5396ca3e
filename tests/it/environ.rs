//! HTTP request → event → WSGI environ, for random requests: what the app finds is what PEP 3333 and the request itself say, as under gunicorn.
//!
//! The requests keep to what each front door delivers without loss; what gets lost is listed in `differential` with AWS's reasons.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use zappa::gateway::{Door, HttpRequest, RequestContext, admit, enter_stage, request_event};
use zappa::model::FrontDoor;

use crate::support::project::repository;
use crate::support::python;
use crate::support::random::Random;

/// Requests for each front door.
const REQUESTS: usize = 250;

/// One event a line in, one environ a line out, through the shim as Lambda calls it and through `wsgiref.validate`.
const READER: &str = r#"
import base64, json, sys
from wsgiref.validate import validator
from zappa.wsgi import front_door, make_server

found = {}

def app(environ, start_response):
    found.clear()
    found.update({name: value for name, value in environ.items() if isinstance(value, str)})
    found["body"] = base64.b64encode(environ["wsgi.input"].read(1 << 20)).decode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]

config = {"base_path": None, "additional_text_mimetypes": [], "context_header_mappings": {}, "binary_support": True, "debug": True,
          "exception_handler": None}
serve = make_server(validator(app), config)

class Context:
    aws_request_id = "1"

for line in sys.stdin:
    event = json.loads(line)
    answer = serve(event, Context, front_door(event))
    print(json.dumps(found if answer["statusCode"] == 200 else {"failed": answer["body"]}), flush=True)
"#;

struct Reader {
    process: Child,
    events: ChildStdin,
    environs: BufReader<ChildStdout>,
}

impl Reader {
    fn start() -> Self {
        let mut process = Command::new(python::interpreter())
            .args(["-c", READER])
            .env("PYTHONPATH", repository().join("shim"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (events, environs) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, events, environs }
    }

    fn read(&mut self, event: &Value) -> BTreeMap<String, String> {
        writeln!(self.events, "{event}").unwrap();
        let mut line = String::new();
        self.environs.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?} for {event}"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const PATH: [&str; 16] = ["a", "Z", "9", "-", "~", "/", "//", "!", "$&'()", "*+,;=:@", "%20", "%2F", "%2f", "%C3%A9", "%E4%B8%96", "%3B"];
/// Lost by HTTP APIs, which decode twice, and to text.
const PATH_BYTES: [&str; 5] = ["%25", "%3F", "%FF", "%00", "%2541"];
const QUERY: [&str; 14] = ["a", "b", "a", "=", "=", "&", "1", "%20", "+", "%3D", "%26", "%C3%A9", "%3B", "%2B"];
/// Lost by REST APIs, which decode and cut at semicolons.
const QUERY_RAW: [&str; 6] = [";", "%FF", "%zz", "%", "/?", "!*'()"];
const NAMES: [&str; 11] = [
    "accept",
    "accept-language",
    "authorization",
    "if-none-match",
    "referer",
    "user-agent",
    "x-a",
    "x-b",
    "x-request-id",
    "x-under_score",
    "proxy",
];
const VALUE: [&str; 12] = ["a", "B", "1", " ", ",", ";", "\"", "=", "é", "世", "\t", "%20"];
const TYPES: [&str; 6] = [
    "text/plain",
    "text/plain; charset=latin-1",
    "application/json",
    "image/png",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];

fn request(random: &mut Random, front_door: FrontDoor) -> HttpRequest {
    let mut path = String::from("/");
    for _ in 0..random.below(12) {
        path +=
            if front_door != FrontDoor::Http && random.one_in(5) { random.pick::<&str>(&PATH_BYTES) } else { random.pick::<&str>(&PATH) };
    }
    let mut query = String::new();
    for _ in 0..random.below(14) {
        query +=
            if front_door != FrontDoor::Rest && random.one_in(5) { random.pick::<&str>(&QUERY_RAW) } else { random.pick::<&str>(&QUERY) };
    }
    let target = if query.is_empty() { path } else { format!("{path}?{query}") };
    let mut headers = vec![("host".to_owned(), b"shop.example.org:8000".to_vec())];
    for _ in 0..random.below(8) {
        let value = random.text(&VALUE, 9).trim().to_owned();
        headers.push(((*random.pick(&NAMES)).to_owned(), value.into_bytes()));
    }
    for number in 0..random.below(3) {
        headers.push(("cookie".to_owned(), format!("a{number}=1; b=\"x y\"").into_bytes()));
    }
    let body = if random.one_in(2) { random.bytes(61) } else { random.text(&VALUE, 21).into_bytes() };
    let body = if random.one_in(3) { Vec::new() } else { body };
    if !body.is_empty() || random.one_in(4) {
        headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
        if !random.one_in(5) {
            headers.push(("content-type".to_owned(), random.pick::<&str>(&TYPES).as_bytes().to_vec()));
        }
    }
    // A load balancer does not say.
    let protocol = if front_door != FrontDoor::Alb && random.one_in(8) { "HTTP/1.0" } else { "HTTP/1.1" };
    HttpRequest {
        method: (*random.pick(&METHODS)).to_owned(),
        target,
        protocol: protocol.to_owned(),
        headers,
        body: Bytes::from(body),
        source_ip: (*random.pick(&["203.0.113.7", "127.0.0.1", "2001:db8::1"])).to_owned(),
    }
}

/// PEP 3333's native string: bytes as latin-1.
fn native(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn unquoted(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode(text.as_bytes()).collect()
}

/// What the environ must hold, from the request alone.
fn expected(front_door: FrontDoor, request: &HttpRequest, script: &str, context: &RequestContext) -> BTreeMap<String, String> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let mut environ: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &request.headers {
        // As gunicorn: an underscore would pass for a hyphen. `Proxy` steers HTTP clients (httpoxy).
        if name.contains('_') || name == "proxy" {
            continue;
        }
        let key = match name.as_str() {
            "content-type" | "content-length" => name.to_uppercase().replace('-', "_"),
            _ => format!("HTTP_{}", name.to_uppercase().replace('-', "_")),
        };
        let joint = if name == "cookie" { "; " } else { "," };
        environ.entry(key).and_modify(|joined| *joined += &format!("{joint}{}", native(value))).or_insert_with(|| native(value));
    }
    if front_door == FrontDoor::Rest && request.body.is_empty() {
        environ.remove("CONTENT_LENGTH");
    }
    for (key, value) in [
        ("REQUEST_METHOD", request.method.clone()),
        ("SCRIPT_NAME", script.to_owned()),
        ("PATH_INFO", native(&unquoted(path))),
        ("QUERY_STRING", query.to_owned()),
        ("SERVER_PROTOCOL", request.protocol.clone()),
        ("SERVER_NAME", if front_door == FrontDoor::Alb { "shop.example.org".to_owned() } else { context.domain_name.clone() }),
        ("SERVER_PORT", context.forwarded_port.to_string()),
        ("REMOTE_ADDR", request.source_ip.clone()),
        ("wsgi.url_scheme", context.forwarded_proto.clone()),
        ("body", STANDARD.encode(&request.body)),
    ] {
        environ.insert(key.to_owned(), value);
    }
    environ
}

/// What is compared: without what front doors add, and the query without its order and its spelling where the front door delivers a map.
fn comparable(front_door: FrontDoor, mut environ: BTreeMap<String, String>) -> BTreeMap<String, String> {
    const ADDED: [&str; 4] = ["HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PROTO", "HTTP_X_AMZN_TRACE_ID"];
    // Beside PEP 3333; gunicorn has the latter two as well.
    const MORE: [&str; 3] = ["HTTPS", "REQUEST_URI", "RAW_URI"];
    environ.retain(|name, _| !ADDED.contains(&name.as_str()) && !MORE.contains(&name.as_str()));
    let query = environ.get_mut("QUERY_STRING").unwrap();
    if matches!(front_door, FrontDoor::Rest | FrontDoor::Alb) {
        let decoded = |text: &str| if front_door == FrontDoor::Alb { text.as_bytes().to_vec() } else { unquoted(&text.replace('+', " ")) };
        let mut pairs: Vec<_> =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        pairs.sort_by_key(|(key, _)| decoded(key));
        let shown: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{:?}={:?}", native(&decoded(key)), native(&decoded(value)))).collect();
        *query = shown.join("&");
    }
    environ
}

#[test]
fn the_app_finds_what_the_client_sent() {
    let mut reader = Reader::start();
    let mut random = Random(0x5eed_0004);
    for door in FrontDoor::ALL {
        for number in 0..REQUESTS {
            let sent = request(&mut random, door);
            let own = door == FrontDoor::Rest && random.one_in(3);
            let https = random.one_in(2);
            let context = RequestContext {
                stage: "dev".to_owned(),
                account_id: "123456789012".to_owned(),
                region: "eu-west-1".to_owned(),
                api_id: "abcdef1234".to_owned(),
                domain_name: if own { "abcdef1234.execute-api.eu-west-1.amazonaws.com" } else { "shop.example.org" }.to_owned(),
                request_id: "3f1c1c1e-2f4b-4c6e-9a53-5b8a6a2d7c10".to_owned(),
                trace_id: "Root=1-6a189d00-536f3e792f6be9b44c1f46fa".to_owned(),
                time_epoch_ms: 1_780_000_000_000,
                forwarded_proto: if https { "https" } else { "http" }.to_owned(),
                forwarded_port: if https { 443 } else { 8000 },
                binary_support: true,
            };
            let mut arrived = sent.clone();
            if own {
                arrived.target = format!("/dev{}", sent.target);
            }
            admit(door, &arrived).unwrap();
            enter_stage(door, &mut arrived, &context.stage, &context.domain_name).unwrap();
            let event = request_event(Door::from(door), &arrived, &context);
            let found = comparable(door, reader.read(&event));
            let wanted = comparable(door, expected(door, &sent, if own { "/dev" } else { "" }, &context));
            assert_eq!(found, wanted, "{door} {number}: {sent:?}\n{event}");
        }
    }
}
