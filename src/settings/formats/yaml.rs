//! YAML 1.2, plus the merge key `<<` that files written for PyYAML use to share what stages have in common.

use saphyr::{LoadableYamlNode as _, MarkedYaml, Scalar, YamlData};

use super::{SyntaxError, number, twice};
use crate::settings::tree::{Entry, Node, Value};

pub(super) fn parse(text: &str) -> Result<Vec<Entry>, SyntaxError> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| SyntaxError {
        line: number(error.marker().line()),
        column: number(error.marker().col() + 1),
        message: error.info().to_owned(),
    })?;
    match documents.as_slice() {
        [] => Ok(Vec::new()),
        [document] => match node(document)?.value {
            Value::Table(entries) => Ok(entries),
            Value::Null => Ok(Vec::new()),
            _ => Err(error_at(document, "the file must hold one mapping of stages: `dev:`")),
        },
        [_, second, ..] => Err(error_at(second, "the file must hold one document, not several")),
    }
}

fn node(yaml: &MarkedYaml<'_>) -> Result<Node, SyntaxError> {
    let value = match &yaml.data {
        YamlData::Value(Scalar::Null) => Value::Null,
        YamlData::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        YamlData::Value(Scalar::Integer(value)) => Value::Integer(*value),
        YamlData::Value(Scalar::FloatingPoint(value)) => Value::Float(value.into_inner()),
        YamlData::Value(Scalar::String(text)) => Value::Text(text.to_string()),
        YamlData::Representation(text, _, _) => Value::Text(text.to_string()),
        YamlData::Sequence(items) => Value::List(items.iter().map(node).collect::<Result<_, _>>()?),
        YamlData::Mapping(mapping) => Value::Table(entries(mapping.iter())?),
        YamlData::Tagged(_, inner) => return node(inner),
        YamlData::Alias(_) => return Err(error_at(yaml, "an alias that refers to itself")),
        YamlData::BadValue => return Err(error_at(yaml, "a value that does not fit its tag")),
    };
    Ok(Node { line: line(yaml), value })
}

fn entries<'y, 'i: 'y>(mapping: impl Iterator<Item = (&'y MarkedYaml<'i>, &'y MarkedYaml<'i>)>) -> Result<Vec<Entry>, SyntaxError> {
    let mut own: Vec<Entry> = Vec::new();
    let mut merged: Vec<Entry> = Vec::new();
    for (key, value) in mapping {
        let name = match &key.data {
            YamlData::Value(Scalar::String(text)) => text.to_string(),
            // A variable's name or a stage may look like a number or a truth value.
            YamlData::Value(Scalar::Integer(value)) => value.to_string(),
            YamlData::Value(Scalar::Boolean(value)) => value.to_string(),
            _ => return Err(error_at(key, "a key must be text")),
        };
        let node = node(value)?;
        if name == "<<" {
            match node.value {
                Value::Table(entries) => merged.extend(entries),
                Value::List(items) => merged.extend(items.into_iter().flat_map(|item| item.entries().to_vec())),
                _ => return Err(error_at(value, "`<<` takes a mapping or a list of mappings")),
            }
        } else if own.iter().any(|entry| entry.key == name) {
            return Err(error_at(key, &twice(&name)));
        } else {
            own.push(Entry { key: name, line: line(key), node });
        }
    }
    // What stands in the mapping itself wins, then the first of the merged ones.
    for entry in merged {
        if !own.iter().any(|present| present.key == entry.key) {
            own.push(entry);
        }
    }
    Ok(own)
}

fn line(yaml: &MarkedYaml<'_>) -> u32 {
    number(yaml.span.start.line())
}

fn error_at(yaml: &MarkedYaml<'_>, message: &str) -> SyntaxError {
    SyntaxError { line: line(yaml), column: number(yaml.span.start.col() + 1), message: message.to_owned() }
}
