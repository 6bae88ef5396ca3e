//! How much each front door lets through, and for how long it waits.

use std::time::Duration;

use crate::model::FrontDoor;

use super::target::Target;
use super::{Failure, HttpRequest};

/// The longest event in bytes of JSON that Lambda takes in a synchronous call. (Its message: "Request must be smaller than 6291456 bytes for the
/// InvokeFunction operation".)
const EVENT_BYTES: usize = 6 * 1024 * 1024;

/// The longest answer in bytes of JSON: a hundred more, as the runtime interface client's message says ("Exceeded maximum allowed payload size
/// (6291556 bytes).").
const ANSWER_BYTES: usize = EVENT_BYTES + 100;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What a front door, and Lambda behind it, let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Request line and all header lines together.
    pub header_bytes: usize,
    /// The request line alone.
    pub request_line_bytes: usize,
    /// One header line.
    pub header_line_bytes: usize,
    /// The body as sent by the client. Lambda's own limit on the event often bites first: base64 makes four bytes out of three.
    pub request_body_bytes: usize,
    /// The event as JSON.
    pub event_bytes: usize,
    /// The function's answer as JSON.
    pub answer_bytes: usize,
    /// How long the front door waits for the answer. Where it waits as long as the function may run, this is the longest that a function may.
    pub timeout: Duration,
}

/// The limits of `front_door`.
#[must_use]
pub fn limits(front_door: FrontDoor) -> Limits {
    match front_door {
        // Guides limits (REST) and http-api-quotas: 10,240 bytes of request line and header values, 10 MB, 29 s and 30 s.
        FrontDoor::Rest => Limits { timeout: Duration::from_secs(29), ..API_GATEWAY },
        FrontDoor::Http => Limits { timeout: Duration::from_secs(30), ..API_GATEWAY },
        // Only Lambda's own payload is documented (guide gettingstarted-limits); header sizes taken to be those of a load balancer.
        FrontDoor::FunctionUrl => Limits { request_body_bytes: EVENT_BYTES, answer_bytes: ANSWER_BYTES, ..LOAD_BALANCER },
        FrontDoor::Alb => LOAD_BALANCER,
    }
}

const API_GATEWAY: Limits = Limits {
    header_bytes: 10_240,
    request_line_bytes: 10_240,
    header_line_bytes: 10_240,
    request_body_bytes: 10 * MIB,
    event_bytes: EVENT_BYTES,
    answer_bytes: ANSWER_BYTES,
    timeout: Duration::from_secs(29),
};

/// Guide lambda-functions: 1 MB in, 1 MB of JSON out, waits for the function. Guide load-balancer-troubleshooting, HTTP 400: 16 K per request line,
/// 16 K per header, 64 K for all.
const LOAD_BALANCER: Limits = Limits {
    header_bytes: 64 * KIB,
    request_line_bytes: 16 * KIB,
    header_line_bytes: 16 * KIB,
    request_body_bytes: MIB,
    event_bytes: EVENT_BYTES,
    answer_bytes: MIB,
    timeout: Duration::from_secs(900),
};

/// What `front_door` refuses by itself, before any event is built. (The event's own size is for the caller to hold against
/// [`Limits::event_bytes`].)
pub fn admit(front_door: FrontDoor, request: &HttpRequest) -> Result<(), Failure> {
    let limits = limits(front_door);
    // `METHOD SP target SP version CRLF`, `name: value CRLF`
    let request_line = request.method.len() + request.target.len() + request.protocol.len() + 4;
    let lines = || request.headers.iter().map(|(name, value)| name.len() + value.len() + 4);
    if request_line > limits.request_line_bytes
        || lines().any(|line| line > limits.header_line_bytes)
        || request_line + lines().sum::<usize>() > limits.header_bytes
    {
        return Err(Failure::HeadersTooLarge);
    }
    if request.body.len() > limits.request_body_bytes {
        return Err(Failure::RequestTooLarge);
    }
    // RFC 9112 section 3.2: a server must refuse it.
    let hosts = request.headers.iter().filter(|(name, _)| name == "host").count();
    let refused = match front_door {
        _ if hosts > 1 => true,
        FrontDoor::Rest | FrontDoor::FunctionUrl => false,
        FrontDoor::Http => Target::parse(&request.target).http_api_path().is_none(),
        // Guide lambda-functions: "Upgrade requests are rejected with an HTTP 400 code".
        FrontDoor::Alb => request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade")),
    };
    if refused { Err(Failure::BadRequest) } else { Ok(()) }
}
