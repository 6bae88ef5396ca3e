//! Functions and clients that mean harm, at random but the same on every machine: nothing hangs, nothing dies with them, nobody gets what is another's.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zappa::cloud::Invocation;
use zappa::emulator::{FunctionConfig, Options, RouteConfig};
use zappa::model::FrontDoor;

use super::lab::{HANDLER, Lab, NAME};
use crate::support::random::Random;

/// Talks to Runtime APIs by itself, its own and the victim's, in an order that the seed decides, and may or may not return.
const HOSTILE: &str = r#"
import http.client, json, os, random, socket, threading, uuid

def lambda_handler(event, context):
    dice = random.Random(event["seed"])
    own, token = os.environ["AWS_LAMBDA_RUNTIME_API"], event["token"]

    def call(method, path, body=None, headers={}, api=None):
        connection = http.client.HTTPConnection(api or own, timeout=2)
        try:
            connection.request(method, "/2018-06-01/runtime/" + path, body=body, headers=headers)
            return connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def raw(data, api=None):
        try:
            with socket.create_connection((api or own).split(":"), timeout=2) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(100)
        except OSError:
            pass

    def steps():
        api = dice.choice([own, event["victim"]])
        some_id = dice.choice([context.aws_request_id, str(uuid.UUID(int=dice.getrandbits(128))), "", "..", "%00", "x" * 5000])
        what = dice.choice(["response", "error", "", "nothing"])
        # Of the victim's only what somebody could do who does not know its ids.
        path = f"invocation/{some_id}/{what}"
        match dice.randrange(9):
            case 0: call("POST", path, json.dumps(token), api=api)
            case 1: call("POST", path, json.dumps(token), {"Lambda-Runtime-Function-Error-Type": "\xe9"}, api)
            case 2: call("POST", "init/error", json.dumps({"errorMessage": token}), api=api)
            case 3: call("GET", "invocation/next", api=api)
            case 4: call("POST", f"invocation/{context.aws_request_id}/response", json.dumps(token))
            case 5: raw(dice.randbytes(dice.randrange(200)), api)
            case 6: raw(f"POST /2018-06-01/runtime/invocation/{some_id}/response HTTP/1.1\r\ncontent-length: 100\r\n\r\nhalf".encode(), api)
            case 7: call(dice.choice(["PUT", "DELETE", "HEAD"]), "invocation/next", api=api)
            case 8: call("POST", f"invocation/{some_id}/response", "x" * dice.choice([0, 7_000_000]), api=api)

    for _ in range(dice.randrange(1, 6)):
        if dice.randrange(4):
            steps()
        else:
            threading.Thread(target=steps, daemon=True).start()
    if dice.randrange(8) == 0:
        os._exit(dice.randrange(3))
    if dice.randrange(8) == 0:
        raise ValueError(token)
    return token
"#;

const VICTIM: &str = r#"
import os

def lambda_handler(event, context):
    return [event["token"], os.environ["AWS_LAMBDA_RUNTIME_API"]]
"#;

async fn put(lab: &Lab, name: &str, source: &str, change: impl FnOnce(&mut FunctionConfig)) {
    let code = lab.directory.path().join(format!("code-{name}"));
    std::fs::create_dir_all(code.join("zappa")).unwrap();
    std::fs::write(code.join("zappa/__init__.py"), "").unwrap();
    std::fs::write(code.join("zappa/handler.py"), source).unwrap();
    let mut config = FunctionConfig { code, function_name: name.to_owned(), ..lab.config(1, HANDLER) };
    change(&mut config);
    lab.emulator.put_version(config).await;
    lab.emulator.set_live(name, 1).await.unwrap();
}

async fn call(lab: &Lab, name: &str, event: Value) -> Invocation {
    lab.emulator.invoke(name, None, Bytes::from(event.to_string())).await.unwrap()
}

#[tokio::test]
async fn a_function_that_plays_with_the_runtime_api_harms_only_itself() {
    let lab = Lab::new().await;
    put(&lab, "victim", VICTIM, |_| {}).await;
    put(&lab, "hostile", HOSTILE, |config| {
        config.timeout = Duration::from_secs(10);
        config.concurrency = 4;
    })
    .await;
    let victim = call(&lab, "victim", json!({ "token": "first" })).await;
    let [_, api]: [String; 2] = serde_json::from_slice(&victim.payload).unwrap();
    let mut failed = 0;
    for round in 0..20 {
        // Four at once, and the victim among them.
        let tokens: Vec<String> = (0..4).map(|number| format!("token-{round}-{number}-")).collect();
        let hostile = |number: usize| {
            let event = json!({ "seed": round * 4 + number, "token": tokens[number], "victim": api });
            call(&lab, "hostile", event)
        };
        let token = format!("victim-{round}");
        let (a, b, c, d, victim) =
            tokio::join!(hostile(0), hostile(1), hostile(2), hostile(3), call(&lab, "victim", json!({ "token": token })));
        for (invocation, token) in [a, b, c, d].iter().zip(&tokens) {
            failed += usize::from(invocation.function_error.is_some());
            let payload = String::from_utf8_lossy(&invocation.payload);
            let others = payload.contains("token-") && !payload.contains(token.as_str());
            assert!(!others, "{token} got {payload}");
        }
        assert_eq!(victim.function_error, None, "{}", victim.log_tail);
        assert_eq!(serde_json::from_slice::<[String; 2]>(&victim.payload).unwrap(), [token, api.clone()]);
    }
    assert!(failed > 0 && failed < 80, "{failed} of 80 failed");
}

const LINES: [&[u8]; 8] = [
    b"GET /a HTTP/1.1\r\n",
    b"POST /b?c=%zz HTTP/1.1\r\n",
    b"GET http://evil/ HTTP/1.0\r\n",
    b"\x00\xff\xfe / HTTP/1.1\r\n",
    b"GET /\x00 HTTP/1.1\r\n",
    b"GET  /  HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n",
];

const HEADERS: [&[u8]; 20] = [
    b"Host: x\r\n",
    b"Host: y\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 6\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length : 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: \x0bchunked\r\n",
    b"Connection: close\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"X-A: 1\r\n folded\r\n",
    b"X-B: \x00\r\n",
    b"X-C: \xff\xfe\r\n",
    b"X D: 1\r\n",
    b": nameless\r\n",
    b"X-E: 1\n",
    b"\r\n",
];

const BODIES: [&[u8]; 8] = [
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello",
    b"ffffffffffffffffff\r\n",
    b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    b"5;\x00\r\nhello\r\n0\r\n\r\n",
];

fn noise(random: &mut Random) -> Vec<u8> {
    let mut bytes = random.pick(&LINES).to_vec();
    for _ in 0..random.below(6) {
        bytes.extend_from_slice(random.pick::<&[u8]>(&HEADERS));
    }
    if random.below(20) == 0 {
        bytes.extend_from_slice(format!("X-Huge: {}\r\n", "x".repeat(300_000)).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(random.pick::<&[u8]>(&BODIES));
    for _ in 0..random.below(3) {
        let at = random.below(bytes.len());
        bytes[at] = random.below(256).to_le_bytes()[0];
    }
    bytes
}

/// Everything that comes back until the front door closes.
async fn throw(address: SocketAddr, bytes: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut start = 0;
    for end in cuts.iter().copied().chain([bytes.len()]) {
        if stream.write_all(&bytes[start..end.max(start)]).await.is_err() {
            break;
        }
        start = end.max(start);
        tokio::task::yield_now().await;
    }
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

const ECHO: &str = r#"
def lambda_handler(event, context):
    path = event.get("rawPath") or event["path"]
    return {"statusCode": 200, "headers": {"x-path": repr(path)}, "multiValueHeaders": {"x-path": [repr(path)]}, "body": ""}
"#;

async fn open(lab: &Lab, front_door: FrontDoor) -> SocketAddr {
    let route =
        RouteConfig { function_name: NAME.to_owned(), stage: "dev".to_owned(), front_door, binary_support: true, cors: None, port: None };
    lab.emulator.open_route(route).await.unwrap()
}

#[tokio::test]
async fn noise_is_answered_or_cut_off_and_the_next_request_served() {
    let lab = Lab::with(Options::default(), |_| {}).await;
    put(&lab, NAME, ECHO, |config| config.concurrency = 8).await;
    let mut random = Random(0x5eed_0003);
    for front_door in FrontDoor::ALL {
        let address = open(&lab, front_door).await;
        for _ in 0..150 {
            let bytes = noise(&mut random);
            let mut cuts: Vec<usize> = (0..random.below(4)).map(|_| random.below(bytes.len())).collect();
            cuts.sort_unstable();
            let answer = throw(address, &bytes, &cuts).await;
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{} for {}", answer.escape_ascii(), bytes.escape_ascii());
        }
        let fine = throw(address, b"GET /fine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &[]).await;
        assert!(fine.starts_with(b"HTTP/1.1 200 "), "{front_door}: {}", fine.escape_ascii());
    }
}

#[tokio::test]
async fn a_request_has_one_length_or_none_is_served() {
    let lab = Lab::new().await;
    put(&lab, NAME, ECHO, |_| {}).await;
    let address = open(&lab, FrontDoor::Rest).await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (headers, statuses) in [
        // RFC 9112, 6.3: both lengths: chunked counts, and the connection ends; or it is refused.
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &["200", "400"][..]),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &["200", "400"]),
        ("Content-Length: 5\r\nContent-Length: 4\r\n", &["400"]),
        ("Content-Length: 5, 4\r\n", &["400"]),
        ("Content-Length: +5\r\n", &["400"]),
        ("Content-Length : 5\r\n", &["400"]),
        ("Transfer-Encoding: identity, chunked\r\nTransfer-Encoding: x\r\n", &["400", "501"]),
        ("Transfer-Encoding: xchunked\r\n", &["400", "501"]),
        ("Host: y\r\n", &["400"]),
    ] {
        let body = if headers.contains("chunked\r\nContent") || headers.contains("4\r\nTransfer") { "0\r\n\r\n" } else { "" };
        let request = format!("POST /first HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}{smuggled}");
        let answer = throw(address, request.as_bytes(), &[]).await;
        let text = String::from_utf8_lossy(&answer);
        let status = text.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(statuses.contains(&status.as_str()), "{headers:?}: {text}");
        // Whatever comes second was sent as a request of its own, and not as somebody's body.
        let second = text.matches("HTTP/1.1 ").count() - 1;
        assert!(second == 0 || headers == "Host: y\r\n" || status == "200", "{headers:?}: {text}");
    }
}
