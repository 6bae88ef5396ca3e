//! `authorizer`: who decides whether a request may pass. Its values are secrets: messages name the fields and never what stands in them.

use super::Origin;
use super::error::Problem;
use super::remaining::{number, texts};
use super::tree::Node;
use super::written::Given;
use crate::model::{Authorizer, AuthorizerFunction, AuthorizerKind, FrontDoor};

const NAME: &str = "ZappaAuthorizer";
const TOKEN_HEADER: &str = "Authorization";
const RESULT_TTL: u32 = 300;

/// The authorizer of an API, `door` being one of the two sorts; an empty table is none.
pub(super) fn authorizer(given: &Given, door: FrontDoor, problems: &mut Vec<Problem>) -> Option<Authorizer> {
    let table = &given.node;
    if table.entries().is_empty() {
        return None;
    }
    let text = |field: &str| text(table, field);
    let kind = text("type").unwrap_or_else(|| implied(table, door).to_owned());
    refuse_fields(table, &kind, &given.origin, problems);
    match self::kind(table, &kind, door) {
        Ok(kind) => Some(Authorizer {
            name: text("name").unwrap_or_else(|| NAME.to_owned()),
            kind,
            token_header: text("token_header").unwrap_or_else(|| TOKEN_HEADER.to_owned()),
            result_ttl_seconds: table.get("result_ttl").and_then(number).unwrap_or(RESULT_TTL),
            validation_expression: text("validation_expression"),
        }),
        Err(message) => {
            problems.push(Problem::new(&given.origin, format!("`authorizer`: {message}")));
            None
        }
    }
}

/// The `type` where none is written.
fn implied(table: &Node, door: FrontDoor) -> &'static str {
    if table.get("issuer").is_some() {
        "JWT"
    } else if table.get("provider_arns").is_some() {
        "COGNITO_USER_POOLS"
    } else if door == FrontDoor::Http {
        "REQUEST"
    } else {
        "TOKEN"
    }
}

fn kind(table: &Node, kind: &str, door: FrontDoor) -> Result<AuthorizerKind, String> {
    let list = |field: &str| table.get(field).map(texts).unwrap_or_default();
    let rest_only = || Err(format!("the type {kind} is for a REST API, and this stage has an HTTP API"));
    match kind {
        "TOKEN" if door == FrontDoor::Http => rest_only(),
        "COGNITO_USER_POOLS" if door == FrontDoor::Http => {
            rest_only().map_err(|message| format!("{message}; give the pool's `issuer` and `audience` for a JWT authorizer"))
        }
        "COGNITO_USER_POOLS" => match list("provider_arns") {
            pools if pools.is_empty() => Err(format!("the type {kind} needs `provider_arns`")),
            pools => Ok(AuthorizerKind::Cognito(pools)),
        },
        "JWT" => match (text(table, "issuer"), list("audience")) {
            (Some(issuer), audience) if !audience.is_empty() => Ok(AuthorizerKind::Jwt { issuer, audience }),
            _ => Err(format!("the type {kind} needs `issuer` and `audience`")),
        },
        _ => {
            let function = match (text(table, "function"), text(table, "arn")) {
                (Some(function), None) => AuthorizerFunction::Own(function),
                (None, Some(arn)) => AuthorizerFunction::Arn(arn),
                _ => return Err(format!("the type {kind} needs either `function` or `arn`")),
            };
            Ok(if kind == "REQUEST" { AuthorizerKind::Request(function) } else { AuthorizerKind::Token(function) })
        }
    }
}

/// A field that the type knows nothing of would have no effect, and somebody would believe that it has.
fn refuse_fields(table: &Node, kind: &str, place: &Origin, problems: &mut Vec<Problem>) {
    let taken: &[&str] = match kind {
        "COGNITO_USER_POOLS" => &["provider_arns", "result_ttl", "validation_expression"],
        "JWT" => &["issuer", "audience"],
        "REQUEST" => &["function", "arn", "result_ttl"],
        _ => &["function", "arn", "result_ttl", "validation_expression"],
    };
    for entry in table.entries().iter().filter(|entry| table.get(&entry.key).is_some()) {
        let field = entry.key.as_str();
        if !["type", "name", "token_header"].contains(&field) && !taken.contains(&field) {
            let message = format!("`authorizer.{field}` means nothing to the type {kind}");
            problems.push(Problem::new(&place.at_line(entry.line), message));
        }
    }
}

fn text(table: &Node, field: &str) -> Option<String> {
    table.get(field).and_then(Node::as_text).filter(|text| !text.is_empty()).map(str::to_owned)
}
