//! The function's answer → HTTP response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::model::FrontDoor;

use super::headers::{Outgoing, outgoing};
use super::limits::limits;
use super::{Door, Failure, HttpResponse};

/// Prefix of a header that the front door keeps for itself.
const REMAPPED: &str = "x-amzn-remapped-";

/// A header line: name in lower case, value.
type Line = (String, Vec<u8>);

/// An answer, understood: what the payload's shape was no longer matters.
struct Answer {
    status: u16,
    headers: Vec<Line>,
    body: Bytes,
    /// The function asked for no content type at all.
    untyped: bool,
}

/// Turns what the function returned into what the client gets from `door` (any [`FrontDoor`], or a [`Door`]).
///
/// Headers that the front door itself adds (ids) come from [`super::decorate`]; `Content-Length` and `Transfer-Encoding` are the HTTP server's, but
/// for the answer to `HEAD`, whose length no server can know.
pub fn http_response(door: impl Into<Door>, method: &str, payload: &[u8]) -> Result<HttpResponse, Failure> {
    let door = door.into();
    if payload.len() > limits(door.front_door).answer_bytes {
        return Err(Failure::ResponseTooLarge);
    }
    let value = serde_json::from_slice(payload).map_err(|_| Failure::Malformed);
    let answer = match door.front_door {
        FrontDoor::Rest => rest(door.binary_support, &value?)?,
        // Observed by AWS's own emulator (github aws/aws-lambda-dotnet, LambdaTestTool-v2, `InvokeResponseExtensions`): what is no JSON at all is taken
        // for a body too.
        FrontDoor::Http => match value {
            Ok(value) => payload_v2(door.front_door, &value, payload)?,
            Err(_) => inferred(Bytes::copy_from_slice(payload)),
        },
        FrontDoor::FunctionUrl => payload_v2(door.front_door, &value?, payload)?,
        FrontDoor::Alb => load_balancer(door.multi_value_headers, &value?)?,
    };
    Ok(finish(door.front_door, method, answer))
}

/// Guide set-up-lambda-proxy-integrations, output format. Validated: unknown keys, a status that is no number, a `multiValueHeaders` value that is no
/// list and anything but an object are refused; a status in digits, null for a map and booleans as header values are accepted.
/// An answer without `statusCode` is refused, as AWS's own emulator does; the validated tests saw it pass as 200.
fn rest(binary_support: bool, value: &Value) -> Result<Answer, Failure> {
    let fields = value.as_object().ok_or(Failure::Malformed)?;
    if fields.keys().any(|key| !matches!(key.as_str(), "statusCode" | "headers" | "multiValueHeaders" | "body" | "isBase64Encoded")) {
        return Err(Failure::Malformed);
    }
    let status = status(fields)?.ok_or(Failure::Malformed)?;
    let several = multi_value_headers(fields)?.unwrap_or_default();
    let mut headers = single_headers(fields, Scalars::StringsAndBooleans)?.unwrap_or_default();
    // Guide: a name in both maps is taken from `multiValueHeaders`.
    headers.retain(|(name, _)| several.iter().all(|(other, _)| other != name));
    headers.extend(several);
    let body = if binary_support { body(fields)? } else { body_undecoded(fields)? };
    // aws/aws-sam-cli#1218: a null type keeps the gateway from adding its own.
    let given = fields.get("headers").and_then(Value::as_object);
    let untyped = given.is_some_and(|map| map.iter().any(|(name, value)| value.is_null() && name.eq_ignore_ascii_case("content-type")));
    Ok(Answer { status, headers, body, untyped })
}

/// Guides http-api-develop-integrations-lambda (HTTP APIs) and urls-invocation (Function URLs): JSON without a `statusCode` is itself the body of a 200.
/// `multiValueHeaders` and unknown keys are ignored.
fn payload_v2(front_door: FrontDoor, value: &Value, payload: &[u8]) -> Result<Answer, Failure> {
    let fields = match value.as_object() {
        Some(fields) if fields.get("statusCode").is_some_and(|status| !status.is_null()) => fields,
        _ => {
            let body = match value {
                // The guides' examples: an HTTP API sends the text of a string, a Function URL its JSON, quotes included.
                Value::String(text) if front_door == FrontDoor::Http => Bytes::copy_from_slice(text.as_bytes()),
                _ => Bytes::copy_from_slice(payload.trim_ascii()),
            };
            return Ok(inferred(body));
        }
    };
    let status = status(fields)?.ok_or(Failure::Malformed)?;
    let mut headers = single_headers(fields, Scalars::All)?.unwrap_or_default();
    match fields.get("cookies") {
        None | Some(Value::Null) => {}
        Some(Value::Array(cookies)) => {
            for cookie in cookies {
                headers.push(line("set-cookie", cookie.as_str().ok_or(Failure::Malformed)?)?);
            }
        }
        Some(_) => return Err(Failure::Malformed),
    }
    Ok(Answer { status, headers, body: body(fields)?, untyped: false })
}

/// An answer that was nothing but a body.
fn inferred(body: Bytes) -> Answer {
    Answer { status: 200, headers: vec![("content-type".to_owned(), b"application/json".to_vec())], body, untyped: false }
}

/// Guide lambda-functions (load balancers): the map of headers has to be the one of the target group's mode. `statusDescription` is what HTTP/1.1
/// writes after the code; the guide asks for it; that its absence does no harm is assumed.
fn load_balancer(multi_value: bool, value: &Value) -> Result<Answer, Failure> {
    let fields = value.as_object().ok_or(Failure::Malformed)?;
    let status = status(fields)?.ok_or(Failure::Malformed)?;
    if !matches!(fields.get("statusDescription"), None | Some(Value::Null | Value::String(_))) {
        return Err(Failure::Malformed);
    }
    let headers = if multi_value { multi_value_headers(fields)? } else { single_headers(fields, Scalars::StringsOnly)? };
    Ok(Answer { status, headers: headers.ok_or(Failure::Malformed)?, body: body(fields)?, untyped: false })
}

/// What every answer goes through.
fn finish(front_door: FrontDoor, method: &str, answer: Answer) -> HttpResponse {
    let Answer { status, headers: given, body, untyped } = answer;
    let bodiless = matches!(status, 100..=199 | 204 | 304);
    let mut headers = Vec::with_capacity(given.len() + 1);
    let mut own_length = None;
    for (name, value) in given {
        if name == "content-length" {
            own_length = std::str::from_utf8(&value).ok().and_then(|digits| digits.parse::<u64>().ok());
        }
        match outgoing(front_door, &name) {
            Outgoing::Passed => headers.push((name, value)),
            Outgoing::Remapped => headers.push((format!("{REMAPPED}{name}"), value)),
            Outgoing::Dropped => {}
        }
    }
    if !untyped
        && headers.iter().all(|(name, _)| name != "content-type")
        && let Some(value) = default_content_type(front_door, !body.is_empty() && !bodiless)
    {
        headers.push(("content-type".to_owned(), value.as_bytes().to_vec()));
    }
    if bodiless {
        return HttpResponse { status, headers, body: Bytes::new() };
    }
    if method.eq_ignore_ascii_case("HEAD") {
        // The length of what GET would have sent: the body's if the function returned one nevertheless, else what it claims.
        let length = if body.is_empty() { own_length.map(|length| length.to_string()) } else { Some(body.len().to_string()) };
        headers.extend(length.map(|length| ("content-length".to_owned(), length.into_bytes())));
        return HttpResponse { status, headers, body: Bytes::new() };
    }
    HttpResponse { status, headers, body }
}

/// What a front door says of an answer whose function named no type. REST: validated, and for a 204 aws/aws-sam-cli#1218. HTTP API: AWS's own emulator (above), `ApiGatewayResponseExtensions`.
/// Load balancer: fujiwara/ridge#9. Function URL: guide urls-invocation, for inferred answers. That the last two say nothing of an empty body is assumed.
fn default_content_type(front_door: FrontDoor, has_body: bool) -> Option<&'static str> {
    match front_door {
        FrontDoor::Rest => Some("application/json"),
        FrontDoor::FunctionUrl => has_body.then_some("application/json"),
        FrontDoor::Http => Some("text/plain; charset=utf-8"),
        FrontDoor::Alb => has_body.then_some("application/octet-stream"),
    }
}

/// `statusCode`: an integer or its digits, 100–599; `None` if missing.
fn status(fields: &Map<String, Value>) -> Result<Option<u16>, Failure> {
    let code = match fields.get("statusCode") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
    };
    match code.and_then(|code| u16::try_from(code).ok()) {
        Some(code @ 100..=599) => Ok(Some(code)),
        _ => Err(Failure::Malformed),
    }
}

/// Which JSON values a front door writes into a header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalars {
    StringsOnly,
    /// Validated for REST.
    StringsAndBooleans,
    /// The lenient front doors; assumed.
    All,
}

impl Scalars {
    fn text(self, value: &Value) -> Result<String, Failure> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(flag) if self != Self::StringsOnly => Ok(flag.to_string()),
            Value::Number(number) if self == Self::All => Ok(number.to_string()),
            _ => Err(Failure::Malformed),
        }
    }
}

/// `headers`; `None` if missing. Names that differ in case only are different headers: the old way to send two cookies.
fn single_headers(fields: &Map<String, Value>, scalars: Scalars) -> Result<Option<Vec<Line>>, Failure> {
    let map = match fields.get("headers") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(Failure::Malformed),
    };
    map.iter()
        // A null value is no header.
        .filter(|(_, value)| !(value.is_null() && scalars != Scalars::StringsOnly))
        .map(|(name, value)| line(name, &scalars.text(value)?))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// `multiValueHeaders`; `None` if missing.
fn multi_value_headers(fields: &Map<String, Value>) -> Result<Option<Vec<Line>>, Failure> {
    let map = match fields.get("multiValueHeaders") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(Failure::Malformed),
    };
    let mut lines = Vec::with_capacity(map.len());
    for (name, values) in map {
        for value in values.as_array().ok_or(Failure::Malformed)? {
            lines.push(line(name, &Scalars::StringsAndBooleans.text(value)?)?);
        }
    }
    Ok(Some(lines))
}

/// One header line: text goes out as UTF-8 (assumed). What cannot stand in a header, a line break above all, makes the answer malformed (guide
/// load-balancer-troubleshooting, HTTP 502: "contains HTTP headers that are not valid"; the others assumed).
fn line(name: &str, value: &str) -> Result<Line, Failure> {
    let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| Failure::Malformed)?;
    let value = http::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| Failure::Malformed)?;
    Ok((name.as_str().to_owned(), value.as_bytes().to_vec()))
}

/// The body as the function wrote it: text or base64 text.
fn body_undecoded(fields: &Map<String, Value>) -> Result<Bytes, Failure> {
    match fields.get("body") {
        None | Some(Value::Null) => Ok(Bytes::new()),
        Some(Value::String(text)) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(_) => Err(Failure::Malformed),
    }
}

/// The body that the client gets.
fn body(fields: &Map<String, Value>) -> Result<Bytes, Failure> {
    let text = body_undecoded(fields)?;
    match fields.get("isBase64Encoded") {
        None | Some(Value::Null | Value::Bool(false)) => Ok(text),
        Some(Value::Bool(true)) => STANDARD.decode(text).map(Bytes::from).map_err(|_| Failure::Malformed),
        Some(_) => Err(Failure::Malformed),
    }
}
