//! HTTP request → event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::model::FrontDoor;

use super::target::{Target, decode_parameter};
use super::{Door, HttpRequest, RequestContext, headers, stage};

/// Builds the event that `door` (any [`FrontDoor`], or a [`Door`]) sends to the function.
///
/// Ids that the context does not hold are derived from it, the same each time: the extended request id is the request id, the resource id says which
/// of the two catch-all resources matched, the domain prefix is the first label of the domain name.
#[must_use]
pub fn request_event(door: impl Into<Door>, request: &HttpRequest, context: &RequestContext) -> Value {
    let door = door.into();
    match door.front_door {
        FrontDoor::Rest => rest(request, context),
        FrontDoor::Http | FrontDoor::FunctionUrl => payload_v2(door.front_door, request, context),
        FrontDoor::Alb => load_balancer(door.multi_value_headers, request, context),
    }
}

/// Payload format 1.0 of a REST API with the resources `/` and `/{proxy+}`. Captured.
fn rest(request: &HttpRequest, context: &RequestContext) -> Value {
    let target = Target::parse(&request.target);
    let path = target.path();
    let lines = headers::delivered(FrontDoor::Rest, request, context);
    let lines = || lines.iter().map(|(name, value)| (headers::canonical(name), value.clone()));
    // Guide api-gateway-known-issues: a semicolon separates too. No query at all is null, not an empty map.
    let parameters = || target.parameters(&['&', ';']).map(|(key, value)| (decode_parameter(key), decode_parameter(value)));
    let has_parameters = parameters().next().is_some();
    // The root resource has no path parameters; below it, `proxy` is the path as sent, without its first slash.
    let (resource, resource_id, path_parameters) = match path.as_ref() {
        "/" => ("/", "root", Value::Null),
        path => ("/{proxy+}", "proxy", json!({ "proxy": path.get(1..).unwrap_or_default() })),
    };
    let (body, is_base64_encoded) = match &request.body {
        body if body.is_empty() => (Value::Null, false),
        // `*/*` matches every content type, and a missing one.
        body if context.binary_support => (STANDARD.encode(body).into(), true),
        // Guide api-gateway-payload-encodings: without a matching binary media type the body is text. Bytes that are not UTF-8 are lost.
        body => (String::from_utf8_lossy(body).into(), false),
    };
    // Captured: behind an API's own host name this path begins with the stage. Behind a custom domain without a base path, which is what a local URL
    // is like, both paths are the same (github aws-powertools/powertools-lambda-python#579).
    let context_path = if stage::is_own(&context.domain_name) { format!("/{}{path}", context.stage) } else { path.to_string() };
    json!({
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": last_values(lines()),
        "multiValueHeaders": all_values(lines()),
        "queryStringParameters": if has_parameters { last_values(parameters()) } else { Value::Null },
        "multiValueQueryStringParameters": if has_parameters { all_values(parameters()) } else { Value::Null },
        "pathParameters": path_parameters,
        "stageVariables": null,
        "requestContext": {
            "accountId": context.account_id,
            "apiId": context.api_id,
            "resourceId": resource_id,
            "resourcePath": resource,
            "httpMethod": request.method,
            "stage": context.stage,
            "path": context_path,
            "protocol": request.protocol,
            "requestId": context.request_id,
            "extendedRequestId": context.request_id,
            "requestTime": log_time(context.time_epoch_ms),
            "requestTimeEpoch": context.time_epoch_ms,
            "domainName": context.domain_name,
            "domainPrefix": domain_prefix(&context.domain_name),
            "identity": {
                "accessKey": null,
                "accountId": null,
                "caller": null,
                "cognitoAuthenticationProvider": null,
                "cognitoAuthenticationType": null,
                "cognitoIdentityId": null,
                "cognitoIdentityPoolId": null,
                "principalOrgId": null,
                "sourceIp": request.source_ip,
                "user": null,
                "userAgent": headers::last(request, "user-agent"),
                "userArn": null,
            },
        },
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    })
}

/// Payload format 2.0 of HTTP APIs (stage and route `$default`) and Function URLs. Captured.
fn payload_v2(front_door: FrontDoor, request: &HttpRequest, context: &RequestContext) -> Value {
    let target = Target::parse(&request.target);
    let is_url = front_door == FrontDoor::FunctionUrl;
    let (raw_path, decoded_path) = if is_url {
        (target.path().into_owned(), target.decoded_path())
    } else {
        // A path that the gateway refuses (see `admit`) is decoded once here.
        let path = target.http_api_path().unwrap_or_else(|| target.decoded_path());
        (path.clone(), path)
    };
    // Guide http-api-develop-integrations-lambda: repeats are joined with commas; cookies go into a list of their own. A Function URL also leaves
    // them in the headers, an HTTP API does not.
    let mut cookies = Vec::new();
    let mut joined = Map::new();
    for (name, value) in headers::delivered(front_door, request, context) {
        if name == "cookie" {
            cookies.extend(value.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).map(str::to_owned));
        } else {
            join(&mut joined, name, &value);
        }
    }
    if is_url && !cookies.is_empty() {
        joined.insert("cookie".to_owned(), cookies.join("; ").into());
    }
    let mut parameters = Map::new();
    for (key, value) in target.parameters(&['&']) {
        join(&mut parameters, decode_parameter(key), &decode_parameter(value));
    }

    let mut event = Map::new();
    event.insert("version".to_owned(), "2.0".into());
    event.insert("routeKey".to_owned(), "$default".into());
    event.insert("rawPath".to_owned(), raw_path.into());
    event.insert("rawQueryString".to_owned(), target.query.into());
    if !cookies.is_empty() {
        event.insert("cookies".to_owned(), cookies.into());
    }
    event.insert("headers".to_owned(), joined.into());
    if !parameters.is_empty() {
        event.insert("queryStringParameters".to_owned(), parameters.into());
    }
    event.insert(
        "requestContext".to_owned(),
        json!({
            // A URL without IAM authorisation knows no caller.
            "accountId": if is_url { "anonymous" } else { context.account_id.as_str() },
            "apiId": context.api_id,
            "domainName": context.domain_name,
            "domainPrefix": domain_prefix(&context.domain_name),
            "http": {
                "method": request.method,
                "path": decoded_path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers::last(request, "user-agent").unwrap_or_default(),
            },
            "requestId": context.request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": log_time(context.time_epoch_ms),
            "timeEpoch": context.time_epoch_ms,
        }),
    );
    let (body, is_base64_encoded) = text_or_base64(request);
    if !body.is_empty() {
        event.insert("body".to_owned(), body.into());
    }
    event.insert("isBase64Encoded".to_owned(), is_base64_encoded.into());
    event.into()
}

/// A load balancer's event. Captured with multi-value headers; without: guide lambda-functions. Keys and values of the query stay encoded, and the
/// maps are there even if empty.
fn load_balancer(multi_value: bool, request: &HttpRequest, context: &RequestContext) -> Value {
    let target = Target::parse(&request.target);
    let lines = headers::delivered(FrontDoor::Alb, request, context).into_iter();
    let parameters = target.parameters(&['&']).map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut event = Map::new();
    event.insert("requestContext".to_owned(), json!({ "elb": { "targetGroupArn": target_group_arn(context) } }));
    event.insert("httpMethod".to_owned(), request.method.as_str().into());
    event.insert("path".to_owned(), target.path().into());
    if multi_value {
        event.insert("multiValueQueryStringParameters".to_owned(), all_values(parameters));
        event.insert("multiValueHeaders".to_owned(), all_values(lines));
    } else {
        event.insert("queryStringParameters".to_owned(), last_values(parameters));
        event.insert("headers".to_owned(), last_values(lines));
    }
    let (body, is_base64_encoded) = text_or_base64(request);
    event.insert("body".to_owned(), body.into());
    event.insert("isBase64Encoded".to_owned(), is_base64_encoded.into());
    event.into()
}

fn target_group_arn(context: &RequestContext) -> String {
    let partition = match context.region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("eusc") => "aws-eusc",
        Some("us") if context.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let RequestContext { region, account_id, api_id, .. } = context;
    format!("arn:{partition}:elasticloadbalancing:{region}:{account_id}:targetgroup/{api_id}/0123456789abcdef")
}

/// The body as text where its content type says text, else as base64. Guide lambda-functions (load balancers) has the list of types; that any
/// `Content-Encoding` makes it base64, and that HTTP APIs and Function URLs do the same, is assumed. Text that is not UTF-8 goes as base64, so that
/// no byte is lost.
fn text_or_base64(request: &HttpRequest) -> (String, bool) {
    let content_type = headers::last(request, "content-type").unwrap_or_default().to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_text =
        media_type.starts_with("text/") || matches!(media_type, "application/json" | "application/javascript" | "application/xml");
    let is_encoded = headers::last(request, "content-encoding").is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity"));
    match std::str::from_utf8(&request.body) {
        Ok(text) if text.is_empty() || (is_text && !is_encoded) => (text.to_owned(), false),
        _ => (STANDARD.encode(&request.body), true),
    }
}

fn join(map: &mut Map<String, Value>, key: String, value: &str) {
    if let Some(Value::String(joined)) = map.get_mut(&key) {
        joined.push(',');
        joined.push_str(value);
    } else {
        map.insert(key, value.into());
    }
}

fn last_values(pairs: impl Iterator<Item = (String, String)>) -> Value {
    pairs.map(|(key, value)| (key, Value::String(value))).collect::<Map<_, _>>().into()
}

fn all_values(pairs: impl Iterator<Item = (String, String)>) -> Value {
    let mut map = Map::new();
    for (key, value) in pairs {
        if let Some(Value::Array(values)) = map.get_mut(&key) {
            values.push(value.into());
        } else {
            map.insert(key, json!([value]));
        }
    }
    map.into()
}

/// The first label of a host name; all of an address or a bare name. A port does not belong to it.
fn domain_prefix(domain_name: &str) -> &str {
    let host = if domain_name.starts_with('[') { domain_name.split_inclusive(']').next() } else { domain_name.split(':').next() };
    host.unwrap_or_default().split('.').next().unwrap_or_default()
}

/// The time as the Common Log Format writes it: `28/May/2026:20:26:40 +0000`.
fn log_time(epoch_ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(epoch_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}
