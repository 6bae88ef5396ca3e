//! JSON with comments, trailing commas and the other liberties that zappa/Zappa's Hjson reader takes and existing files use.

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{Lines, SyntaxError, number, twice};
use crate::settings::tree::{Entry, Node, Value};

pub(super) fn parse(text: &str) -> Result<Vec<Entry>, SyntaxError> {
    let lines = Lines::new(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default()).map_err(|error| SyntaxError {
        line: number(error.line_display()),
        column: number(error.column_display()),
        message: lower_first(&error.kind().to_string()),
    })?;
    match parsed.value {
        None => Ok(Vec::new()),
        Some(value) => match node(&value, &lines)? {
            Node { value: Value::Table(entries), .. } => Ok(entries),
            Node { .. } => Err(lines.error(value.range().start, "the file must hold one object: `{\"dev\": {...}}`")),
        },
    }
}

fn node(value: &Ast<'_>, lines: &Lines<'_>) -> Result<Node, SyntaxError> {
    let line = lines.line(value.range().start);
    let value = match value {
        Ast::StringLit(text) => Value::Text(text.value.to_string()),
        Ast::NumberLit(literal) => number_value(literal.value),
        Ast::BooleanLit(literal) => Value::Bool(literal.value),
        Ast::NullKeyword(_) => Value::Null,
        Ast::Array(array) => Value::List(array.elements.iter().map(|item| node(item, lines)).collect::<Result<_, _>>()?),
        Ast::Object(object) => {
            let mut entries: Vec<Entry> = Vec::new();
            for property in &object.properties {
                let key = match &property.name {
                    ObjectPropName::String(literal) => literal.value.to_string(),
                    ObjectPropName::Word(literal) => literal.value.to_owned(),
                };
                let offset = property.range.start;
                if entries.iter().any(|entry| entry.key == key) {
                    return Err(lines.error(offset, twice(&key)));
                }
                entries.push(Entry { key, line: lines.line(offset), node: node(&property.value, lines)? });
            }
            Value::Table(entries)
        }
    };
    Ok(Node { line, value })
}

fn number_value(literal: &str) -> Value {
    let unsigned = literal.strip_prefix('+').unwrap_or(literal);
    let hexadecimal = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"));
    match hexadecimal.map_or_else(|| unsigned.parse(), |digits| i64::from_str_radix(digits, 16)) {
        Ok(integer) => Value::Integer(integer),
        Err(_) => Value::Float(unsigned.parse().unwrap_or(f64::NAN)),
    }
}

fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
