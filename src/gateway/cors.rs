//! What front doors say to browsers about other origins, without asking the function. They differ as much as they can:
//!
//! | | preflights | answers of the function |
//! |---|---|---|
//! | REST | a mock integration answers every `OPTIONS` with 200 | pass as they are: the app has to allow its origins itself |
//! | HTTP API | 204, also for origins that are not allowed, which get no headers | the app's own `access-control-*` are dropped, the gateway's added |
//! | Function URL | 200 | the URL's are added to the app's, which makes two of each |
//! | ALB | the app | the app |
//!
//! Sources. REST: zappa/Zappa's stack (`core.py`, `create_and_setup_cors`), which we deploy likewise. HTTP API: guide http-api-cors; the status and
//! that the lists are sent as they were set: assumed. Function URL: captured by rimutaka ("AWS Lambda Function URL with CORS explained by example"); that an
//! origin of the list is echoed and never `*`: github aws-powertools/powertools-lambda-python#4163, samvera/serverless-iiif#71.

use bytes::Bytes;

use crate::model::{Cors, FrontDoor};

use super::failure::add_ids;
use super::{HttpRequest, HttpResponse};

type Line = (String, Vec<u8>);

/// The front door's own answer, if `request` is one that it does not pass on.
#[must_use]
pub fn preflight_response(front_door: FrontDoor, cors: &Cors, request: &HttpRequest, request_id: &str) -> Option<HttpResponse> {
    if request.method != "OPTIONS" {
        return None;
    }
    let origin = origin(request);
    // Guide http-api-cors: "your request must contain an `origin` header and an `Access-Control-Request-Method` header". Other `OPTIONS` are the app's.
    let asks = origin.is_some() && header(request, "access-control-request-method").is_some();
    let allowed = origin.and_then(|origin| allowed_origin(front_door, cors, origin));
    let mut headers = Vec::new();
    let status = match front_door {
        FrontDoor::Rest => {
            // Sent whoever asks. One origin is a constant of the mock; of several it chooses by a template.
            let constant = (cors.allowed_origins.len() == 1).then(|| cors.allowed_origins[0].clone());
            push_preflight(&mut headers, cors, constant.or(allowed));
            200
        }
        FrontDoor::Http if asks => {
            if allowed.is_some() {
                push_preflight(&mut headers, cors, allowed);
            }
            204
        }
        FrontDoor::FunctionUrl if asks => {
            headers.push(line("vary", "Origin"));
            if allowed.is_some() {
                push_preflight(&mut headers, cors, allowed);
            }
            200
        }
        FrontDoor::Http | FrontDoor::FunctionUrl | FrontDoor::Alb => return None,
    };
    if status == 200 {
        headers.push(line("content-type", "application/json"));
    }
    let mut response = HttpResponse { status, headers, body: Bytes::new() };
    add_ids(front_door, &mut response, request_id);
    Some(response)
}

/// Makes any other response what a script of `origin` (the request's header) gets to see.
pub fn share(front_door: FrontDoor, cors: &Cors, origin: Option<&str>, response: &mut HttpResponse) {
    match front_door {
        FrontDoor::Http => response.headers.retain(|(name, _)| !name.starts_with("access-control-")),
        FrontDoor::FunctionUrl => response.headers.push(line("vary", "Origin")),
        FrontDoor::Rest | FrontDoor::Alb => return,
    }
    let Some(allowed) = origin.and_then(|origin| allowed_origin(front_door, cors, origin)) else { return };
    push_shared(&mut response.headers, cors, Some(allowed));
    if !cors.exposed_headers.is_empty() {
        response.headers.push(line("access-control-expose-headers", &cors.exposed_headers.join(",")));
    }
}

/// The request's `Origin`.
#[must_use]
pub fn origin(request: &HttpRequest) -> Option<&str> {
    header(request, "origin")
}

/// What `access-control-allow-origin` says to `origin`; `None` if it is not welcome.
fn allowed_origin(front_door: FrontDoor, cors: &Cors, origin: &str) -> Option<String> {
    let matches = |pattern: &String| match pattern.strip_suffix('*') {
        // Guide http-api-cors: `*`, `https://*` and `http://*`.
        Some(start) => origin.starts_with(start),
        None => pattern == origin,
    };
    let found = cors.allowed_origins.iter().find(|pattern| matches(pattern))?;
    // Only the constant itself can be sent to everybody; a URL always names the one who asks.
    Some(if found == "*" && front_door != FrontDoor::FunctionUrl { found.clone() } else { origin.to_owned() })
}

fn push_shared(headers: &mut Vec<Line>, cors: &Cors, origin: Option<String>) {
    headers.extend(origin.map(|origin| line("access-control-allow-origin", &origin)));
    if cors.allow_credentials {
        headers.push(line("access-control-allow-credentials", "true"));
    }
}

fn push_preflight(headers: &mut Vec<Line>, cors: &Cors, origin: Option<String>) {
    push_shared(headers, cors, origin);
    for (name, values) in [("access-control-allow-methods", &cors.allowed_methods), ("access-control-allow-headers", &cors.allowed_headers)]
    {
        if !values.is_empty() {
            headers.push(line(name, &values.join(",")));
        }
    }
    headers.extend(cors.max_age.map(|seconds| line("access-control-max-age", &seconds.to_string())));
}

fn line(name: &str, value: &str) -> Line {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let (_, value) = request.headers.iter().find(|(candidate, _)| candidate == name)?;
    std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
}
