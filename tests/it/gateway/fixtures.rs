//! `tests/fixtures/events`: what the shim's tests read is what the gateway builds.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use zappa::gateway::{Door, HttpRequest, RequestContext, request_event};
use zappa::model::FrontDoor;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join("fixtures").join("events")
}

/// Name and content of every fixture.
fn all() -> Vec<(String, Value)> {
    let mut fixtures = Vec::new();
    for entry in std::fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            fixtures.push((name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()));
        }
    }
    fixtures.sort_by(|a, b| a.0.cmp(&b.0));
    fixtures
}

/// The front door, if the gateway builds its events.
fn door(fixture: &Value) -> Option<Door> {
    Some(match fixture["front_door"].as_str().unwrap() {
        "rest" => FrontDoor::Rest.into(),
        "http" => FrontDoor::Http.into(),
        "function-url" => FrontDoor::FunctionUrl.into(),
        "alb" => Door { multi_value_headers: false, ..FrontDoor::Alb.into() },
        "alb-multi" => FrontDoor::Alb.into(),
        _ => return None,
    })
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}")).to_owned()
}

/// The request as the listener hands it on: names in lower case.
fn request(value: &Value) -> HttpRequest {
    HttpRequest {
        method: text(value, "method"),
        target: text(value, "target"),
        protocol: text(value, "protocol"),
        headers: value["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (line[0].as_str().unwrap().to_ascii_lowercase(), line[1].as_str().unwrap().as_bytes().to_vec()))
            .collect(),
        body: value["body"].as_str().map_or_else(Bytes::new, |body| STANDARD.decode(body).unwrap().into()),
        source_ip: text(value, "source_ip"),
    }
}

fn context(value: &Value) -> RequestContext {
    RequestContext {
        stage: text(value, "stage"),
        account_id: text(value, "account_id"),
        region: text(value, "region"),
        api_id: text(value, "api_id"),
        domain_name: text(value, "domain_name"),
        request_id: text(value, "request_id"),
        trace_id: text(value, "trace_id"),
        time_epoch_ms: value["time_epoch_ms"].as_i64().unwrap(),
        forwarded_proto: text(value, "forwarded_proto"),
        forwarded_port: u16::try_from(value["forwarded_port"].as_u64().unwrap()).unwrap(),
        binary_support: value["binary_support"].as_bool().unwrap_or(true),
    }
}

/// Name, front door and event of every fixture that the gateway builds.
fn built() -> Vec<(String, Door, Value, Value)> {
    all()
        .into_iter()
        .filter(|(_, fixture)| fixture["built_by_gateway"] == true)
        .filter_map(|(name, fixture)| {
            let door = door(&fixture)?;
            let event = request_event(door, &request(&fixture["request"]), &context(&fixture["context"]));
            Some((name, door, event, fixture["event"].clone()))
        })
        .collect()
}

#[test]
fn the_gateway_builds_every_shared_event() {
    let built = built();
    for front_door in FrontDoor::ALL {
        assert!(built.iter().any(|(_, door, ..)| door.front_door == front_door), "no fixture for `{front_door}`");
    }
    let mut failures = String::new();
    for (name, _, event, expected) in built {
        if event != expected {
            failures += &format!("{name}:\n  built    {event}\n  expected {expected}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

/// What the shim's tests take for the events of authorizers, which only AWS sends, read by the types of AWS's runtime for Rust.
#[test]
fn the_types_of_the_rust_runtime_read_every_event_of_an_authorizer() {
    use aws_lambda_events::apigw;
    let event = |name: &str| {
        let text = std::fs::read(directory().join("authorizers").join(format!("{name}.json"))).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap()["event"].clone()
    };
    let token: apigw::ApiGatewayCustomAuthorizerRequest = serde_json::from_value(event("rest-token")).unwrap();
    assert_eq!(token.authorization_token.as_deref(), Some("Bearer token-17"));
    let rest: apigw::ApiGatewayCustomAuthorizerRequestTypeRequest = serde_json::from_value(event("rest-request")).unwrap();
    assert_eq!((rest.type_.as_deref(), rest.path.as_deref()), (Some("REQUEST"), Some("/orders")));
    let http: apigw::ApiGatewayV2CustomAuthorizerV2Request = serde_json::from_value(event("http-request")).unwrap();
    assert_eq!((http.type_.as_deref(), http.identity_source), (Some("REQUEST"), Some(vec!["Bearer token-17".to_owned()])));
}

/// An independent reader: the types of AWS's runtime for Rust.
#[test]
fn the_types_of_the_rust_runtime_read_every_event() {
    use aws_lambda_events::{alb, apigw, lambda_function_urls};
    for (name, door, event, _) in built() {
        let read = match door.front_door {
            FrontDoor::Rest => serde_json::from_value::<apigw::ApiGatewayProxyRequest>(event).map(drop),
            FrontDoor::Http => serde_json::from_value::<apigw::ApiGatewayV2httpRequest>(event).map(drop),
            FrontDoor::FunctionUrl => serde_json::from_value::<lambda_function_urls::LambdaFunctionUrlRequest>(event).map(drop),
            FrontDoor::Alb => serde_json::from_value::<alb::AlbTargetGroupRequest>(event).map(drop),
        };
        if let Err(error) = read {
            panic!("{name}: {error}");
        }
    }
}
