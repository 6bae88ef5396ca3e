//! Settings from outside the file: `ZAPPA_*` variables and flags.

use std::collections::BTreeMap;

use super::Origin;
use super::error::Problem;
use super::nearest::nearest;
use super::schema::{self, Key, Kind};
use super::tree::{Node, Value};
use super::written::{Given, Layer, give, unknown};
use crate::env;

/// What the environment says: `ZAPPA_MEMORY_SIZE=1024`. An empty variable says nothing.
pub(super) fn from_environment(environment: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> Layer {
    let mut values = Layer::new();
    for (variable, text) in environment {
        let Some(rest) = variable.strip_prefix(env::SETTING_PREFIX) else { continue };
        if text.is_empty() || env::NOT_SETTINGS.contains(&variable.as_str()) {
            continue;
        }
        let origin = Origin::Environment { variable: variable.clone() };
        let name = rest.to_lowercase();
        let given = match schema::find(&name) {
            // It would turn every stage of the file into another one.
            Some(key) if key.name == "extends" => Err("`extends` can only be written in the file".to_owned()),
            Some(key) => typed(key, text).map(|node| (key, node)),
            None => Err(unknown_variable(&name)),
        };
        match given {
            Ok((key, node)) => give(&mut values, key, Given { node, origin }, problems),
            Err(message) => problems.push(Problem::new(&origin, message)),
        }
    }
    values
}

/// What the command line says.
pub(super) fn from_flags(overrides: &[(&'static str, serde_json::Value, String)], problems: &mut Vec<Problem>) -> Layer {
    let mut values = Layer::new();
    for (name, value, flag) in overrides {
        let origin = Origin::Flag { flag: flag.clone() };
        match schema::find(name) {
            Some(key) => give(&mut values, key, Given { node: Node::from_json(value), origin }, problems),
            None => problems.push(Problem::new(&origin, unknown(name))),
        }
    }
    values
}

fn unknown_variable(name: &str) -> String {
    let meant = match nearest(name, schema::keys().map(Key::name)) {
        Some(key) => format!("; did you mean `{}{}`?", env::SETTING_PREFIX, key.to_uppercase()),
        None => "; variables that begin with `ZAPPA_` are settings".to_owned(),
    };
    format!("unknown key `{name}`{meant}")
}

/// `text` as a value of the key's type.
fn typed(key: &Key, text: &str) -> Result<Node, String> {
    let json = || serde_json::from_str::<serde_json::Value>(text).ok();
    let as_text = || Node::placeless(Value::Text(text.to_owned()));
    Ok(match key.kind {
        _ if key.nullable && text == "null" => Node::placeless(Value::Null),
        Kind::Text | Kind::Checked(..) | Kind::Choice(_) => as_text(),
        Kind::Bool => match text.to_lowercase().as_str() {
            "true" | "1" => Node::placeless(Value::Bool(true)),
            "false" | "0" => Node::placeless(Value::Bool(false)),
            _ => as_text(),
        },
        Kind::Integer(..) | Kind::Number(_) => {
            json().filter(serde_json::Value::is_number).map_or_else(as_text, |json| Node::from_json(&json))
        }
        Kind::List(_) | Kind::Map(_) | Kind::NamedMap(..) | Kind::Table(_) => match json() {
            Some(json) => Node::from_json(&json),
            None => return Err(format!("`{}` must be {}, written as JSON", key.name, key.kind.words())),
        },
        Kind::Either(..) | Kind::Any => json().filter(|json| !json.is_string()).map_or_else(as_text, |json| Node::from_json(&json)),
    })
}
