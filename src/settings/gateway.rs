//! What only API Gateway and Function URLs on AWS have of a front door.

use std::path::Path;

use super::Origin;
use super::authorizer::authorizer;
use super::error::Problem;
use super::remaining::{Remaining, number_text};
use super::role::policy;
use super::schema;
use super::tree::{Node, Value};
use super::written::Given;
use crate::model::{Cache, EndpointKind, FrontDoor, GatewayLogLevel, GatewaySettings};

/// What no other front door than the REST API has.
const REST_KEYS: [&str; 12] = [
    "api_key",
    "api_key_required",
    "apigateway_policy",
    "cache_cluster_enabled",
    "cache_cluster_encrypted",
    "cache_cluster_size",
    "cache_cluster_ttl",
    "cloudwatch_data_trace",
    "cloudwatch_log_level",
    "cloudwatch_metrics_enabled",
    "endpoint_configuration",
    "payload_minimum_compression_size",
];

/// What both sorts of API have.
const API_KEYS: [&str; 3] = ["apigateway_description", "authorizer", "iam_authorization"];

/// What the front door depends on beside its own keys.
pub(super) struct Around<'a> {
    /// The front door of the stage.
    pub(super) door: FrontDoor,
    /// `function_url_config`.
    pub(super) url: &'a Given,
    /// Where files are looked for.
    pub(super) directory: &'a Path,
    /// `xray_tracing`.
    pub(super) tracing: bool,
}

/// What holds for the stage's front door. What only another one has is refused: it would be left out in silence, and be it the API key.
pub(super) fn gateway(rest: &mut Remaining, around: &Around<'_>, problems: &mut Vec<Problem>) -> GatewaySettings {
    refuse_foreign(rest, around.door, problems);
    let mut foreign = Vec::new();
    let rest_api = rest_api(rest, around, if around.door == FrontDoor::Rest { problems } else { &mut foreign });
    let description = rest.text("apigateway_description");
    let iam = rest.given("iam_authorization");
    let iam_authorization = iam.node.value == Value::Bool(true);
    let authorizer_given = rest.given("authorizer");
    match around.door {
        FrontDoor::Rest | FrontDoor::Http => {
            let authorizer = authorizer(&authorizer_given, around.door, problems);
            if iam_authorization && !authorizer_given.node.entries().is_empty() {
                let message = "`iam_authorization` and `authorizer` are both set; a route has one of them";
                problems.push(Problem::new(&iam.origin, message));
            }
            let own = if around.door == FrontDoor::Rest { rest_api } else { GatewaySettings::default() };
            GatewaySettings { description, iam_authorization, authorizer, ..own }
        }
        FrontDoor::FunctionUrl => GatewaySettings {
            iam_authorization: around.url.node.get("authorizer").and_then(Node::as_text) == Some("AWS_IAM"),
            ..GatewaySettings::default()
        },
        FrontDoor::Alb => GatewaySettings::default(),
    }
}

fn refuse_foreign(rest: &Remaining, door: FrontDoor, problems: &mut Vec<Problem>) {
    let foreign: &[&[&str]] = match door {
        FrontDoor::Rest => &[],
        FrontDoor::Http => &[&REST_KEYS],
        FrontDoor::FunctionUrl | FrontDoor::Alb => &[&REST_KEYS, &API_KEYS],
    };
    for key in foreign.iter().copied().flatten() {
        let Some(given) = rest.peek(key) else { continue };
        let preset = schema::find(key).map(schema::Key::preset_value).unwrap_or_default();
        // Who writes down what holds anyway has asked for nothing.
        if given.origin == Origin::Default || given.node.is_unset() || given.node.to_json() == preset {
            continue;
        }
        let owner = if REST_KEYS.contains(key) { "a REST API" } else { "API Gateway" };
        let instead = match (*key, door) {
            ("iam_authorization", FrontDoor::FunctionUrl) => "; set `function_url_config = { authorizer = \"AWS_IAM\" }`",
            _ => "",
        };
        let message = format!("`{key}` is for {owner}, and the front door of this stage is {}{instead}", words(door));
        problems.push(Problem::new(&given.origin, message));
    }
}

fn words(door: FrontDoor) -> &'static str {
    match door {
        FrontDoor::Rest => "a REST API",
        FrontDoor::Http => "an HTTP API",
        FrontDoor::FunctionUrl => "a Function URL",
        FrontDoor::Alb => "a load balancer",
    }
}

fn rest_api(rest: &mut Remaining, around: &Around<'_>, problems: &mut Vec<Problem>) -> GatewaySettings {
    let policy = policy("apigateway_policy", rest, around.directory, problems);
    let configuration = rest.given("endpoint_configuration");
    let endpoint = endpoint(&configuration, problems);
    if endpoint == EndpointKind::Private && policy.is_none() {
        // Its deployment fails without one.
        let message = "`endpoint_configuration`: a private API needs `apigateway_policy`, which says which networks reach it";
        problems.push(Problem::new(&configuration.origin, message));
    }
    let compression = rest.number("payload_minimum_compression_size");
    let cache = Cache {
        size: number_text(&rest.take("cache_cluster_size")).unwrap_or_default(),
        ttl_seconds: rest.number("cache_cluster_ttl").unwrap_or_default(),
        encrypted: rest.truth("cache_cluster_encrypted"),
    };
    GatewaySettings {
        policy,
        endpoint,
        api_key_required: rest.truth("api_key_required"),
        api_key: rest.text("api_key"),
        minimum_compression_size: if rest.truth("payload_compression") { compression } else { None },
        cache: rest.truth("cache_cluster_enabled").then_some(cache),
        log_level: log_level(&rest.take("cloudwatch_log_level")),
        data_trace: rest.truth("cloudwatch_data_trace"),
        metrics: rest.truth("cloudwatch_metrics_enabled"),
        tracing: around.tracing,
        ..GatewaySettings::default()
    }
}

fn endpoint(given: &Given, problems: &mut Vec<Problem>) -> EndpointKind {
    match given.node.items() {
        [] => EndpointKind::default(),
        [one] => match one.as_text() {
            Some("EDGE") => EndpointKind::Edge,
            Some("PRIVATE") => EndpointKind::Private,
            _ => EndpointKind::Regional,
        },
        several => {
            let message = format!("`endpoint_configuration` has {} entries, and an API is reached in one way", several.len());
            problems.push(Problem::new(&given.origin, message));
            EndpointKind::default()
        }
    }
}

fn log_level(node: &Node) -> GatewayLogLevel {
    match node.as_text() {
        Some("ERROR") => GatewayLogLevel::Error,
        Some("INFO") => GatewayLogLevel::Info,
        _ => GatewayLogLevel::Off,
    }
}
