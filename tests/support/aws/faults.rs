//! What goes wrong on purpose: which calls a rule hits, and the answer that AWS would give.

use http::request::Parts;
use http::{Response, StatusCode};

use super::operations::{Name, Protocol};

/// How a call fails.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// An answer in the words of the call's protocol; AWS has done nothing.
    Refused { status: u16, code: Code, message: String },
    /// The connection is reset before AWS sees the call.
    ResetBefore,
    /// AWS does what it is asked; the connection is reset before the answer.
    ResetAfter,
    /// There never is an answer.
    Hang,
}

/// What an error is called.
#[derive(Debug, Clone)]
pub(crate) enum Code {
    /// As given.
    Is(String),
    /// As the service calls "too many calls".
    Throttled,
    /// As the service calls "you may not".
    Denied,
}

/// A rule: these calls fail in this way.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    kind: Kind,
    /// `lambda:GetAlias` or `lambda`; every call if `None`.
    on: Option<String>,
    /// Only calls to this region.
    region: Option<String>,
    /// No call of this name.
    except: Option<String>,
    /// The n-th call of all, from 1.
    nth: Option<usize>,
    /// Only what the SDK asks for the first time.
    first_attempts: bool,
    /// How many calls that it fits it lets pass before.
    passing: usize,
    /// How many calls it still hits.
    left: usize,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self { kind, on: None, region: None, except: None, nth: None, first_attempts: false, passing: 0, left: usize::MAX }
    }

    /// Too many calls.
    pub(crate) fn throttle() -> Self {
        Self::new(Kind::Refused { status: 0, code: Code::Throttled, message: "Rate exceeded".to_owned() })
    }

    /// The caller lacks the permission for exactly this action.
    pub(crate) fn denied() -> Self {
        Self::new(Kind::Refused { status: 0, code: Code::Denied, message: String::new() })
    }

    /// HTTP 500.
    pub(crate) fn server_error() -> Self {
        Self::error(500, "InternalFailure", "An internal error occurred")
    }

    /// Any error of AWS.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::new(Kind::Refused { status, code: Code::Is(code.to_owned()), message: message.to_owned() })
    }

    /// The call never gets there.
    pub(crate) fn reset_before() -> Self {
        Self::new(Kind::ResetBefore)
    }

    /// The call is done, the answer gets lost.
    pub(crate) fn reset_after() -> Self {
        Self::new(Kind::ResetAfter)
    }

    /// The call is never answered.
    pub(crate) fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// Only calls of this name (`lambda:GetAlias`) or service (`lambda`).
    pub(crate) fn on(self, name: &str) -> Self {
        Self { on: Some(name.to_owned()), ..self }
    }

    /// Only calls to this region.
    pub(crate) fn in_region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    /// Only the n-th call of all, from 1.
    pub(crate) fn nth(self, number: usize) -> Self {
        Self { nth: Some(number), ..self }
    }

    /// Only the first `count` calls that it fits.
    pub(crate) fn times(self, count: usize) -> Self {
        Self { left: count, ..self }
    }

    /// No call of this name.
    pub(crate) fn except(self, name: &str) -> Self {
        Self { except: Some(name.to_owned()), ..self }
    }

    /// Each call once: what the SDK then asks for again it gets.
    pub(crate) fn once_each(self) -> Self {
        Self { first_attempts: true, ..self }
    }

    /// Only from the call on that comes after `count` others that it fits.
    pub(crate) fn after(self, count: usize) -> Self {
        Self { passing: count, ..self }
    }

    /// Whether it hits this call, which uses it up.
    pub(crate) fn hits(&mut self, name: &Name, head: &Parts, number: usize) -> Option<Kind> {
        let full = format!("{}:{}", name.service, name.operation);
        let named = self.on.as_ref().is_none_or(|wanted| *wanted == full || *wanted == name.service) && self.except.as_ref() != Some(&full);
        let attempt = head.headers.get("amz-sdk-request").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !named
            || self.region.as_ref().is_some_and(|region| *region != name.region)
            || self.nth.is_some_and(|wanted| wanted != number)
            || (self.first_attempts && !attempt.contains("attempt=1;"))
            || self.left == 0
        {
            return None;
        }
        if self.passing > 0 {
            self.passing -= 1;
            return None;
        }
        self.left -= 1;
        Some(self.kind.clone())
    }
}

/// The answer of AWS to a refused call.
pub(crate) fn refusal(name: &Name, head: &Parts, (status, code, message): (u16, &Code, &str)) -> Response<Vec<u8>> {
    let (status, code, message) = match code {
        Code::Is(code) => (status, code.as_str(), message.to_owned()),
        Code::Throttled => {
            let (status, code) = throttling(name);
            (status, code, message.to_owned())
        }
        Code::Denied => {
            let (status, code) = denial(name);
            (status, code, denied_message(name, head))
        }
    };
    let request_id = "5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f";
    let (content_type, body) = match name.protocol {
        Protocol::RestJson => ("application/json", serde_json::json!({ "Type": "User", "message": message }).to_string()),
        Protocol::Json => ("application/x-amz-json-1.1", serde_json::json!({ "__type": code, "message": message }).to_string()),
        Protocol::RestXml => (
            "application/xml",
            format!("<Error><Code>{code}</Code><Message>{}</Message><RequestId>{request_id}</RequestId></Error>", escaped(&message)),
        ),
        Protocol::Query | Protocol::Ec2 => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                escaped(&message)
            ),
        ),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap()).header("content-type", content_type);
    response = response.header("x-amzn-requestid", request_id);
    if name.protocol == Protocol::RestJson {
        response = response.header("x-amzn-errortype", code);
    }
    response.body(if head.method == "HEAD" { Vec::new() } else { body.into_bytes() }).unwrap()
}

fn throttling(name: &Name) -> (u16, &'static str) {
    match name.protocol {
        Protocol::RestJson => (429, "TooManyRequestsException"),
        Protocol::Json => (400, "ThrottlingException"),
        Protocol::RestXml => (503, "SlowDown"),
        Protocol::Query => (400, "Throttling"),
        Protocol::Ec2 => (503, "RequestLimitExceeded"),
    }
}

fn denial(name: &Name) -> (u16, &'static str) {
    match name.protocol {
        Protocol::RestJson => (403, "AccessDeniedException"),
        Protocol::Json => (400, "AccessDeniedException"),
        Protocol::RestXml | Protocol::Query => (403, "AccessDenied"),
        Protocol::Ec2 => (403, "UnauthorizedOperation"),
    }
}

/// API Gateway's actions are HTTP methods; the others' are operations, most of them.
fn denied_message(name: &Name, head: &Parts) -> String {
    let path = head.uri.path();
    let action = match (name.service.as_str(), name.operation.as_str()) {
        ("apigateway" | "apigatewayv2", _) => format!("apigateway:{}", head.method),
        ("lambda", "Invoke") => "lambda:InvokeFunction".to_owned(),
        ("s3", "HeadBucket") => "s3:ListBucket".to_owned(),
        ("s3", "HeadObject") => "s3:GetObject".to_owned(),
        ("s3", "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload") => "s3:PutObject".to_owned(),
        (service, operation) => format!("{service}:{operation}"),
    };
    let region = &name.region;
    let function = path.split_once("/functions/").map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    let resource = match (name.service.as_str(), function) {
        ("lambda", Some(function)) => format!("arn:aws:lambda:{region}:123456789012:function:{function}"),
        ("apigateway" | "apigatewayv2", _) => format!("arn:aws:apigateway:{region}::{path}"),
        ("s3", _) => format!("arn:aws:s3:::{}", path.trim_start_matches('/')),
        _ => "*".to_owned(),
    };
    format!(
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
