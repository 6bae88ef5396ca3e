//! What API Gateway, Function URLs and Application Load Balancers do to HTTP, as pure functions: request → event (`request`), the function's
//! answer → response (`response`), everything else that can happen → response (`failure`), what browsers of other origins are told (`cors`), and how much
//! each front door lets through (`limits`). No I/O, no clock, no randomness: whoever calls passes in time and ids.
//!
//! Every rule names where it comes from:
//! - *captured*: the live requests and path probes of July 2026 in github hotsock/voker, `vokerhttp/testdata` (also the shapes of
//!   `tests/fixtures/events`, which the shim's tests read too).
//! - *validated*: tests that github localstack/localstack runs against AWS, `tests/aws/services/apigateway/test_apigateway_lambda.py`.
//! - *guide NAME*: the AWS documentation page of that name.
//! - *assumed*: found nowhere; the choice that loses nothing.
//!
//! Events are built as plain JSON, not from the structs of the `aws_lambda_events` crate. Those are made for reading: they write a null or an empty
//! map for every absent field (the front doors leave it out), lower-case all header names (REST mixes cases), refuse header values outside ASCII,
//! and lack `routeKey` and `stage` of Function URLs. The tests read every event back with them instead.

#[doc = include_str!("outcomes.md")]
pub mod outcomes {}

mod cors;
mod failure;
mod headers;
mod limits;
mod request;
mod response;
mod stage;
mod target;

use bytes::Bytes;

use crate::model::FrontDoor;

pub use cors::{origin, preflight_response, share};
pub use failure::{decorate, failure_response};
pub use limits::{Limits, admit, limits};
pub use request::request_event;
pub use response::http_response;
pub use stage::enter_stage;

/// An HTTP request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`
    pub method: String,
    /// Path and query exactly as in the request line, percent-encoding untouched.
    pub target: String,
    /// `HTTP/1.1`
    pub protocol: String,
    /// In order of arrival; names as `http` gives them (lower case), values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
    /// The peer's address.
    pub source_ip: String,
}

/// What a gateway knows beside the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// Name of the API's stage (`dev`); HTTP APIs and URLs always use `$default`.
    pub stage: String,
    /// 12 digits.
    pub account_id: String,
    /// `eu-west-1`
    pub region: String,
    /// 10 characters; behind a load balancer the name of its target group.
    pub api_id: String,
    /// Host name of the API; locally the request's own `Host`.
    pub domain_name: String,
    /// UUID.
    pub request_id: String,
    /// Value for `X-Amzn-Trace-Id`.
    pub trace_id: String,
    /// When the request arrived: milliseconds since 1970.
    pub time_epoch_ms: i64,
    /// `https` on AWS, `http` locally.
    pub forwarded_proto: String,
    /// 443 on AWS, the listener's port locally.
    pub forwarded_port: u16,
    /// Whether a REST API has `*/*` among its binary media types.
    pub binary_support: bool,
}

/// An HTTP response on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// 100–599.
    pub status: u16,
    /// In order; names in lower case (as HTTP/2 has them, which clients of the real front doors speak), values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
}

/// Everything that can happen instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The function raised, crashed, exited or ran out of its own time, or its init failed.
    Function,
    /// The function's answer is not one that this front door accepts.
    Malformed,
    /// The answer was larger than Lambda lets through.
    ResponseTooLarge,
    /// The request was larger than the front door or Lambda lets through.
    RequestTooLarge,
    /// The request's headers were larger than the front door lets through.
    HeadersTooLarge,
    /// The gateway stopped waiting before the function was done.
    GatewayTimeout,
    /// No sandbox was free and no more may be started.
    Throttled,
    /// The front door does not accept such a request (see `admit`).
    BadRequest,
    /// Nothing is deployed under this path (see `enter_stage`).
    NoSuchRoute,
}

impl Failure {
    /// Every failure.
    pub const ALL: [Self; 9] = [
        Self::Function,
        Self::Malformed,
        Self::ResponseTooLarge,
        Self::RequestTooLarge,
        Self::HeadersTooLarge,
        Self::GatewayTimeout,
        Self::Throttled,
        Self::BadRequest,
        Self::NoSuchRoute,
    ];
}

/// A front door and the switches on it that change what goes through. Every `FrontDoor` converts into one with both switches on, so that
/// [`request_event`] and [`http_response`] take either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    /// Which kind.
    pub front_door: FrontDoor,
    /// `lambda.multi_value_headers.enabled` of a load balancer's target group; no other front door has it.
    pub multi_value_headers: bool,
    /// Whether a REST API has `*/*` among its binary media types: without, it sends out the base64 text of a binary answer undecoded. (What it
    /// does to requests is told by [`RequestContext::binary_support`].)
    pub binary_support: bool,
}

impl From<FrontDoor> for Door {
    fn from(front_door: FrontDoor) -> Self {
        Self { front_door, multi_value_headers: true, binary_support: true }
    }
}
