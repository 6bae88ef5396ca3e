//! One value against the schema. What is found is added to a list, so that one run shows everything.

use super::Origin;
use super::error::Problem;
use super::nearest::did_you_mean;
use super::schema::{Field, Key, Kind, Support};
use super::tree::{Node, Value};

/// Checks `node` as the value of `key`; whether it is fit to be used.
pub(super) fn check(key: &Key, node: &Node, origin: &Origin, problems: &mut Vec<Problem>) -> bool {
    let mut checker = Checker { origin, secret: key.secret, problems, sound: true };
    let written = node.to_json();
    if written == key.preset_value() || (node.is_unset() && key.preset_value().is_null()) || (key.nullable && written.is_null()) {
        return true;
    }
    match key.support {
        Support::NotYet { inert: _, instead } => {
            let inert = key.inert_values();
            if !inert.contains(&written) {
                let way_out = match inert.first() {
                    Some(value) => format!("remove it or set it to `{value}`"),
                    None => "remove it".to_owned(),
                };
                let instead = if instead.is_empty() { String::new() } else { format!(" ({instead})") };
                checker.add(node, format!("`{}` is known but not supported yet; {way_out}{instead}", key.name));
            }
        }
        Support::Everywhere | Support::AwsOnly | Support::Alias(_) => checker.value(key.name, &key.kind, node),
    }
    checker.sound
}

/// What is left of a value that is not sound: the items of a list that are, so that checks across items still see them.
pub(super) fn sound_part(key: &Key, node: &Node, origin: &Origin) -> Option<Node> {
    let (Kind::List(kind), Value::List(items)) = (&key.kind, &node.value) else { return None };
    let is_sound = |item: &&Node| {
        let mut checker = Checker { origin, secret: key.secret, problems: &mut Vec::new(), sound: true };
        checker.value(key.name, kind, item);
        checker.sound
    };
    Some(Node { line: node.line, value: Value::List(items.iter().filter(is_sound).cloned().collect()) })
}

struct Checker<'a> {
    origin: &'a Origin,
    /// Whether values must not be shown.
    secret: bool,
    problems: &'a mut Vec<Problem>,
    sound: bool,
}

impl Checker<'_> {
    fn add(&mut self, node: &Node, message: String) {
        self.add_at(node.line, message);
    }

    fn add_at(&mut self, line: u32, message: String) {
        self.sound = false;
        self.problems.push(Problem::new(&self.origin.at_line(line), message));
    }

    /// `name` is the dotted path from the key on.
    fn value(&mut self, name: &str, kind: &Kind, node: &Node) {
        match (kind, &node.value) {
            (Kind::Any, _) | (Kind::Bool, Value::Bool(_)) | (Kind::Text, Value::Text(_)) => {}
            (Kind::Integer(least, most), Value::Integer(value)) if (least..=most).contains(&value) => {}
            (Kind::Number(allowed), Value::Integer(_) | Value::Float(_)) if allowed.iter().any(|number| is_number(node, *number)) => {}
            (Kind::Choice(allowed), Value::Text(text)) if allowed.contains(&text.as_str()) => {}
            (Kind::Checked(_, check), Value::Text(text)) => {
                match check(text) {
                    Ok(()) => {}
                    // What is wrong with a secret is said without it.
                    Err(_) if self.secret => self.mismatch(name, kind, node),
                    Err(message) => self.add(node, format!("`{name}`: {message}")),
                }
            }
            (Kind::List(item), Value::List(items)) => {
                for (index, node) in items.iter().enumerate() {
                    self.value(&format!("{name}[{index}]"), item, node);
                }
            }
            (Kind::Map(value), Value::Table(entries)) => {
                for entry in entries {
                    self.value(&format!("{name}.{}", entry.key), value, &entry.node);
                }
            }
            (Kind::NamedMap(check, value), Value::Table(entries)) => {
                for entry in entries {
                    if let Err(message) = check(&entry.key) {
                        self.add_at(entry.line, format!("`{name}`: {message}"));
                    }
                    self.value(&format!("{name}.{}", entry.key), value, &entry.node);
                }
            }
            (Kind::Table(fields), Value::Table(_)) => self.table(name, fields, node),
            (Kind::Either(first, second), _) if first.resembles(&node.value) || second.resembles(&node.value) => {
                self.value(name, if first.resembles(&node.value) { first } else { second }, node);
            }
            _ => self.mismatch(name, kind, node),
        }
    }

    fn table(&mut self, name: &str, fields: &[Field], node: &Node) {
        for entry in node.entries() {
            match fields.iter().find(|field| field.name == entry.key) {
                Some(field) if field.not_yet => {
                    if entry.node.value != Value::Null {
                        self.add_at(entry.line, format!("`{name}.{}` is known but not supported yet; remove it", entry.key));
                    }
                }
                // A field that may be left out may as well say null.
                Some(field) if entry.node.value == Value::Null && !field.required => {}
                Some(field) => self.value(&format!("{name}.{}", entry.key), &field.kind, &entry.node),
                None => {
                    let meant = did_you_mean(&entry.key, fields.iter().map(|field| field.name));
                    let known = if meant.is_empty() { format!("; it takes {}", field_names(fields)) } else { meant };
                    self.add_at(entry.line, format!("unknown key `{}` in `{name}`{known}", entry.key));
                }
            }
        }
        for field in fields.iter().filter(|field| field.required && !node.entries().iter().any(|entry| entry.key == field.name)) {
            self.add(node, format!("`{name}` needs `{}`", field.name));
        }
    }

    fn mismatch(&mut self, name: &str, kind: &Kind, node: &Node) {
        let found = found(node, self.secret);
        let advice = match (kind, &node.value) {
            (Kind::Choice(allowed), Value::Text(text)) => did_you_mean(text, allowed.iter().copied()),
            (Kind::Text | Kind::Checked(..), Value::Integer(_) | Value::Float(_) | Value::Bool(_)) => "; put it in quotes".to_owned(),
            (Kind::Bool, Value::Text(text)) if ["true", "false"].contains(&text.to_lowercase().as_str()) => {
                "; write it without quotes".to_owned()
            }
            (Kind::Integer(..), Value::Text(text)) if text.parse::<i64>().is_ok() => "; write it without quotes".to_owned(),
            _ => String::new(),
        };
        self.add(node, format!("`{name}` must be {}, not {found}{advice}", kind.words()));
    }
}

impl Kind {
    /// Whether `value` is of this kind's sort, right or wrong in its details: which of two kinds a mistake is reported against.
    fn resembles(&self, value: &Value) -> bool {
        match self {
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Integer(..) => matches!(value, Value::Integer(_)),
            Self::Number(_) => matches!(value, Value::Integer(_) | Value::Float(_)),
            Self::Choice(allowed) => matches!(value, Value::Text(text) if allowed.contains(&text.as_str())),
            Self::Text | Self::Checked(..) => matches!(value, Value::Text(_)),
            Self::List(_) => matches!(value, Value::List(_)),
            Self::Map(_) | Self::NamedMap(..) | Self::Table(_) => matches!(value, Value::Table(_)),
            Self::Either(first, second) => first.resembles(value) || second.resembles(value),
            Self::Any => true,
        }
    }
}

fn is_number(node: &Node, number: f64) -> bool {
    node.to_json().as_f64().is_some_and(|value| (value - number).abs() < f64::EPSILON)
}

fn found(node: &Node, secret: bool) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Bool(_) if secret => "a truth value".to_owned(),
        Value::Integer(_) | Value::Float(_) if secret => "a number".to_owned(),
        Value::Text(_) if secret => "this text".to_owned(),
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => format!("`{}`", node.to_json()),
    }
}

fn field_names(fields: &[Field]) -> String {
    fields.iter().filter(|field| !field.not_yet).map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ")
}
