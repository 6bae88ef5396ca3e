//! A REST API as one OpenAPI document: what is imported, and what `zappa template` prints. Pure.
//!
//! Shapes: guide api-gateway-swagger-extensions.

use serde_json::{Map, Value, json};

use super::{authorizer, description, invocation_uri};
use crate::cloud::RouteSpec;
use crate::cloud::aws::names::{Names, Place};
use crate::model::Cors;

const API_KEY: &str = "api_key";
const SIGNATURE: &str = "sigv4";

/// The catch-all API before `live`.
pub(in crate::cloud::aws) fn document(names: &Names, place: &Place, spec: &RouteSpec) -> Value {
    let gateway = &spec.gateway;
    let schemes = schemes(names, place, spec);
    let mut document = json!({
        "openapi": "3.0.1",
        "info": {
            "title": names.function,
            "version": "1",
            "description": description(names, gateway.description.as_deref()),
        },
        "paths": {
            "/": path(names, place, spec, &schemes, false),
            "/{proxy+}": path(names, place, spec, &schemes, true),
        },
    });
    let mut put = |key: &str, value: Value| {
        document[key] = value;
    };
    if !schemes.is_empty() {
        put("components", json!({ "securitySchemes": schemes }));
    }
    if spec.binary_support {
        // Of a request this makes base64 whatever its type is, and of an answer what the function says is base64.
        put("x-amazon-apigateway-binary-media-types", json!(["*/*"]));
    }
    if let Some(bytes) = gateway.minimum_compression_size {
        put("x-amazon-apigateway-minimum-compression-size", json!(bytes));
    }
    if gateway.api_key_required {
        put("x-amazon-apigateway-api-key-source", json!("HEADER"));
    }
    if let Some(policy) = &gateway.policy {
        put("x-amazon-apigateway-policy", policy.clone());
    }
    if let Some(responses) = spec.cors.as_ref().and_then(gateway_responses) {
        put("x-amazon-apigateway-gateway-responses", responses);
    }
    document
}

/// What a request has to bring along; every one of them.
fn schemes(names: &Names, place: &Place, spec: &RouteSpec) -> Map<String, Value> {
    let mut schemes = Map::new();
    if spec.gateway.api_key_required {
        schemes.insert(API_KEY.to_owned(), json!({ "type": "apiKey", "name": "x-api-key", "in": "header" }));
    }
    if spec.gateway.iam_authorization {
        let scheme = json!({ "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4" });
        schemes.insert(SIGNATURE.to_owned(), scheme);
    }
    if let Some(authorizer) = &spec.gateway.authorizer {
        schemes.insert(authorizer::scheme_name(authorizer), authorizer::scheme(names, place, authorizer));
    }
    schemes
}

fn path(names: &Names, place: &Place, spec: &RouteSpec, schemes: &Map<String, Value>, proxy: bool) -> Value {
    let mut any = json!({
        "responses": { "default": { "description": "Whatever the app answers" } },
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": invocation_uri(place, &place.live_arn(names)),
            "passthroughBehavior": "when_no_match",
        },
    });
    if !schemes.is_empty() {
        let all: Map<String, Value> = schemes.keys().map(|name| (name.clone(), json!([]))).collect();
        any["security"] = json!([all]);
    }
    let mut methods = json!({});
    if let Some(cors) = &spec.cors {
        methods["options"] = preflight(cors);
    }
    methods["x-amazon-apigateway-any-method"] = any;
    if proxy {
        let parameter = json!([{ "name": "proxy", "in": "path", "required": true, "schema": { "type": "string" } }]);
        for method in methods.as_object_mut().into_iter().flat_map(Map::values_mut) {
            method["parameters"] = parameter.clone();
        }
    }
    methods
}

/// A mock that answers preflights, which bring no credentials along. `gateway::cors` is the same in code.
fn preflight(cors: &Cors) -> Value {
    let headers = preflight_headers(cors);
    let declared: Map<String, Value> =
        headers.iter().map(|(name, _)| ((*name).to_owned(), json!({ "schema": { "type": "string" } }))).collect();
    let mapped = quoted(&headers, "method.response.header.");
    json!({
        "responses": { "200": { "description": "What other origins may do", "headers": declared } },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
            "passthroughBehavior": "when_no_match",
            // With the binary media type `*/*` the template would be given base64.
            "contentHandling": "CONVERT_TO_TEXT",
            "responses": {
                "default": {
                    "statusCode": "200",
                    "responseParameters": mapped,
                    "responseTemplates": { "application/json": chosen_origin(&cors.allowed_origins) },
                },
            },
        },
    })
}

/// Header → value; of one origin among several only the name counts.
fn preflight_headers(cors: &Cors) -> Vec<(&'static str, String)> {
    let mut headers = shared_headers(cors);
    let lists = [("Access-Control-Allow-Methods", &cors.allowed_methods), ("Access-Control-Allow-Headers", &cors.allowed_headers)];
    headers.extend(lists.into_iter().filter(|(_, values)| !values.is_empty()).map(|(name, values)| (name, values.join(","))));
    headers.extend(cors.max_age.map(|seconds| ("Access-Control-Max-Age", seconds.to_string())));
    headers
}

fn shared_headers(cors: &Cors) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    // One origin is a constant. Of several the template below puts in the one that asks, where the header is declared.
    if let [origin] = cors.allowed_origins.as_slice() {
        headers.push(("Access-Control-Allow-Origin", origin.clone()));
    }
    if cors.allow_credentials {
        headers.push(("Access-Control-Allow-Credentials", "true".to_owned()));
    }
    headers
}

/// Constants stand in quotes of their own.
fn quoted(headers: &[(&str, String)], prefix: &str) -> Map<String, Value> {
    headers.iter().map(|(name, value)| (format!("{prefix}{name}"), json!(format!("'{value}'")))).collect()
}

/// The template of the mock's answer: nothing, but of several origins it sends back the one that asks, if it is among them.
fn chosen_origin(origins: &[String]) -> String {
    if origins.len() < 2 {
        return String::new();
    }
    let conditions: Vec<String> = origins
        .iter()
        .map(|origin| match origin.strip_suffix('*') {
            Some(start) => format!("$origin.startsWith(\"{start}\")"),
            None => format!("$origin == \"{origin}\""),
        })
        .collect();
    // Names of headers come as the client wrote them.
    [
        "#set($origin = $input.params().header.get(\"Origin\"))",
        "#if(!$origin || $origin == \"\")#set($origin = $input.params().header.get(\"origin\"))#end",
        &format!("#if($origin && ({}))", conditions.join(" || ")),
        "#set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)",
        "#end",
    ]
    .join("\n")
}

/// What the gateway says by itself (403, 429, 502, 504…), which scripts could not read without these headers. They hold constants only, so that of several
/// origins none is named.
fn gateway_responses(cors: &Cors) -> Option<Value> {
    if cors.allowed_origins.len() != 1 {
        return None;
    }
    let response = json!({ "responseParameters": quoted(&shared_headers(cors), "gatewayresponse.header.") });
    Some(json!({ "DEFAULT_4XX": response, "DEFAULT_5XX": response }))
}
