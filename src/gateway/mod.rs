//! What API Gateway, Function URLs and Application Load Balancers do to HTTP, as pure functions: request → event (`request`), the function's
//! answer → response (`response`). No I/O, no clock, no randomness: whoever calls passes in time and ids.

use bytes::Bytes;

use crate::model::FrontDoor;

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
    /// 10 characters.
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
    /// In order; values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
}

/// Everything that can happen instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// Builds the event that `front_door` sends to the function.
pub fn request_event(front_door: FrontDoor, request: &HttpRequest, context: &RequestContext) -> serde_json::Value {
    let _ = (front_door, request, context);
    todo!()
}

/// Turns what the function returned into what the client gets.
pub fn http_response(front_door: FrontDoor, method: &str, payload: &[u8]) -> Result<HttpResponse, Failure> {
    let _ = (front_door, method, payload);
    todo!()
}

/// What the client gets instead of an answer.
pub fn failure_response(front_door: FrontDoor, failure: Failure, request_id: &str) -> HttpResponse {
    let _ = (front_door, failure, request_id);
    todo!()
}
