//! The front doors' conversions, through the library: every shared event fixture, and tables of what each does to answers.

mod failures;
mod fixtures;
mod hostile;
mod requests;
mod responses;

use bytes::Bytes;
use zappa::gateway::{HttpRequest, HttpResponse, RequestContext};

/// A request without a body, as the listener hands it on.
fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> HttpRequest {
    HttpRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
        body: Bytes::new(),
        source_ip: "203.0.113.7".to_owned(),
    }
}

fn context() -> RequestContext {
    RequestContext {
        stage: "dev".to_owned(),
        account_id: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        api_id: "abcdef1234".to_owned(),
        domain_name: "abcdef1234.execute-api.eu-west-1.amazonaws.com".to_owned(),
        request_id: "3f1c1c1e-2f4b-4c6e-9a53-5b8a6a2d7c10".to_owned(),
        trace_id: "Root=1-6a189d00-536f3e792f6be9b44c1f46fa".to_owned(),
        time_epoch_ms: 1_780_000_000_000,
        forwarded_proto: "https".to_owned(),
        forwarded_port: 443,
        binary_support: true,
    }
}

/// Status line, headers and body, readable.
fn show(response: &HttpResponse) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{}\n", response.status);
    for (name, value) in &response.headers {
        writeln!(text, "{name}: {}", value.escape_ascii()).unwrap();
    }
    write!(text, "\n{}", response.body.escape_ascii()).unwrap();
    text
}
