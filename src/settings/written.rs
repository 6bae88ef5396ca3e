//! A settings file as written: its stages, each key checked by itself. What a stage means only follows from all of them (`resolve`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::check::{check, sound_part};
use super::error::Problem;
use super::nearest::{did_you_mean, nearest};
use super::schema::{self, Key, Support};
use super::tree::{Entry, Node, Value};
use super::{LOCAL, Origin};

/// A value that somebody gave, fit to be used.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) node: Node,
    pub(super) origin: Origin,
}

/// What one table, the environment or the command line says, by key; other names of a key are already replaced by its own.
pub(super) type Layer = BTreeMap<&'static str, Given>;

/// One stage's table.
#[derive(Debug)]
pub(super) struct WrittenStage {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) values: Layer,
}

impl WrittenStage {
    /// The stage that it inherits from, as named.
    pub(super) fn extends(&self) -> Option<(&str, &Origin)> {
        let given = self.values.get("extends")?;
        given.node.as_text().filter(|text| !text.is_empty()).map(|text| (text, &given.origin))
    }
}

/// All stages of a file; without a file there may be the stage `local` alone.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) file: Option<PathBuf>,
    pub(super) stages: Vec<WrittenStage>,
}

impl Written {
    /// Reads the top level of a file.
    pub(super) fn from_entries(path: &Path, entries: &[Entry], problems: &mut Vec<Problem>) -> Self {
        let mut stages = Vec::new();
        for entry in entries {
            let origin = Origin::File { path: path.to_owned(), line: entry.line, stage: entry.key.clone() };
            match &entry.node.value {
                // `dev:` and nothing below it.
                Value::Table(_) | Value::Null => {
                    if let Err(message) = schema::stage_name(&entry.key) {
                        problems.push(Problem::new(&origin, message));
                    }
                    let values = stage_values(&origin, entry.node.entries(), problems);
                    stages.push(WrittenStage { name: entry.key.clone(), origin, values });
                }
                _ => {
                    let known =
                        schema::find(&entry.key).map(|_| " is a setting and belongs in the table of a stage, such as `[dev]`").unwrap_or(
                            " is not a table; every key at the top of the file is the name of a stage, and its value the stage's settings",
                        );
                    problems.push(Problem::new(&origin, format!("`{}`{known}", entry.key)));
                }
            }
        }
        let written = Self { file: Some(path.to_owned()), stages };
        written.check_inheritance(problems);
        written
    }

    /// Adds the stage `local`, which nobody has to write: what the first stage says, on this machine.
    pub(super) fn imply_local(&mut self) {
        let given = |text: &str| Given { node: Node::placeless(Value::Text(text.to_owned())), origin: Origin::StageName };
        let mut values = Layer::new();
        if let Some(base) = self.stages.first() {
            values.insert("extends", given(&base.name));
        }
        self.stages.push(WrittenStage { name: LOCAL.to_owned(), origin: Origin::StageName, values });
    }

    /// The stage itself, then what it inherits from, nearest first. Ends where a name leads nowhere or back.
    pub(super) fn chain<'w>(&'w self, stage: &'w WrittenStage) -> Vec<&'w WrittenStage> {
        let mut chain = vec![stage];
        let mut next = stage.extends();
        while let Some(parent) = next.and_then(|(name, _)| self.stage(name)) {
            if chain.iter().any(|earlier| earlier.name == parent.name) {
                break;
            }
            chain.push(parent);
            next = parent.extends();
        }
        chain
    }

    /// The stage of that name.
    pub(super) fn stage(&self, name: &str) -> Option<&WrittenStage> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The names of all stages, in the order of the file.
    pub(super) fn names(&self) -> Vec<String> {
        self.stages.iter().map(|stage| stage.name.clone()).collect()
    }

    /// The stage that was probably meant by `name`.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        nearest(name, self.stages.iter().map(|stage| stage.name.as_str())).map(str::to_owned)
    }

    fn check_inheritance(&self, problems: &mut Vec<Problem>) {
        for stage in &self.stages {
            let Some((name, origin)) = stage.extends() else { continue };
            if self.stage(name).is_none() {
                let others = self.stages.iter().map(|other| other.name.as_str()).filter(|other| *other != stage.name);
                let meant = did_you_mean(name, others);
                problems.push(Problem::new(origin, format!("`extends` names the stage `{name}`, which is not in this file{meant}")));
                continue;
            }
            let chain = self.chain(stage);
            let returns = chain.last().and_then(|last| last.extends()).is_some_and(|(back, _)| back == stage.name);
            // A circle is reported once, at its first stage in the file.
            let first = self.stages.iter().find(|other| chain.iter().any(|member| member.name == other.name));
            if returns && first.is_some_and(|first| first.name == stage.name) {
                let mut circle: Vec<String> = chain.iter().map(|member| format!("`{}`", member.name)).collect();
                circle.push(format!("`{}`", stage.name));
                problems.push(Problem::new(origin, format!("circular `extends`: {}", circle.join(" → "))));
            }
        }
    }
}

fn stage_values(stage: &Origin, entries: &[Entry], problems: &mut Vec<Problem>) -> Layer {
    let mut values = Layer::new();
    for entry in entries {
        let origin = stage.at_line(entry.line);
        let Some(key) = schema::find(&entry.key) else {
            problems.push(Problem::new(&origin, unknown(&entry.key)));
            continue;
        };
        give(&mut values, key, Given { node: entry.node.clone(), origin }, problems);
    }
    values
}

/// What is said about a key that the schema does not have.
pub(super) fn unknown(name: &str) -> String {
    format!("unknown key `{name}`{}", did_you_mean(name, schema::keys().map(Key::name)))
}

/// Checks a value and puts what is sound of it where it belongs.
pub(super) fn give(values: &mut Layer, key: &'static Key, given: Given, problems: &mut Vec<Problem>) {
    let Given { node, origin } = given;
    let meant = match key.support {
        Support::Alias(name) => schema::find(name).unwrap_or(key),
        Support::Everywhere | Support::AwsOnly | Support::NotYet { .. } => key,
    };
    if values.contains_key(meant.name) {
        problems.push(Problem::new(&origin, format!("`{}` is given twice: under another name too", meant.name)));
        return;
    }
    // What is said about the value uses the name that was written.
    let named = meant.named(key.name);
    let sound = if check(&named, &node, &origin, problems) { Some(node) } else { sound_part(&named, &node, &origin) };
    if let Some(node) = sound {
        values.insert(meant.name, Given { node, origin });
    }
}
