//! Header lines on their way in and out: which are dropped, renamed and added, and how bytes become text.

use crate::model::FrontDoor;

use super::{HttpRequest, RequestContext};

/// What a front door does to one of the function's response headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// Sent as it is.
    Passed,
    /// Not sent.
    Dropped,
    /// Sent as `x-amzn-remapped-NAME`.
    Remapped,
}

/// Headers that belong to one connection (RFC 9110 section 7.6.1), and `expect`, which the listener itself answers.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(name, "connection" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" | "expect")
        || name.starts_with("proxy-")
}

/// Whether `name` (lower case) reaches the function.
fn is_delivered(front_door: FrontDoor, name: &str) -> bool {
    match front_door {
        // Guide api-gateway-known-issues, the table of headers, column for Lambda requests. `content-length` is listed as passed; captured, it is not
        // there (and with base64 it would be wrong).
        FrontDoor::Rest => {
            !is_hop_by_hop(name) && !matches!(name, "content-length" | "content-md5" | "max-forwards" | "server" | "www-authenticate")
        }
        FrontDoor::Http | FrontDoor::FunctionUrl => !is_hop_by_hop(name),
        // The sample event of guide services-alb has `"connection": "keep-alive"`.
        FrontDoor::Alb => name == "connection" || !is_hop_by_hop(name),
    }
}

/// The request's header lines as `front_door` delivers them, with those that it adds: lower-case names, values as text, repeats not yet merged.
pub(super) fn delivered(front_door: FrontDoor, request: &HttpRequest, context: &RequestContext) -> Vec<(String, String)> {
    let mut lines = Vec::with_capacity(request.headers.len() + 4);
    let mut forwarded_for = Vec::new();
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "x-forwarded-for" => forwarded_for.push(text(value)),
            // The gateway's own word replaces the client's.
            "x-forwarded-proto" | "x-forwarded-port" | "x-amzn-trace-id" => {}
            _ if is_delivered(front_door, &name) => lines.push((name, text(value))),
            _ => {}
        }
    }
    // Guide x-forwarded-headers (load balancers): the peer's address is appended to what the client claimed. The others: assumed.
    forwarded_for.push(request.source_ip.clone());
    lines.push(("x-amzn-trace-id".to_owned(), context.trace_id.clone()));
    lines.push(("x-forwarded-for".to_owned(), forwarded_for.join(", ")));
    lines.push(("x-forwarded-port".to_owned(), context.forwarded_port.to_string()));
    lines.push(("x-forwarded-proto".to_owned(), context.forwarded_proto.clone()));
    lines
}

/// A header value as text. JSON cannot hold the bytes themselves: UTF-8 where they are UTF-8, else one character per byte, so that none is lost
/// (assumed).
fn text(value: &[u8]) -> String {
    std::str::from_utf8(value).map_or_else(|_| value.iter().map(|b| char::from(*b)).collect(), str::to_owned)
}

/// The last value of the request's header `name`.
pub(super) fn last(request: &HttpRequest, name: &str) -> Option<String> {
    request.headers.iter().rev().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| text(value))
}

/// `x-amzn-trace-id` → `X-Amzn-Trace-Id`. A REST API delivers names as the client wrote them; a listener that speaks HTTP through `http` no longer
/// knows that, so every name gets the form that most HTTP/1.1 clients and the gateway itself write.
pub(super) fn canonical(name: &str) -> String {
    let mut at_start = true;
    name.chars()
        .map(|c| {
            let c = if at_start { c.to_ascii_uppercase() } else { c };
            at_start = c == '-';
            c
        })
        .collect()
}

/// What happens to the function's header `name` (lower case).
pub(super) fn outgoing(front_door: FrontDoor, name: &str) -> Outgoing {
    match front_door {
        // Guide api-gateway-known-issues, the table of headers, column for Lambda responses; `content-length` is listed as passed, but answers of
        // Lambda proxies are seen with `x-amzn-remapped-content-length` beside the gateway's own, and a second request id likewise.
        // Function URLs rename too (seen with `www-authenticate`, `date`); taken to follow the same table.
        FrontDoor::Rest | FrontDoor::FunctionUrl => match name {
            "authorization" | "connection" | "content-length" | "content-md5" | "date" | "max-forwards" | "server" | "user-agent"
            | "www-authenticate" | "x-amzn-requestid" => Outgoing::Remapped,
            "host" | "via" => Outgoing::Dropped,
            _ if is_hop_by_hop(name) => Outgoing::Dropped,
            _ => Outgoing::Passed,
        },
        // Guide lambda-functions (load balancers): hop-by-hop headers are not honoured, the length is computed. HTTP APIs have no table of renamed
        // headers; taken to do the same.
        FrontDoor::Http | FrontDoor::Alb if name == "content-length" || is_hop_by_hop(name) => Outgoing::Dropped,
        FrontDoor::Http | FrontDoor::Alb => Outgoing::Passed,
    }
}
