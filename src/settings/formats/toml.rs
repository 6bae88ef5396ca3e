//! TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Lines, SyntaxError};
use crate::settings::tree::{Entry, Node, Value};

pub(super) fn parse(text: &str) -> Result<Vec<Entry>, SyntaxError> {
    let lines = Lines::new(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(entries(table.get_ref(), &lines)),
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            Err(lines.error(offset, error.message().replace('\n', ", ")))
        }
    }
}

fn entries(table: &DeTable<'_>, lines: &Lines<'_>) -> Vec<Entry> {
    table
        .iter()
        .map(|(key, value)| {
            let line = lines.line(key.span().start);
            let mut node = node(value, lines);
            // The span of a table made by `[header]` or `a.b = 1` says little; that of its key is what the user sees.
            if matches!(node.value, Value::Table(_)) {
                node.line = line;
            }
            Entry { key: key.get_ref().to_string(), line, node }
        })
        .collect()
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let line = lines.line(value.span().start);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Float(integer.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        // No key takes a date; inside free tables (`kwargs`) it reaches the function as JSON, which has no dates either.
        DeValue::Datetime(datetime) => Value::Text(datetime.to_string()),
        DeValue::Array(array) => Value::List(array.iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(table) => Value::Table(entries(table, lines)),
    };
    Node { line, value }
}
