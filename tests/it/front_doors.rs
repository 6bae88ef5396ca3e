//! What the settings make of a front door, on a deployed stage: CORS, the stage in the path, `binary_support`.

use std::fmt::Write as _;

use expect_test::expect;

use crate::support::http::{Response, exchange, request};
use crate::support::{Deployed, TestProject};

/// Says what it got, and allows an origin of its own.
const APP: &str = r#"
import json

def app(environ, start_response):
    headers = [("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "https://app.example"), ("Access-Control-Max-Age", "5")]
    if environ["PATH_INFO"] == "/binary":
        start_response("200 OK", [("Content-Type", "image/png")])
        return [b"\x89PNG\xff"]
    start_response("200 OK", headers)
    return [json.dumps({name: environ[name] for name in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME")}).encode()]
"#;

fn deployed(settings: &str) -> Deployed {
    let project = TestProject::new().with_python().file("requirements.txt", "").file("app.py", APP);
    Deployed::new(project.file("zappa_settings.toml", settings_file(settings)))
}

fn settings_file(settings: &str) -> String {
    format!("[local]\ntarget = \"local\"\napp_function = \"app.app\"\n{settings}\n")
}

fn ask(port: u16, method: &str, target: &str, headers: &[(&str, &str)]) -> Response {
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    exchange(port, &request(method, target.as_bytes(), &headers, b""))
}

/// Status and the headers that matter to browsers, in order.
fn show(response: &Response) -> String {
    let mut text = response.status.to_string();
    for (name, value) in &response.headers {
        if name.starts_with("access-control-") || matches!(name.as_str(), "vary" | "content-type") {
            write!(text, "\n  {name}: {}", value.escape_ascii()).unwrap();
        }
    }
    text
}

/// A preflight of an origin that is allowed, one of another, an `OPTIONS` that is none, and an answer of the app to each.
fn cors(port: u16) -> String {
    let preflight = |origin| [("Origin", origin), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-token")];
    [
        ("preflight", ask(port, "OPTIONS", "/a", &preflight("https://shop.example"))),
        ("preflight, another origin", ask(port, "OPTIONS", "/a", &preflight("https://evil.example"))),
        ("OPTIONS", ask(port, "OPTIONS", "/a", &[])),
        ("GET", ask(port, "GET", "/a", &[("Origin", "https://shop.example")])),
        ("GET, another origin", ask(port, "GET", "/a", &[("Origin", "https://evil.example")])),
        ("GET, no origin", ask(port, "GET", "/a", &[])),
    ]
    .iter()
    .map(|(what, response)| format!("{what}: {}\n", show(response)))
    .collect()
}

#[test]
fn each_front_door_answers_other_origins_in_its_own_way() {
    let named = r#"cors = { allowed_origins = ["https://shop.example", "https://other.example"], allowed_methods = ["GET", "PUT"], allowed_headers = ["X-Token"], allow_credentials = true, max_age = 60, expose_headers = ["ETag"] }"#;
    let deployed = deployed(named);
    expect![[r#"
        preflight: 200
          access-control-allow-origin: https://shop.example
          access-control-allow-credentials: true
          access-control-allow-methods: GET,PUT
          access-control-allow-headers: X-Token
          access-control-max-age: 60
          content-type: application/json
        preflight, another origin: 200
          access-control-allow-credentials: true
          access-control-allow-methods: GET,PUT
          access-control-allow-headers: X-Token
          access-control-max-age: 60
          content-type: application/json
        OPTIONS: 200
          access-control-allow-credentials: true
          access-control-allow-methods: GET,PUT
          access-control-allow-headers: X-Token
          access-control-max-age: 60
          content-type: application/json
        GET: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET, another origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET, no origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
    "#]]
    .assert_eq(&cors(deployed.port));

    let redeploy = |settings: &str| {
        deployed.project.write("zappa_settings.toml", settings_file(settings));
        let report = deployed.zappa(["deploy", "local", "--json"]).expect_code(0).json();
        assert_eq!((&report["release"], &report["route"]), (&"unchanged".into(), &"updated".into()), "{report}");
        cors(deployed.port)
    };
    expect![[r#"
        preflight: 200
          access-control-allow-origin: *
          access-control-allow-methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT
          access-control-allow-headers: Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token
          content-type: application/json
        preflight, another origin: 200
          access-control-allow-origin: *
          access-control-allow-methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT
          access-control-allow-headers: Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token
          content-type: application/json
        OPTIONS: 200
          access-control-allow-origin: *
          access-control-allow-methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT
          access-control-allow-headers: Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token
          content-type: application/json
        GET: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET, another origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET, no origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
    "#]]
    .assert_eq(&redeploy("cors = true"));
    expect![[r#"
        preflight: 204
          access-control-allow-origin: https://shop.example
          access-control-allow-credentials: true
          access-control-allow-methods: GET,PUT
          access-control-allow-headers: X-Token
          access-control-max-age: 60
        preflight, another origin: 204
        OPTIONS: 200
          content-type: application/json
        GET: 200
          content-type: application/json
          access-control-allow-origin: https://shop.example
          access-control-allow-credentials: true
          access-control-expose-headers: ETag
        GET, another origin: 200
          content-type: application/json
        GET, no origin: 200
          content-type: application/json
    "#]]
    .assert_eq(&redeploy(&format!("apigateway_version = \"v2\"\n{named}")));
    expect![[r#"
        preflight: 204
          access-control-allow-origin: *
          access-control-allow-methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT
          access-control-allow-headers: Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token
        preflight, another origin: 204
          access-control-allow-origin: *
          access-control-allow-methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT
          access-control-allow-headers: Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token
        OPTIONS: 200
          content-type: application/json
        GET: 200
          content-type: application/json
          access-control-allow-origin: *
        GET, another origin: 200
          content-type: application/json
          access-control-allow-origin: *
        GET, no origin: 200
          content-type: application/json
    "#]]
    .assert_eq(&redeploy("apigateway_version = \"v2\"\ncors = true"));
    let url = r#"function_url_enabled = true
function_url_config = { cors = { allowedOrigins = ["https://shop.example"], allowedMethods = ["GET", "PUT"], allowedHeaders = ["x-token"], allowCredentials = true, maxAge = 60, exposedResponseHeaders = ["ETag"] } }"#;
    expect![[r#"
        preflight: 200
          vary: Origin
          access-control-allow-origin: https://shop.example
          access-control-allow-credentials: true
          access-control-allow-methods: GET,PUT
          access-control-allow-headers: x-token
          access-control-max-age: 60
          content-type: application/json
        preflight, another origin: 200
          vary: Origin
          content-type: application/json
        OPTIONS: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
          vary: Origin
        GET: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-allow-origin: https://shop.example
          access-control-max-age: 5
          vary: Origin
          access-control-allow-credentials: true
          access-control-expose-headers: ETag
        GET, another origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
          vary: Origin
        GET, no origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
          vary: Origin
    "#]]
    .assert_eq(&redeploy(url));
    expect![[r#"
        preflight: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        preflight, another origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        OPTIONS: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET, another origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
        GET, no origin: 200
          content-type: application/json
          access-control-allow-origin: https://app.example
          access-control-max-age: 5
    "#]]
    .assert_eq(&redeploy(&format!("alb_enabled = true\n{named}")));
}

#[test]
fn the_stage_is_in_the_path_on_an_apis_own_host_and_nowhere_else() {
    let deployed = deployed("");
    let own = [("Host", "abc.execute-api.eu-west-1.amazonaws.com")];
    let seen = |target: &str, headers: &[(&str, &str)]| {
        let response = ask(deployed.port, "GET", target, headers);
        format!("{target}: {} {}\n", response.status, response.text())
    };
    let mut text = String::new();
    for target in ["/local/a%20b?x=1", "/local", "/local/", "/local?x=1", "/local/local/a", "/locals/a", "/prod/a", "/", "/LOCAL/a"] {
        text += &seen(target, &own);
    }
    text += &seen("/local/a", &[]);
    text += &seen("/local/a", &[("Host", "shop.example.org:8000")]);
    // What health checks ask is not the app's.
    text += &(seen("/local/.zappa/health", &own) + &seen("/.zappa/health", &[]) + &seen("/.zappa", &[]));
    expect![[r#"
        /local/a%20b?x=1: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/local", "PATH_INFO": "/a b", "QUERY_STRING": "x=1", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /local: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/local", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /local/: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/local", "PATH_INFO": "/", "QUERY_STRING": "", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /local?x=1: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/local", "PATH_INFO": "/", "QUERY_STRING": "x=1", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /local/local/a: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/local", "PATH_INFO": "/local/a", "QUERY_STRING": "", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /locals/a: 403 {"message":"Missing Authentication Token"}
        /prod/a: 403 {"message":"Missing Authentication Token"}
        /: 403 {"message":"Missing Authentication Token"}
        /LOCAL/a: 403 {"message":"Missing Authentication Token"}
        /local/a: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/local/a", "QUERY_STRING": "", "SERVER_NAME": "shop.test"}
        /local/a: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/local/a", "QUERY_STRING": "", "SERVER_NAME": "shop.example.org"}
        /local/.zappa/health: 200 ok

        /.zappa/health: 200 ok

        /.zappa: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/.zappa", "QUERY_STRING": "", "SERVER_NAME": "shop.test"}
    "#]].assert_eq(&text);

    let http = deployed.zappa(["deploy", "local", "--front-door", "http", "--json"]).expect_code(0);
    assert_eq!(http.json()["route"], "updated");
    expect![[r#"
        /local/a: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/local/a", "QUERY_STRING": "", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /a: 200 {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/a", "QUERY_STRING": "", "SERVER_NAME": "abc.execute-api.eu-west-1.amazonaws.com"}
        /.zappa/health: 200 ok

    "#]].assert_eq(&(seen("/local/a", &own) + &seen("/a", &own) + &seen("/.zappa/health", &own)));
}

#[test]
fn without_binary_support_bytes_that_are_no_text_do_not_pass() {
    let deployed = deployed("binary_support = false");
    expect!["200 iVBOR/8="].assert_eq(&deployed_binary(&deployed, "rest"));
    expect![[r#"200 \x89PNG\xff"#]].assert_eq(&deployed_binary(&deployed, "function-url"));
}

fn deployed_binary(deployed: &Deployed, front_door: &str) -> String {
    deployed.zappa(["deploy", "local", "--front-door", front_door]).expect_code(0);
    let response = ask(deployed.port, "GET", "/binary", &[]);
    format!("{} {}", response.status, response.body.escape_ascii())
}
