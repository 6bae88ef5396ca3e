//! Whatever arrives, from either side, there is an answer and no panic.

use serde_json::{Value, json};
use zappa::gateway::{Door, Failure, HttpRequest, admit, decorate, http_response, request_event};
use zappa::model::FrontDoor;

use super::{context, request};
use crate::support::random::Random;

fn doors() -> Vec<Door> {
    let mut doors: Vec<Door> = FrontDoor::ALL.map(Door::from).to_vec();
    doors.push(Door { multi_value_headers: false, ..FrontDoor::Alb.into() });
    doors.push(Door { binary_support: false, ..FrontDoor::Rest.into() });
    doors
}

/// What an HTTP server can send: status in range, names and values that form one line each.
#[track_caller]
fn assert_sendable(door: Door, method: &str, payload: &[u8]) {
    match http_response(door, method, payload) {
        Ok(mut response) => {
            decorate(door.front_door, &mut response, "id", "Root=1");
            assert!((100..=599).contains(&response.status));
            for (name, value) in &response.headers {
                assert!(http::HeaderName::from_lowercase(name.as_bytes()).is_ok(), "{name:?}");
                assert!(http::HeaderValue::from_bytes(value).is_ok(), "{name}: {}", value.escape_ascii());
            }
        }
        Err(failure) => assert!(matches!(failure, Failure::Malformed | Failure::ResponseTooLarge)),
    }
}

#[test]
fn hostile_answers() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000)).into_bytes();
    let payloads: Vec<Vec<u8>> = vec![
        deep("[", "]"),
        deep(r#"{"statusCode":"#, "}"),
        deep(r#"{"headers":"#, ""),
        b"1e400".to_vec(),
        format!(r#"{{"statusCode":{}}}"#, "9".repeat(10_000)).into_bytes(),
        br#"{"statusCode":1e2}"#.to_vec(),
        br#"{"statusCode":200,"body":"\u0000"}"#.to_vec(),
        br#"{"statusCode":200,"headers":{"x":"\u0000"},"multiValueHeaders":{"x":["\u0000"]}}"#.to_vec(),
        br#"{"statusCode":200,"body":"\ud800"}"#.to_vec(),
        br#"{"statusCode":200,"headers":{"\udfff":"x"}}"#.to_vec(),
        br#"{"statusCode":200,"statusCode":"x","statusCode":201}"#.to_vec(),
        br#"{"statusCode":200,"headers":{"X":"1","x":"2","X":"3"},"multiValueHeaders":{}}"#.to_vec(),
        b"{\"statusCode\":200,\"body\":\"\xff\"}".to_vec(),
        b"\0\0\0\0\0\0\0\0".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"statusCode\":200}\0".to_vec(),
        Vec::new(),
        b"   ".to_vec(),
    ];
    for door in doors() {
        for payload in &payloads {
            assert_sendable(door, "GET", payload);
        }
    }
    // Of repeated keys the last one counts.
    let repeated = br#"{"statusCode":500,"statusCode":201}"#;
    assert_eq!(http_response(FrontDoor::Rest, "GET", repeated).unwrap().status, 201);
}

impl Random {
    fn json(&mut self, depth: usize) -> Value {
        const STRINGS: [&str; 10] = ["", "200", "text/plain", "a\r\nb", "\0", "é世", "AA==", "AA=", "x", "true"];
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.next().is_multiple_of(2)),
            2 => json!(self.next() % 700),
            3 => json!(f64::from_bits(self.next())),
            4 | 5 => json!(self.pick(&STRINGS)),
            6 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let keys =
                    ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies", "statusDescription", "X-A", "é"];
                (0..self.below(6)).map(|_| ((*self.pick(&keys)).to_owned(), self.json(depth - 1))).collect()
            }
        }
    }

    /// Mostly right, so that the deeper checks are reached.
    fn answer(&mut self) -> Value {
        let mut answer = json!({ "statusCode": 200 + self.below(200), "headers": {}, "multiValueHeaders": {}, "body": "hi" });
        for _ in 0..self.below(3) {
            let key = *self.pick(&["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"]);
            answer[key] = self.json(3);
        }
        answer
    }
}

#[test]
fn random_answers() {
    let mut random = Random(0x5eed_0001);
    let doors = doors();
    for _ in 0..4_000 {
        let mut payload = if random.below(4) == 0 { random.json(5) } else { random.answer() }.to_string().into_bytes();
        if random.below(3) == 0 && !payload.is_empty() {
            let at = random.below(payload.len());
            payload[at] = random.next().to_le_bytes()[0];
        }
        let method = *random.pick(&["GET", "HEAD", "POST", ""]);
        for door in &doors {
            assert_sendable(*door, method, &payload);
        }
    }
}

#[test]
fn random_requests() {
    const TARGET: [&str; 22] = [
        "/", "//", "a", "%", "%2", "%25", "%3F", "%2F", "%ff", "%C3%A9", "?", "&", "=", ";", "+", "#", "://", "http://h", "*", "é", "..",
        "\0",
    ];
    const NAMES: [&str; 12] = [
        "host",
        "cookie",
        "user-agent",
        "content-type",
        "content-encoding",
        "x-forwarded-for",
        "x-a",
        "connection",
        "upgrade",
        "proxy-x",
        "",
        "-",
    ];
    let mut random = Random(0x5eed_0002);
    let doors = doors();
    for _ in 0..4_000 {
        let method: &str = random.pick::<&str>(&["GET", "POST", "OPTIONS", "", "MÉTHODE"]);
        let mut sent = request(method, &random.text(&TARGET, 12), &[]);
        sent.headers = (0..random.below(8)).map(|_| ((*random.pick(&NAMES)).to_owned(), random.bytes(24))).collect();
        sent.body = random.bytes(64).into();
        let mut context = context();
        context.time_epoch_ms = i64::from_le_bytes(random.next().to_le_bytes());
        context.domain_name = random.text(&["a", ".", ":", "[", "]", "é"], 6);
        context.binary_support = random.below(2) == 0;
        for door in &doors {
            let event = request_event(*door, &sent, &context);
            assert_eq!(serde_json::from_str::<Value>(&event.to_string()).unwrap(), event, "{sent:?}");
            assert_body(&sent, &event);
            let _ = admit(door.front_door, &sent);
        }
    }
}

/// Every byte of the body is in the event, or the event says that it is text.
#[track_caller]
fn assert_body(sent: &HttpRequest, event: &Value) {
    use base64::Engine as _;
    let body = event.get("body").and_then(Value::as_str).unwrap_or_default();
    if event["isBase64Encoded"] == true {
        assert_eq!(base64::engine::general_purpose::STANDARD.decode(body).unwrap(), sent.body);
    } else {
        assert_eq!(body, String::from_utf8_lossy(&sent.body));
    }
}
