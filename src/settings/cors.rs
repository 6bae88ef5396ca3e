//! `cors` of API Gateway and of a Function URL: two spellings of one thing.

use super::Origin;
use super::error::Problem;
use super::remaining::{number, texts};
use super::tree::{Node, Value};
use super::written::Given;
use crate::model::{Cors, FrontDoor};

/// zappa/Zappa's (`core.py`, `create_and_setup_cors`), there for REST APIs only.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const HEADERS: [&str; 5] = ["Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token"];
const ANY: [&str; 1] = ["*"];

/// What holds for `front_door`. The other front doors' key is not looked at: a flag can choose another one for a while.
pub(super) fn cors(front_door: FrontDoor, gateway: &Given, url: &Given, problems: &mut Vec<Problem>) -> Option<Cors> {
    match front_door {
        FrontDoor::Rest | FrontDoor::Http => match &gateway.node.value {
            Value::Bool(true) => Some(of_gateway(&Node::placeless(Value::Null), &gateway.origin, problems)),
            Value::Table(_) => Some(of_gateway(&gateway.node, &gateway.origin, problems)),
            _ => None,
        },
        FrontDoor::FunctionUrl => url.node.get("cors").map(of_url),
        FrontDoor::Alb => None,
    }
}

fn of_gateway(table: &Node, place: &Origin, problems: &mut Vec<Problem>) -> Cors {
    let single = table.get("allowed_origin").and_then(Node::as_text).map(|origin| vec![origin.to_owned()]);
    let several = list(table, "allowed_origins");
    if single.is_some() && several.is_some() {
        problems.push(Problem::new(place, "`cors.allowed_origin` and `cors.allowed_origins` are both set; keep the list"));
    }
    let cors = Cors {
        allowed_origins: several.or(single).unwrap_or_else(|| owned(&ANY)),
        allowed_methods: list(table, "allowed_methods").unwrap_or_else(|| owned(&METHODS)),
        allowed_headers: list(table, "allowed_headers").unwrap_or_else(|| owned(&HEADERS)),
        exposed_headers: list(table, "expose_headers").unwrap_or_default(),
        allow_credentials: truth(table, "allow_credentials"),
        max_age: table.get("max_age").and_then(number),
    };
    if cors.allow_credentials && cors.allowed_origins.iter().any(|origin| origin == "*") {
        // API Gateway refuses it, and browsers do.
        problems.push(Problem::new(place, "`cors.allow_credentials` needs `cors.allowed_origins` that are named; `*` is not one"));
    }
    cors
}

/// Lambda's own defaults for what is left out would allow nothing; zappa/Zappa's allow everything.
fn of_url(table: &Node) -> Cors {
    Cors {
        allowed_origins: list(table, "allowedOrigins").unwrap_or_else(|| owned(&ANY)),
        allowed_methods: list(table, "allowedMethods").unwrap_or_else(|| owned(&ANY)),
        allowed_headers: list(table, "allowedHeaders").unwrap_or_else(|| owned(&ANY)),
        exposed_headers: list(table, "exposedResponseHeaders").unwrap_or_default(),
        allow_credentials: truth(table, "allowCredentials"),
        max_age: table.get("maxAge").and_then(number),
    }
}

fn list(table: &Node, key: &str) -> Option<Vec<String>> {
    table.get(key).map(texts)
}

fn truth(table: &Node, key: &str) -> bool {
    table.get(key).is_some_and(|node| node.value == Value::Bool(true))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
