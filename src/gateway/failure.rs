//! What a front door says by itself: its answer when there is none from the function, and the headers that it adds to every answer.

use bytes::Bytes;

use crate::model::FrontDoor;

use super::{Failure, HttpResponse};

const JSON: &str = "application/json";
/// `awselb/2.0` introduces itself on its own pages.
const LOAD_BALANCER: &str = "awselb/2.0";

/// One cell of the table.
struct Cell {
    status: u16,
    content_type: &'static str,
    /// `x-amzn-errortype`
    error_type: Option<&'static str>,
    body: Text,
}

enum Text {
    Verbatim(&'static str),
    /// A load balancer's page: status and reason.
    Page(&'static str),
}

/// The table, by front door. Where a cell has no note, its source is the one above it.
fn cell(front_door: FrontDoor, failure: Failure) -> Cell {
    match front_door {
        FrontDoor::Rest => rest(failure),
        FrontDoor::Http => http_api(failure),
        FrontDoor::FunctionUrl => function_url(failure),
        FrontDoor::Alb => load_balancer(failure),
    }
}

fn rest(failure: Failure) -> Cell {
    const INTERNAL: &str = "InternalServerErrorException";
    let (status, error_type, body) = match failure {
        // Guide services-apigateway-errors: "If the function runs but returns an error, or returns a response in the wrong format, API Gateway returns a
        // 502", and the body. An answer that is too large is an error of the function to Lambda's caller.
        Failure::Function | Failure::Malformed | Failure::ResponseTooLarge => (502, INTERNAL, r#"{"message": "Internal server error"}"#),
        // Guide supported-gateway-response-types: REQUEST_TOO_LARGE is 413. (Beyond 10 MB the text is "HTTP content length exceeded 10485760 bytes.",
        // up to there Lambda's refusal becomes this one.)
        Failure::RequestTooLarge => (413, "RequestTooLargeException", r#"{"message":"Request Too Long"}"#),
        // Text seen in the wild ("HTTP header is larger than 10240 bytes."); the status is assumed from RFC 6585.
        Failure::HeadersTooLarge => (431, "BadRequestException", r#"{"message":"HTTP header is larger than 10240 bytes."}"#),
        // Guide supported-gateway-response-types: INTEGRATION_TIMEOUT is 504.
        Failure::GatewayTimeout => (504, INTERNAL, r#"{"message": "Endpoint request timed out"}"#),
        // Guide services-apigateway-errors: "If the Lambda API rejects the invocation request, API Gateway returns a 500 error code".
        Failure::Throttled => (500, INTERNAL, r#"{"message": "Internal server error"}"#),
        // Guide supported-gateway-response-types: DEFAULT_4XX.
        Failure::BadRequest => (400, "BadRequestException", r#"{"message":"Bad Request"}"#),
        // Guide supported-gateway-response-types: MISSING_AUTHENTICATION_TOKEN, "including the cases when the client attempts to invoke an unsupported API
        // method or resource".
        Failure::NoSuchRoute => (403, "MissingAuthenticationTokenException", r#"{"message":"Missing Authentication Token"}"#),
    };
    Cell { status, content_type: JSON, error_type: Some(error_type), body: Text::Verbatim(body) }
}

fn http_api(failure: Failure) -> Cell {
    let (status, body) = match failure {
        // Guide http-api-troubleshooting-lambda; that it is a 500: AWS's own emulator (github aws/aws-lambda-dotnet, LambdaTestTool-v2).
        Failure::Function | Failure::Malformed | Failure::ResponseTooLarge => (500, r#"{"message":"Internal Server Error"}"#),
        // Assumed, as is the next.
        Failure::RequestTooLarge => (413, r#"{"message":"Request Entity Too Large"}"#),
        Failure::HeadersTooLarge => (431, r#"{"message":"Request Header Fields Too Large"}"#),
        // Seen after 30 seconds: cortexlabs/cortex#1225. The same for a throttled function: assumed.
        Failure::GatewayTimeout | Failure::Throttled => (503, r#"{"message":"Service Unavailable"}"#),
        // Captured for a path that cannot be decoded a second time; the text is assumed.
        Failure::BadRequest => (400, r#"{"message":"Bad Request"}"#),
        // Does not happen: `$default` takes every path.
        Failure::NoSuchRoute => (404, r#"{"message":"Not Found"}"#),
    };
    Cell { status, content_type: JSON, error_type: None, body: Text::Verbatim(body) }
}

fn function_url(failure: Failure) -> Cell {
    let (status, error_type, body) = match failure {
        // awsdocs/aws-lambda-developer-guide#430: 502 with this text, which is no JSON.
        Failure::Function | Failure::Malformed | Failure::ResponseTooLarge => (502, None, "Internal Server Error"),
        // Lambda's own refusal, as Zac Charles quotes it ("Deep Dive: Lambda's Request Payload Size Limit"); that a URL passes it on: assumed.
        Failure::RequestTooLarge => (
            413,
            Some("RequestEntityTooLargeException"),
            r#"{"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}"#,
        ),
        // Assumed.
        Failure::HeadersTooLarge => (431, None, r#"{"message":"Request Header Fields Too Large"}"#),
        // A URL waits as long as the function may run, so this does not happen; guide urls-monitoring counts timeouts among the 5xx.
        Failure::GatewayTimeout => (504, None, "Gateway Timeout"),
        // Seen in the wild, to the letter.
        Failure::Throttled => (
            429,
            Some("TooManyRequestsException"),
            r#"{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
        ),
        // Assumed.
        Failure::BadRequest => (400, None, r#"{"message":"Bad Request"}"#),
        // Does not happen: a URL takes every path.
        Failure::NoSuchRoute => (404, None, r#"{"message":"Not Found"}"#),
    };
    Cell { status, content_type: JSON, error_type, body: Text::Verbatim(body) }
}

fn load_balancer(failure: Failure) -> Cell {
    // Guide load-balancer-troubleshooting, one paragraph per status.
    let (status, title) = match failure {
        // "did not respond before its configured timeout was reached", "returned an error or the function was throttled", "response body exceeds 1 MB",
        // "malformed or contains HTTP headers that are not valid"
        Failure::Function | Failure::Malformed | Failure::ResponseTooLarge | Failure::Throttled => (502, "502 Bad Gateway"),
        // "The target is a Lambda function and the request body exceeds 1 MB"
        Failure::RequestTooLarge => (413, "413 Request Entity Too Large"),
        // "The request header exceeded 16K per request line, 16K per single header, or 64K for the entire header"
        Failure::HeadersTooLarge | Failure::BadRequest => (400, "400 Bad Request"),
        // "the Lambda service did not respond before the connection timeout expired"
        Failure::GatewayTimeout => (504, "504 Gateway Time-out"),
        // Does not happen: the listener's rule takes every path.
        Failure::NoSuchRoute => (404, "404 Not Found"),
    };
    Cell { status, content_type: "text/html", error_type: None, body: Text::Page(title) }
}

/// What the client gets instead of an answer.
#[must_use]
pub fn failure_response(front_door: FrontDoor, failure: Failure, request_id: &str) -> HttpResponse {
    let Cell { status, content_type, error_type, body } = cell(front_door, failure);
    let body = match body {
        Text::Verbatim(text) => Bytes::from_static(text.as_bytes()),
        Text::Page(title) => Bytes::from(format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
        )),
    };
    let mut response = HttpResponse { status, headers: Vec::new(), body };
    if front_door == FrontDoor::Alb {
        add(&mut response, "server", LOAD_BALANCER);
    }
    add(&mut response, "content-type", content_type);
    if let Some(error_type) = error_type {
        add(&mut response, "x-amzn-errortype", error_type);
    }
    add_ids(front_door, &mut response, request_id);
    response
}

/// Adds the headers that `front_door` puts on every response: request and trace ids. Those already there (a failure's) stay.
pub fn decorate(front_door: FrontDoor, response: &mut HttpResponse, request_id: &str, trace_id: &str) {
    if front_door == FrontDoor::Alb {
        // On a function's answer it signs as server too, if the function does not.
        add(response, "server", LOAD_BALANCER);
    }
    add_ids(front_door, response, request_id);
    if matches!(front_door, FrontDoor::Rest | FrontDoor::FunctionUrl) {
        add(response, "x-amzn-trace-id", trace_id);
    }
}

pub(super) fn add_ids(front_door: FrontDoor, response: &mut HttpResponse, request_id: &str) {
    let names: &[&str] = match front_door {
        FrontDoor::Rest => &["x-amzn-requestid", "x-amz-apigw-id"],
        FrontDoor::Http => &["apigw-requestid"],
        FrontDoor::FunctionUrl => &["x-amzn-requestid"],
        FrontDoor::Alb => &[],
    };
    for name in names {
        add(response, name, request_id);
    }
}

fn add(response: &mut HttpResponse, name: &str, value: &str) {
    if response.headers.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)) {
        response.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
}
