//! A client that sends exactly the bytes it is given and shows exactly what came back; plus a small browser-like one with cookies.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Long enough for a cold start on a busy machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, in order.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Sends `request` to `127.0.0.1:port` and reads one response.
#[track_caller]
pub(crate) fn exchange(port: u16, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request).unwrap();
    let no_body = request.starts_with(b"HEAD ");
    read_response(&mut stream, no_body)
}

/// A request as bytes: request line, headers as given, `Connection: close`, body.
pub(crate) fn request(method: &str, target: &[u8], headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(method.as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(target);
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        bytes.extend_from_slice(b"Host: shop.test\r\n");
    }
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    if !body.is_empty() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"Connection: close\r\n\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// A plain GET.
#[track_caller]
pub(crate) fn get(port: u16, target: &str) -> Response {
    exchange(port, &request("GET", target.as_bytes(), &[], b""))
}

fn read_response(stream: &mut TcpStream, no_body: bool) -> Response {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 65536];
    let (status, headers, start) = loop {
        let read = match stream.read(&mut chunk) {
            // Some other test's child has ended.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.unwrap(),
        };
        assert!(read > 0, "the connection ended before the head of the response: {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&chunk[..read]);
        let mut parsed = [httparse::EMPTY_HEADER; 128];
        let mut response = httparse::Response::new(&mut parsed);
        if let httparse::Status::Complete(start) = response.parse(&bytes).unwrap() {
            let headers = response.headers.iter().map(|header| (header.name.to_lowercase(), header.value.to_vec())).collect::<Vec<_>>();
            break (response.code.unwrap(), headers, start);
        }
    };
    // Every request says `Connection: close`.
    stream.read_to_end(&mut bytes).unwrap();
    let mut body = bytes.split_off(start);
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    if no_body || matches!(status, 204 | 304) {
        assert!(body.is_empty(), "a body where none may be");
    } else if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        body = unchunk(&body);
    } else if let Some(length) = header("content-length") {
        assert_eq!(body.len(), length.parse::<usize>().unwrap(), "content-length and body differ");
    }
    Response { status, headers, body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((start, size)) = httparse::parse_chunk_size(rest).unwrap() else { panic!("a chunk is cut short") };
        let size = usize::try_from(size).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[start..start + size]);
        rest = &rest[start + size + 2..];
    }
}

/// Keeps cookies from answer to answer, as a browser does.
pub(crate) struct Browser {
    port: u16,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, cookies: BTreeMap::new() }
    }

    #[track_caller]
    pub(crate) fn get(&mut self, target: &str) -> Response {
        self.send("GET", target, &[], b"")
    }

    /// Posts a form, fields encoded.
    #[track_caller]
    pub(crate) fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Response {
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let body = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&");
        self.send("POST", target, &[("Content-Type", "application/x-www-form-urlencoded")], body.as_bytes())
    }

    #[track_caller]
    pub(crate) fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let host = format!("127.0.0.1:{}", self.port);
        let origin = format!("http://{host}");
        let cookie = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut all: Vec<(&str, &[u8])> = vec![("Host", host.as_bytes()), ("Referer", origin.as_bytes())];
        if method != "GET" {
            all.push(("Origin", origin.as_bytes()));
        }
        if !cookie.is_empty() {
            all.push(("Cookie", cookie.as_bytes()));
        }
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
        let response = exchange(self.port, &request(method, target.as_bytes(), &all, body));
        for (name, value) in &response.headers {
            if name == "set-cookie" {
                let text = String::from_utf8_lossy(value);
                let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.trim().to_owned(), value.to_owned());
            }
        }
        response
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }
}

/// Listens on a port that stays free when this is dropped: below those that systems hand out to whoever asks for any.
pub(crate) fn own_port() -> std::net::TcpListener {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = std::process::id() % 10_000;
    let ports = std::iter::repeat_with(|| 20_000 + (begin + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % 10_000);
    ports.take(10_000).find_map(|port| std::net::TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).ok()).unwrap()
}
