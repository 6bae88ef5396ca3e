//! One app under gunicorn and under the local target, the same bytes sent to both: the app must see the same and the client must get the same.
//!
//! What a front door really does differently is written down here, once, with AWS's reason, and is the only thing forgiven.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::http::{Response, exchange, request};
use crate::support::project::repository;
use crate::support::{Deployed, TestProject, local, python};

/// Response headers that belong to the server or to the gateway, not to the app.
const OWN_HEADERS: [&str; 9] = [
    "connection",        // hop by hop
    "date",              // each server's own
    "server",            // each server's own
    "transfer-encoding", // gateways buffer: an answer of unknown length gets a Content-Length
    "content-length",    // likewise; its value is compared with the body by the client of these tests
    "x-amzn-requestid",  // added by REST APIs and URLs
    "x-amz-apigw-id",    // added by REST APIs
    "x-amzn-trace-id",   // added by REST APIs and URLs
    "apigw-requestid",   // added by HTTP APIs
];

/// Request headers that gateways add or take away.
const GATEWAY_REQUEST_HEADERS: [&str; 6] = [
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_AMZN_TRACE_ID",
    "HTTP_CONNECTION",        // hop by hop
    "HTTP_TRANSFER_ENCODING", // hop by hop
];

/// A difference that a front door has on AWS: front door (or `*`), test, reason. Such a request is sent all the same: it must be answered.
const FORGIVEN: &[(&str, &str, &str)] = &[
    ("http", "path encoded percent", "HTTP APIs decode the path twice, and refuse what is no escape then"),
    ("http", "path encoded twice", "HTTP APIs decode the path twice"),
    ("http", "path latin-1", "HTTP APIs decode the path as UTF-8: other bytes become U+FFFD"),
    ("http", "path invalid UTF-8", "HTTP APIs decode the path as UTF-8: other bytes become U+FFFD"),
    ("*", "answer without a type", "every front door gives an answer a content type"),
    ("rest", "answer 204", "REST APIs give every answer a content type"),
    ("rest", "answer 304", "REST APIs give every answer a content type"),
    ("http", "answer 204", "HTTP APIs give every answer a content type"),
    ("http", "answer 304", "HTTP APIs give every answer a content type"),
    ("rest", "body empty POST", "REST APIs do not deliver Content-Length"),
    ("rest", "query order across keys", "REST APIs deliver a map: the order of different keys is lost"),
    ("rest", "query without value", "REST APIs deliver a map: `a` and `a=` are one"),
    ("rest", "query semicolon", "REST APIs split the query at semicolons (API Gateway, known issues)"),
    ("rest", "query latin-1", "REST APIs decode the query as UTF-8: other bytes are lost"),
    ("rest", "query odd escapes", "REST APIs decode the query: `%zz` does not come back as it was"),
    ("rest", "query encoded unreserved", "REST APIs decode the query: how it was written is lost"),
    ("rest", "query lower case escapes", "REST APIs decode the query: how it was written is lost"),
    ("rest", "query space as %20", "REST APIs decode the query: `%20` and `+` are one"),
    ("rest", "query unescaped characters", "REST APIs decode the query: how it was written is lost"),
    ("rest", "query only ampersands", "REST APIs deliver a map: empty pairs are lost"),
    ("alb", "answer 1 MB of octets", "load balancers take 1 MB of JSON: a megabyte in base64 is more"),
    ("alb", "query only ampersands", "load balancers deliver a map: empty pairs are lost"),
    ("alb", "query order across keys", "load balancers deliver a map: the order of different keys is lost"),
    ("alb", "query without value", "load balancers deliver a map: `a` and `a=` are one"),
];

struct Case {
    name: &'static str,
    bytes: Vec<u8>,
}

fn case(name: &'static str, method: &str, target: &[u8], headers: &[(&str, &[u8])], body: &[u8]) -> Case {
    Case { name, bytes: request(method, target, headers, body) }
}

fn get(name: &'static str, target: &[u8]) -> Case {
    case(name, "GET", target, &[], b"")
}

fn cases() -> Vec<Case> {
    let mut cases = methods();
    cases.extend(targets());
    cases.extend(request_headers());
    cases.extend(bodies());
    cases.extend(answers());
    cases
}

fn methods() -> Vec<Case> {
    const FORM: &[(&str, &[u8])] = &[("Content-Type", b"application/x-www-form-urlencoded")];
    vec![
        get("method GET", b"/echo"),
        case("method POST", "POST", b"/echo", FORM, b"a=1&b=2"),
        case("method PUT", "PUT", b"/echo/1", FORM, b"a=1"),
        case("method PATCH", "PATCH", b"/echo/1", FORM, b"a=1"),
        case("method DELETE", "DELETE", b"/echo/1", &[], b""),
        case("method DELETE with a body", "DELETE", b"/echo/1", FORM, b"why=so"),
        case("method OPTIONS", "OPTIONS", b"/echo", &[("Origin", b"https://example.org")], b""),
        case("method OPTIONS with a body", "OPTIONS", b"/echo", FORM, b"a=1"),
        case("method HEAD", "HEAD", b"/head", &[], b""),
        case("method GET with a body", "GET", b"/echo", FORM, b"a=1"),
    ]
}

fn targets() -> Vec<Case> {
    vec![
        get("path root", b"/"),
        get("path nowhere", b"/nowhere"),
        get("path slash at the end", b"/echo/"),
        get("path space", b"/echo/a%20b"),
        get("path plus", b"/echo/a+b"),
        get("path encoded plus", b"/echo/a%2Bb"),
        get("path encoded slash", b"/echo/a%2Fb"),
        get("path encoded percent", b"/echo/100%25"),
        get("path encoded twice", b"/echo/%2520"),
        get("path UTF-8", "/echo/caf%C3%A9/%E4%B8%96%E7%95%8C".as_bytes()),
        get("path latin-1", b"/echo/caf%E9"),
        get("path invalid UTF-8", b"/echo/%FF%FE%80"),
        get("path reserved characters", b"/echo/a:b@c!d$e&f'g(h)i*j,k;l=m~n"),
        get("path double slash", b"/echo//a//b"),
        get("path dots", b"/echo/a/../b/./c"),
        get("path lower case escapes", b"/echo/%c3%a9"),
        get("path long", format!("/echo/{}", "x".repeat(3000)).as_bytes()),
        get("query one", b"/echo?a=1"),
        get("query duplicate keys", b"/echo?a=1&a=2&a=3"),
        get("query order across keys", b"/echo?b=1&a=2&b=3"),
        get("query empty value", b"/echo?a="),
        get("query without value", b"/echo?a"),
        get("query empty", b"/echo?"),
        get("query plus", b"/echo?q=a+b"),
        get("query encoded plus", b"/echo?q=a%2Bb"),
        get("query space as %20", b"/echo?q=a%20b"),
        get("query UTF-8", b"/echo?q=caf%C3%A9&%C3%A9=1"),
        get("query latin-1", b"/echo?q=caf%E9"),
        get("query lower case escapes", b"/echo?q=%c3%a9"),
        get("query encoded ampersand", b"/echo?q=a%26b%3Dc"),
        get("query URL inside", b"/echo?next=https%3A%2F%2Fexample.org%2F%3Fa%3D1"),
        get("query semicolon", b"/echo?a=1;b=2"),
        get("query brackets", b"/echo?ids%5B%5D=1&ids%5B%5D=2"),
        get("query odd escapes", b"/echo?a=%zz&b=%"),
        get("query encoded unreserved", b"/echo?a=%41%2D"),
        get("query unescaped characters", b"/echo?a=b/c?d:e@f"),
        get("query only ampersands", b"/echo?&&"),
    ]
}

fn request_headers() -> Vec<Case> {
    let many: Vec<(String, String)> = (0..40).map(|n| (format!("X-Many-{n}"), format!("value {n}"))).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    vec![
        case("header repeated", "GET", b"/echo", &[("X-Probe", b"one"), ("X-Probe", b"two")], b""),
        case("header odd case", "GET", b"/echo", &[("x-pRoBe", b"one")], b""),
        case("header empty", "GET", b"/echo", &[("X-Empty", b"")], b""),
        case("header with spaces", "GET", b"/echo", &[("X-Spaces", b"two  inner   spaces")], b""),
        case("header many", "GET", b"/echo", &many, b""),
        case(
            "header accept",
            "GET",
            b"/echo",
            &[("Accept", b"text/html,application/xml;q=0.9,*/*;q=0.8"), ("Accept-Language", b"de,en")],
            b"",
        ),
        case("header authorization", "GET", b"/echo", &[("Authorization", b"Basic dXNlcjpwYXNz")], b""),
        case("header conditional", "GET", b"/echo", &[("If-None-Match", b"\"v1\""), ("Range", b"bytes=0-9")], b""),
        case("cookie one", "GET", b"/echo", &[("Cookie", b"a=1")], b""),
        case("cookie several", "GET", b"/echo", &[("Cookie", b"a=1; b=2; c=\"quoted value\"")], b""),
        case("cookie with equals", "GET", b"/echo", &[("Cookie", b"token=abc==; x=y=z")], b""),
        case("header host with port", "GET", b"/echo", &[("Host", b"shop.test:8080")], b""),
    ]
}

fn bodies() -> Vec<Case> {
    let octets: Vec<u8> = (0..=255_u8).collect();
    let megabyte: Vec<u8> = octets.iter().copied().cycle().take(1 << 20).collect();
    let text = "Grüße 世界 ".repeat(1000);
    const OCTETS: &[(&str, &[u8])] = &[("Content-Type", b"application/octet-stream")];
    const JSON: &[(&str, &[u8])] = &[("Content-Type", b"application/json")];
    vec![
        case("body empty POST", "POST", b"/echo", &[("Content-Length", b"0")], b""),
        case("body JSON", "POST", b"/echo", JSON, br#"{"a": "b", "n": [1, 2.5, null]}"#),
        case("body JSON UTF-8", "POST", b"/echo", JSON, "{\"a\": \"Grüße\"}".as_bytes()),
        case("body all octets", "POST", b"/echo", OCTETS, &octets),
        case("body octets as text", "POST", b"/echo", &[("Content-Type", b"text/plain; charset=utf-8")], &octets),
        case("body latin-1 text", "POST", b"/echo", &[("Content-Type", b"text/plain; charset=latin-1")], b"Gr\xfc\xdfe"),
        case("body UTF-8 text", "PUT", b"/echo", &[("Content-Type", b"text/plain; charset=utf-8")], text.as_bytes()),
        case("body without a type", "POST", b"/echo", &[], b"who knows"),
        case("body form UTF-8", "POST", b"/echo", &[("Content-Type", b"application/x-www-form-urlencoded")], b"q=caf%C3%A9+au+lait&x=%26"),
        case(
            "body multipart",
            "POST",
            b"/echo",
            &[("Content-Type", b"multipart/form-data; boundary=x")],
            b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\x00\xff\r\n--x--\r\n",
        ),
        case(
            "body gzipped",
            "POST",
            b"/echo",
            &[("Content-Type", b"application/json"), ("Content-Encoding", b"gzip")],
            b"\x1f\x8b\x08\x00rest",
        ),
        case("body 1 MiB", "POST", b"/echo", OCTETS, &megabyte),
    ]
}

fn answers() -> Vec<Case> {
    vec![
        get("answer 1 MB of octets", b"/bytes/1000000"),
        get("answer 1 MB of text", b"/large/1000000"),
        get("answer octets", b"/bytes/1000"),
        get("answer UTF-8", b"/text/utf8"),
        get("answer latin-1", b"/text/latin1"),
        get("answer invalid UTF-8", b"/text/invalid"),
        get("answer gzip", b"/gzip"),
        get("answer JSON", b"/json"),
        get("answer headers", b"/headers"),
        get("answer 204", b"/empty"),
        get("answer 304", b"/notmodified"),
        get("answer redirect", b"/redirect"),
        get("answer generator", b"/generator"),
        get("answer write", b"/write"),
        get("answer file wrapper", b"/filewrapper"),
        get("answer without a type", b"/no-content-type"),
        get("answer 201", b"/status/201"),
        get("answer 404", b"/status/404"),
        get("answer 418", b"/status/418"),
        get("answer 503", b"/status/503"),
    ]
}

/// gunicorn on a free port, gone at the end of the test.
struct Gunicorn {
    child: Child,
    port: u16,
}

impl Gunicorn {
    fn start(app: PathBuf) -> Self {
        let mut command = Command::new(python::executable("gunicorn"));
        command.args(["--bind", "127.0.0.1:0", "--workers", "1", "--chdir"]).arg(app).arg("app:app");
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().expect("gunicorn ended before it listened").unwrap();
            if let Some((_, rest)) = line.split_once("Listening at: http://127.0.0.1:") {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
        };
        // Read to the end, so that gunicorn never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }
}

impl Drop for Gunicorn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is compared: status, the app's headers (sorted; the order of equal names kept), and the body, as far as it is the app's.
fn comparable(response: &Response, front_door: &str) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = response
        .headers
        .iter()
        .map(|(name, value)| (unmapped(name).to_owned(), readable(value)))
        .filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str()))
        .collect();
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    if front_door != "rest" && front_door != "alb" {
        // Payload format 2.0 has no repeated headers but cookies: they come joined.
        headers = joined(headers);
    }
    let body = match serde_json::from_slice::<Value>(&response.body) {
        Ok(mut seen) if seen.get("path_info_hex").is_some() => {
            if let Some(Value::Object(headers)) = seen.get_mut("headers") {
                headers.retain(|name, _| !GATEWAY_REQUEST_HEADERS.contains(&name.as_str()));
            }
            seen.to_string()
        }
        _ => format!("{} bytes: {:?}", response.body.len(), response.body),
    };
    (response.status, headers, body)
}

/// REST APIs and URLs rename what they keep for themselves (API Gateway, important notes: `x-amzn-Remapped-`).
fn unmapped(name: &str) -> &str {
    name.strip_prefix("x-amzn-remapped-").unwrap_or(name)
}

/// Header bytes as text. Gateways pass the value through JSON, so bytes that are not UTF-8 arrive as the UTF-8 of their latin-1 reading.
fn readable(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect::<String>().trim().to_owned(),
    }
}

fn joined(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        match out.last_mut().filter(|(last, _)| *last == name && name != "set-cookie") {
            Some((_, before)) => {
                before.push_str(", ");
                before.push_str(&value);
            }
            None => out.push((name, value)),
        }
    }
    out
}

#[test]
fn the_app_cannot_tell_and_the_client_cannot_tell() {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let gunicorn = Gunicorn::start(repository().join("tests/fixtures/apps/echo"));
    let expected: Vec<Response> = cases.iter().map(|case| exchange(gunicorn.port, &case.bytes)).collect();
    let deployed = Deployed::new(TestProject::copy_of("tests/fixtures/apps/echo"));

    let mut different = Vec::new();
    let mut needless = Vec::new();
    for front_door in ["rest", "http", "function-url", "alb"] {
        let report = deployed.zappa(["deploy", "local", "--json", "--front-door", front_door]).expect_code(0).json();
        let port = local::port_of(report["url"].as_str().unwrap());
        for (case, expected) in cases.iter().zip(&expected) {
            let given = exchange(port, &case.bytes);
            let (given, wanted) = (comparable(&given, front_door), comparable(expected, front_door));
            let forgiven = FORGIVEN.iter().any(|(door, name, _)| (*door == front_door || *door == "*") && *name == case.name);
            if given != wanted && !forgiven {
                different.push(format!("{front_door}: {}\n  gunicorn {wanted:?}\n  zappa    {given:?}", case.name));
            }
            if given == wanted && forgiven {
                needless.push(format!("{front_door}: {}", case.name));
            }
        }
    }
    let shorten = |text: &String| text.chars().take(1600).collect::<String>();
    assert!(different.is_empty(), "{} differences\n{}", different.len(), different.iter().map(shorten).collect::<Vec<_>>().join("\n"));
    assert!(needless.is_empty(), "forgiven without need, which would hide a fault:\n{}", needless.join("\n"));
}
