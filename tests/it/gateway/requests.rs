//! Requests that no shared fixture holds: odd targets, odd headers, what is dropped, what is refused.

use bytes::Bytes;
use serde_json::{Value, json};
use zappa::gateway::{Failure, HttpRequest, admit, limits, request_event};
use zappa::model::FrontDoor;

use super::{context, request};

fn event(front_door: FrontDoor, target: &str) -> Value {
    request_event(front_door, &request("GET", target, &[("host", "example.org")]), &context())
}

/// The path as each front door writes it: REST, HTTP API, Function URL (raw and decoded), load balancer.
fn paths(target: &str) -> [String; 5] {
    [
        event(FrontDoor::Rest, target)["path"].clone(),
        event(FrontDoor::Http, target)["rawPath"].clone(),
        event(FrontDoor::FunctionUrl, target)["rawPath"].clone(),
        event(FrontDoor::FunctionUrl, target)["requestContext"]["http"]["path"].clone(),
        event(FrontDoor::Alb, target)["path"].clone(),
    ]
    .map(|path| path.as_str().unwrap().to_owned())
}

#[test]
fn odd_targets_have_a_path() {
    for (target, path) in [
        ("", "/"),
        ("/", "/"),
        ("?a=1", "/"),
        ("*", "/*"),
        ("a/b", "/a/b"),
        ("//a//b/", "//a//b/"),
        ("/a#fragment?x", "/a"),
        ("http://example.org/p?q=1", "/p"),
        ("HTTPS://example.org", "/"),
        ("http://example.org?q=1", "/"),
        ("/redirect/http://example.org/", "/redirect/http://example.org/"),
        ("example.org:443", "/example.org:443"),
        ("/../etc", "/../etc"),
    ] {
        assert_eq!(paths(target), [path; 5], "{target}");
    }
}

/// The path probes of github hotsock/voker, sent to AWS in July 2026.
#[test]
fn an_http_api_decodes_cuts_and_decodes_again() {
    for (sent, arrives) in [
        ("/capture/plain", "/capture/plain"),
        ("/capture/space%20value", "/capture/space value"),
        ("/capture/question%3Fvalue", "/capture/question"),
        ("/capture/hash%23value", "/capture/hash#value"),
        ("/capture/slash%2Fvalue", "/capture/slash/value"),
        ("/capture/unicode-%CE%BB-%E4%B8%96%E7%95%8C", "/capture/unicode-λ-世界"),
        ("/capture/literal%252Fvalue", "/capture/literal/value"),
        ("/capture/literal%253Fvalue", "/capture/literal?value"),
        ("/capture/literal%2525value", "/capture/literal%value"),
    ] {
        let sent = request("GET", &format!("{sent}?marker=1&value=a%3Fb"), &[]);
        assert_eq!(admit(FrontDoor::Http, &sent), Ok(()));
        let event = request_event(FrontDoor::Http, &sent, &context());
        assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!(arrives), &json!("marker=1&value=a%3Fb")));
        assert_eq!(event["requestContext"]["http"]["path"], json!(arrives));
    }
    for refused in ["/capture/percent%25done", "/100%", "/%zz", "/a%2"] {
        assert_eq!(admit(FrontDoor::Http, &request("GET", refused, &[])), Err(Failure::BadRequest), "{refused}");
        for other in [FrontDoor::Rest, FrontDoor::FunctionUrl, FrontDoor::Alb] {
            assert_eq!(admit(other, &request("GET", refused, &[])), Ok(()), "{other} {refused}");
        }
    }
}

#[test]
fn invalid_escapes_stay_and_bytes_outside_utf8_become_replacement_characters() {
    assert_eq!(paths("/a%zz%"), ["/a%zz%", "/a%zz%", "/a%zz%", "/a%zz%", "/a%zz%"]);
    assert_eq!(paths("/%ff%41"), ["/%ff%41", "/\u{fffd}A", "/%ff%41", "/\u{fffd}A", "/%ff%41"]);
    let event = event(FrontDoor::Http, "/?%ff=%fe&a%zz=%");
    assert_eq!(event["queryStringParameters"], json!({ "\u{fffd}": "\u{fffd}", "a%zz": "%" }));
}

#[test]
fn queries_are_split_as_each_front_door_splits_them() {
    let query = "/?a;b=1&&c&=v&d=x=y";
    assert_eq!(
        event(FrontDoor::Rest, query)["multiValueQueryStringParameters"],
        json!({ "a": [""], "b": ["1"], "c": [""], "": ["v"], "d": ["x=y"] })
    );
    assert_eq!(event(FrontDoor::FunctionUrl, query)["queryStringParameters"], json!({ "a;b": "1", "c": "", "": "v", "d": "x=y" }));
    assert_eq!(event(FrontDoor::FunctionUrl, query)["rawQueryString"], "a;b=1&&c&=v&d=x=y");
    assert_eq!(
        event(FrontDoor::Alb, query)["multiValueQueryStringParameters"],
        json!({ "a;b": ["1"], "c": [""], "": ["v"], "d": ["x=y"] })
    );
    for empty in ["/", "/?", "/?&"] {
        assert_eq!(event(FrontDoor::Rest, empty)["queryStringParameters"], Value::Null);
        assert_eq!(event(FrontDoor::Rest, empty)["multiValueQueryStringParameters"], Value::Null);
        assert_eq!(event(FrontDoor::Http, empty).get("queryStringParameters"), None);
        assert_eq!(event(FrontDoor::Alb, empty)["multiValueQueryStringParameters"], json!({}));
    }
}

#[test]
fn connection_headers_do_not_reach_the_function() {
    let headers = [
        ("connection", "keep-alive, upgrade"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("expect", "100-continue"),
        ("proxy-authorization", "Basic eA=="),
        ("proxy-connection", "keep-alive"),
        ("content-length", "0"),
        ("x-kept", "yes"),
    ];
    let request = request("GET", "/", &headers);
    let names = |front_door, key: &str| -> Vec<String> {
        let event = request_event(front_door, &request, &context());
        let names = event[key].as_object().unwrap().keys().filter(|name| !name.to_lowercase().starts_with("x-"));
        names.cloned().collect()
    };
    assert_eq!(names(FrontDoor::Rest, "multiValueHeaders"), Vec::<String>::new());
    assert_eq!(names(FrontDoor::Http, "headers"), ["content-length"]);
    assert_eq!(names(FrontDoor::FunctionUrl, "headers"), ["content-length"]);
    assert_eq!(names(FrontDoor::Alb, "multiValueHeaders"), ["connection", "content-length"]);
}

#[test]
fn the_gateways_own_headers_replace_the_clients_and_addresses_add_up() {
    let headers = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-for", "7.7.7.7, 8.8.8.8"),
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-port", "1"),
        ("x-amzn-trace-id", "Root=client"),
    ];
    let event = request_event(FrontDoor::Rest, &request("GET", "/", &headers), &context());
    assert_eq!(
        event["multiValueHeaders"],
        json!({
            "X-Amzn-Trace-Id": ["Root=1-6a189d00-536f3e792f6be9b44c1f46fa"],
            "X-Forwarded-For": ["6.6.6.6, 7.7.7.7, 8.8.8.8, 203.0.113.7"],
            "X-Forwarded-Port": ["443"],
            "X-Forwarded-Proto": ["https"],
        })
    );
}

#[test]
fn header_bytes_become_text_without_loss() {
    let mut request = request("GET", "/", &[("x-utf8", "Zoë 世")]);
    request.headers.push(("x-latin1".to_owned(), b"Zo\xeb".to_vec()));
    let event = request_event(FrontDoor::Alb, &request, &context());
    assert_eq!(event["multiValueHeaders"]["x-utf8"], json!(["Zoë 世"]));
    assert_eq!(event["multiValueHeaders"]["x-latin1"], json!(["Zoë"]));
}

#[test]
fn a_rest_api_without_binary_types_delivers_every_body_as_text() {
    let mut context = context();
    context.binary_support = false;
    let request = HttpRequest { body: Bytes::from_static(b"ok \xff"), ..request("POST", "/", &[("content-type", "image/png")]) };
    let event = request_event(FrontDoor::Rest, &request, &context);
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("ok \u{fffd}"), &json!(false)));
}

#[test]
fn text_that_is_not_utf8_goes_as_base64() {
    let request =
        HttpRequest { body: Bytes::from_static(b"caf\xe9"), ..request("POST", "/", &[("content-type", "text/plain; charset=latin-1")]) };
    for front_door in [FrontDoor::Http, FrontDoor::FunctionUrl, FrontDoor::Alb] {
        let event = request_event(front_door, &request, &context());
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("Y2Fm6Q=="), &json!(true)), "{front_door}");
    }
}

#[test]
fn ids_that_the_context_lacks_are_derived_from_it() {
    for (domain, prefix) in [
        ("abcdef1234.execute-api.eu-west-1.amazonaws.com", "abcdef1234"),
        ("localhost:3000", "localhost"),
        ("127.0.0.1:3000", "127"),
        ("[::1]:3000", "[::1]"),
        ("", ""),
    ] {
        let mut context = context();
        context.domain_name = domain.to_owned();
        let event = request_event(FrontDoor::Http, &request("GET", "/", &[]), &context);
        assert_eq!(event["requestContext"]["domainPrefix"], prefix);
    }
    for (region, partition) in
        [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc"), ("us-east-1", "aws")]
    {
        let mut context = context();
        context.region = region.to_owned();
        let event = request_event(FrontDoor::Alb, &request("GET", "/", &[]), &context);
        let arn = event["requestContext"]["elb"]["targetGroupArn"].as_str().unwrap();
        assert!(arn.starts_with(&format!("arn:{partition}:elasticloadbalancing:{region}:")), "{arn}");
    }
}

#[test]
fn each_front_door_refuses_what_is_too_large() {
    for front_door in FrontDoor::ALL {
        let limits = limits(front_door);
        let mut request = request("POST", "/", &[]);
        request.body = vec![0; limits.request_body_bytes].into();
        assert_eq!(admit(front_door, &request), Ok(()), "{front_door}");
        request.body = vec![0; limits.request_body_bytes + 1].into();
        assert_eq!(admit(front_door, &request), Err(Failure::RequestTooLarge), "{front_door}");

        let mut request = super::request("GET", "/", &[]);
        while request.headers.len() * 1_000 < limits.header_bytes {
            assert_eq!(admit(front_door, &request), Ok(()), "{front_door}");
            request.headers.push(("x".to_owned(), vec![b'x'; 995]));
        }
        assert_eq!(admit(front_door, &request), Err(Failure::HeadersTooLarge), "{front_door}");
    }
    let one = |value: usize| super::request("GET", "/", &[("x", &"x".repeat(value))]);
    assert_eq!(admit(FrontDoor::Alb, &one(16_000)), Ok(()));
    assert_eq!(admit(FrontDoor::Alb, &one(17_000)), Err(Failure::HeadersTooLarge));
    assert_eq!(admit(FrontDoor::Alb, &request("GET", "/", &[("upgrade", "websocket")])), Err(Failure::BadRequest));
}
