//! What becomes of the function's answers, front door by front door.

use serde_json::{Value, json};
use zappa::gateway::{Door, Failure, decorate, http_response, limits};
use zappa::model::FrontDoor::{self, Alb, FunctionUrl, Http, Rest};

use super::show;

fn answer(door: impl Into<Door>, payload: &Value) -> Result<String, Failure> {
    http_response(door, "GET", payload.to_string().as_bytes()).map(|response| show(&response))
}

#[track_caller]
fn assert_answer(door: impl Into<Door>, payload: &Value, expected: &str) {
    assert_eq!(answer(door, payload).as_deref(), Ok(expected), "{payload}");
}

#[track_caller]
fn assert_malformed(door: impl Into<Door>, payload: &Value) {
    assert_eq!(answer(door, payload), Err(Failure::Malformed), "{payload}");
}

#[test]
fn rest_accepts_the_documented_format() {
    assert_answer(Rest, &json!({ "statusCode": 200 }), "200\ncontent-type: application/json\n\n");
    assert_answer(Rest, &json!({ "statusCode": "201", "headers": null, "body": null }), "201\ncontent-type: application/json\n\n");
    assert_answer(Rest, &json!({ "statusCode": 204, "headers": { "Content-Type": null } }), "204\n\n");
    assert_answer(
        Rest,
        &json!({ "statusCode": 418, "headers": { "Content-Type": "text/html", "X-Flag": true, "X-None": null }, "body": "é" }),
        "418\ncontent-type: text/html\nx-flag: true\n\n\\xc3\\xa9",
    );
    assert_answer(
        Rest,
        &json!({
            "statusCode": 200,
            "headers": { "x-both": "single", "content-type": "image/png" },
            "multiValueHeaders": { "X-Both": ["many"], "Set-Cookie": ["a=1", "b=2"] },
            "body": "AP8=",
            "isBase64Encoded": true,
        }),
        "200\ncontent-type: image/png\nx-both: many\nset-cookie: a=1\nset-cookie: b=2\n\n\\x00\\xff",
    );
}

#[test]
fn rest_without_binary_types_sends_the_base64_text() {
    let door = Door { binary_support: false, ..Rest.into() };
    assert_answer(
        door,
        &json!({ "statusCode": 200, "body": "AP8=", "isBase64Encoded": true }),
        "200\ncontent-type: application/json\n\nAP8=",
    );
}

#[test]
fn rest_refuses_every_other_shape() {
    for payload in [
        json!(null),
        json!("justAString"),
        json!(7),
        json!(true),
        json!([]),
        json!({}),
        json!({ "body": "no status" }),
        json!({ "statusCode": null }),
        json!({ "statusCode": 200, "cookies": [] }),
        json!({ "statusCode": 200, "wrongValue": "value" }),
        json!({ "statusCode": 200, "body": { "a": 1 } }),
        json!({ "statusCode": 200, "body": 7 }),
        json!({ "statusCode": 200, "headers": [] }),
        json!({ "statusCode": 200, "headers": "x" }),
        json!({ "statusCode": 200, "headers": { "x": 1 } }),
        json!({ "statusCode": 200, "headers": { "x": ["a"] } }),
        json!({ "statusCode": 200, "multiValueHeaders": { "x": "value1" } }),
        json!({ "statusCode": 200, "multiValueHeaders": { "x": [1] } }),
        json!({ "statusCode": 200, "multiValueHeaders": [] }),
        json!({ "statusCode": 200, "body": "AA==", "isBase64Encoded": "true" }),
    ] {
        assert_malformed(Rest, &payload);
    }
    assert_eq!(http_response(Rest, "GET", b""), Err(Failure::Malformed));
    assert_eq!(http_response(Rest, "GET", b"<html>"), Err(Failure::Malformed));
}

#[test]
fn a_status_is_a_whole_number_from_100_to_599() {
    for front_door in FrontDoor::ALL {
        let payload = |status: Value| match front_door {
            Alb => json!({ "statusCode": status, "multiValueHeaders": {} }),
            _ => json!({ "statusCode": status }),
        };
        for (status, number) in [(json!(100), 100), (json!(599), 599), (json!("404"), 404)] {
            let response = http_response(front_door, "GET", payload(status).to_string().as_bytes()).unwrap();
            assert_eq!(response.status, number, "{front_door}");
        }
        for status in [
            json!(0),
            json!(99),
            json!(600),
            json!(-200),
            json!(200.5),
            json!(65_736),
            json!(u64::MAX),
            json!("test"),
            json!(""),
            json!(" 200"),
            json!("+200"),
            json!("99999999999999999999999"),
            json!(true),
            json!([200]),
            json!({}),
        ] {
            assert_malformed(front_door, &payload(status));
        }
    }
}

#[test]
fn http_apis_and_urls_take_anything_for_a_body() {
    let inferred = |body: &str| format!("200\ncontent-type: application/json\n\n{body}");
    for (payload, body) in [
        (r#"{"message": "Hello"}"#, r#"{"message": "Hello"}"#),
        (" [1,  2]\n", "[1,  2]"),
        ("null", "null"),
        ("7", "7"),
        ("true", "true"),
        (r#"{"statusCode":null}"#, r#"{"statusCode":null}"#),
    ] {
        for door in [Http, FunctionUrl] {
            let response = http_response(door, "GET", payload.as_bytes()).unwrap();
            assert_eq!((response.status, response.body.as_ref()), (200, body.as_bytes()), "{door}");
            assert_eq!(response.headers, [("content-type".to_owned(), b"application/json".to_vec())], "{door}");
        }
    }
    // The guides' own examples.
    assert_answer(Http, &json!("Hello from Lambda!"), &inferred("Hello from Lambda!"));
    assert_answer(FunctionUrl, &json!("Hello, world!"), &inferred("\\\"Hello, world!\\\""));
    // No JSON at all.
    let cut_off = br#"{"name": "John Doe", "age":"#;
    assert_eq!(http_response(Http, "GET", cut_off).unwrap().body.as_ref(), cut_off);
    assert_eq!(http_response(FunctionUrl, "GET", cut_off), Err(Failure::Malformed));
}

#[test]
fn http_apis_and_urls_read_the_2_0_format() {
    let payload = json!({
        "statusCode": 201,
        "headers": { "Content-Type": "text/plain", "X-Number": 7, "X-Flag": false },
        "multiValueHeaders": { "x-ignored": ["yes"] },
        "cookies": ["a=1; HttpOnly", "b=2"],
        "body": "aGk=",
        "isBase64Encoded": true,
        "unknown": {},
    });
    for door in [Http, FunctionUrl] {
        assert_answer(
            door,
            &payload,
            "201\ncontent-type: text/plain\nx-number: 7\nx-flag: false\nset-cookie: a=1; HttpOnly\nset-cookie: b=2\n\nhi",
        );
        for wrong in [
            json!({ "statusCode": 200, "cookies": "a=1" }),
            json!({ "statusCode": 200, "cookies": [1] }),
            json!({ "statusCode": 200, "headers": [] }),
            json!({ "statusCode": 200, "headers": { "x": [] } }),
            json!({ "statusCode": 200, "body": {} }),
        ] {
            assert_malformed(door, &wrong);
        }
    }
    assert_answer(Http, &json!({ "statusCode": 200, "body": "hi" }), "200\ncontent-type: text/plain; charset=utf-8\n\nhi");
    assert_answer(FunctionUrl, &json!({ "statusCode": 200, "body": "hi" }), "200\ncontent-type: application/json\n\nhi");
    assert_answer(FunctionUrl, &json!({ "statusCode": 200 }), "200\n\n");
}

#[test]
fn a_load_balancer_wants_the_headers_of_its_mode() {
    let several = json!({
        "statusCode": 200,
        "statusDescription": "200 OK",
        "multiValueHeaders": { "Set-Cookie": ["a=1", "b=2"], "Content-Type": ["text/plain"] },
        "body": "hi",
        "isBase64Encoded": false,
    });
    let one = json!({ "statusCode": 200, "headers": { "set-cookie": "a=1", "Set-Cookie": "b=2" }, "body": "hi" });
    let single_mode = Door { multi_value_headers: false, ..Alb.into() };
    assert_answer(Alb, &several, "200\nset-cookie: a=1\nset-cookie: b=2\ncontent-type: text/plain\n\nhi");
    assert_answer(single_mode, &one, "200\nset-cookie: a=1\nset-cookie: b=2\ncontent-type: application/octet-stream\n\nhi");
    assert_malformed(Alb, &one);
    assert_malformed(single_mode, &several);
    for wrong in [
        json!(null),
        json!({}),
        json!({ "multiValueHeaders": {} }),
        json!({ "statusCode": 200, "multiValueHeaders": { "x": "y" } }),
        json!({ "statusCode": 200, "multiValueHeaders": {}, "statusDescription": 200 }),
        json!({ "statusCode": 200, "multiValueHeaders": {}, "body": [] }),
    ] {
        assert_malformed(Alb, &wrong);
    }
    assert_malformed(single_mode, &json!({ "statusCode": 200, "headers": { "x": 1 } }));
}

/// The answer in the shape that `front_door` reads.
fn shaped(front_door: FrontDoor, status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: Value = match front_door {
        Alb => headers.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect(),
        _ => headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect(),
    };
    let key = if front_door == Alb { "multiValueHeaders" } else { "headers" };
    json!({ "statusCode": status, key: headers, "body": body }).to_string().into_bytes()
}

#[test]
fn reserved_headers_are_renamed_or_dropped() {
    let headers = [
        ("Content-Type", "text/plain"),
        ("WWW-Authenticate", "Basic"),
        ("Server", "nginx"),
        ("Date", "today"),
        ("Connection", "close"),
        ("Content-Length", "2"),
        ("Host", "h"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("Keep-Alive", "5"),
        ("Via", "proxy"),
        ("X-Custom", "1"),
    ];
    let names = |front_door| -> Vec<String> {
        let response = http_response(front_door, "GET", &shaped(front_door, 200, &headers, "hi")).unwrap();
        response.headers.into_iter().map(|(name, _)| name).collect()
    };
    let renamed = [
        "content-type",
        "x-amzn-remapped-www-authenticate",
        "x-amzn-remapped-server",
        "x-amzn-remapped-date",
        "x-amzn-remapped-connection",
        "x-amzn-remapped-content-length",
        "x-custom",
    ];
    assert_eq!(names(Rest), renamed);
    assert_eq!(names(FunctionUrl), renamed);
    let passed = ["content-type", "www-authenticate", "server", "date", "host", "via", "x-custom"];
    assert_eq!(names(Http), passed);
    assert_eq!(names(Alb), passed);
}

#[test]
fn a_header_cannot_break_out_of_its_line() {
    for front_door in FrontDoor::ALL {
        for (name, value) in
            [("x", "a\r\nset-cookie: b=1"), ("x", "a\nb"), ("x", "a\0b"), ("x\r\ny", "a"), ("x y", "a"), ("", "a"), ("x:", "a"), ("é", "a")]
        {
            let payload = shaped(front_door, 200, &[(name, value)], "");
            assert_eq!(http_response(front_door, "GET", &payload), Err(Failure::Malformed), "{front_door} {name:?}: {value:?}");
        }
        let response = http_response(front_door, "GET", &shaped(front_door, 200, &[("x", "Zoë\t世")], "")).unwrap();
        assert!(response.headers.contains(&("x".to_owned(), "Zoë\t世".as_bytes().to_vec())), "{front_door}");
    }
    assert_malformed(Http, &json!({ "statusCode": 200, "cookies": ["a=1\r\nx: y"] }));
}

#[test]
fn head_and_bodiless_answers_have_no_body() {
    for front_door in FrontDoor::ALL {
        for status in [100, 199, 204, 304] {
            let payload = shaped(front_door, status, &[("Content-Type", "text/plain"), ("Content-Length", "5")], "hello");
            let response = http_response(front_door, "GET", &payload).unwrap();
            assert!(response.body.is_empty(), "{front_door} {status}");
            assert!(response.headers.iter().all(|(name, _)| name != "content-length"), "{front_door} {status}");
        }
        for (claimed, body, length) in [("999", "hello", Some("5")), ("999", "", Some("999")), ("many", "", None), ("", "", None)] {
            let payload = shaped(front_door, 200, &[("Content-Type", "text/plain"), ("Content-Length", claimed)], body);
            let response = http_response(front_door, "HEAD", &payload).unwrap();
            assert!(response.body.is_empty(), "{front_door}");
            let found = response.headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.as_slice());
            assert_eq!(found, length.map(str::as_bytes), "{front_door} {claimed} {body}");
        }
    }
}

#[test]
fn bad_base64_is_malformed_everywhere() {
    for front_door in FrontDoor::ALL {
        for body in ["*", "AA", "AA=", "A A=", "AAA=\n", "_-8="] {
            let payload = json!({ "statusCode": 200, "headers": {}, "multiValueHeaders": {}, "body": body, "isBase64Encoded": true });
            assert_malformed(front_door, &payload);
        }
    }
}

#[test]
fn an_answer_beyond_the_limit_is_too_large() {
    for front_door in FrontDoor::ALL {
        let empty = shaped(front_door, 200, &[], "");
        let room = limits(front_door).answer_bytes - empty.len();
        assert!(http_response(front_door, "GET", &shaped(front_door, 200, &[], &"x".repeat(room))).is_ok(), "{front_door}");
        let beyond = http_response(front_door, "GET", &shaped(front_door, 200, &[], &"x".repeat(room + 1)));
        assert_eq!(beyond, Err(Failure::ResponseTooLarge), "{front_door}");
    }
}

#[test]
fn ids_are_added_once() {
    let decorated = |front_door: FrontDoor| {
        let payload = shaped(front_door, 200, &[("Content-Type", "text/plain"), ("x-amzn-RequestId", "mine")], "");
        let mut response = http_response(front_door, "GET", &payload).unwrap();
        decorate(front_door, &mut response, "id", "Root=1");
        let once = response.clone();
        decorate(front_door, &mut response, "id", "Root=1");
        assert_eq!(response, once);
        show(&response)
    };
    assert_eq!(
        decorated(Rest),
        "200\ncontent-type: text/plain\nx-amzn-remapped-x-amzn-requestid: mine\nx-amzn-requestid: id\nx-amz-apigw-id: id\nx-amzn-trace-id: Root=1\n\n"
    );
    assert_eq!(
        decorated(FunctionUrl),
        "200\ncontent-type: text/plain\nx-amzn-remapped-x-amzn-requestid: mine\nx-amzn-requestid: id\nx-amzn-trace-id: Root=1\n\n"
    );
    assert_eq!(decorated(Http), "200\ncontent-type: text/plain\nx-amzn-requestid: mine\napigw-requestid: id\n\n");
    assert_eq!(decorated(Alb), "200\ncontent-type: text/plain\nx-amzn-requestid: mine\nserver: awselb/2.0\n\n");
}
