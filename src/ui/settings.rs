//! What `zappa settings` prints: every value and where it came from. The text is TOML, the places are comments.

use serde_json::{Map, Value, json};

use crate::settings::{ResolvedValue, Settings, groups};

/// Comments of longer lines stand behind them instead of below the others.
const WIDEST: usize = 60;

/// For programs.
#[must_use]
pub fn document(settings: &Settings) -> Value {
    let values: Map<String, Value> =
        settings.values.iter().map(|value| (value.key.to_owned(), json!({ "value": value.shown(), "origin": value.origin }))).collect();
    json!({
        "stage": settings.id.stage,
        "target": settings.target,
        "function_name": settings.id.function_name(),
        "file": settings.file,
        "settings": values,
    })
}

/// For people. With `unset`, keys that nobody set and that have no default are named too.
#[must_use]
pub fn text(settings: &Settings, unset: bool) -> String {
    let stage = settings.id.stage.as_str();
    let mut lines = vec![format!("# function {}", settings.id.function_name()), format!("[{stage}]")];
    for group in groups() {
        let values: Vec<&ResolvedValue> = group
            .keys
            .iter()
            .filter_map(|key| settings.values.iter().find(|value| value.key == key.name()))
            .filter(|value| unset || !value.value.is_null())
            .collect();
        if values.is_empty() {
            continue;
        }
        lines.push(format!("\n# {}", group.title));
        let widest_key = values.iter().map(|value| value.key.len()).max().unwrap_or_default();
        let assignments: Vec<String> = values.iter().map(|value| assignment(value, widest_key)).collect();
        let width = assignments.iter().map(|line| line.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or_default();
        for (value, line) in values.iter().zip(assignments) {
            lines.push(format!("{line:<width$}  # {}", value.origin.words(stage)));
        }
    }
    lines.join("\n")
}

fn assignment(value: &ResolvedValue, width: usize) -> String {
    match value.shown() {
        Value::Null => format!("# {:<width$} is unset", value.key),
        shown => format!("{:<width$} = {}", value.key, toml_value(&shown)),
    }
}

/// A value as TOML writes it on one line.
fn toml_value(value: &Value) -> String {
    match value {
        // TOML has no null; inside of `kwargs` there may be one all the same.
        Value::Null => "\"\"".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => toml_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let entries: Vec<String> = object.iter().map(|(key, value)| format!("{} = {}", toml_key(key), toml_value(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn toml_key(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { toml_text(key) }
}

/// On one line, whatever is in it: JSON's escapes are TOML's, but for the delete character, which JSON leaves as it is.
fn toml_text(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
