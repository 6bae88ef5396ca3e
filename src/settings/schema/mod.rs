//! The one table of settings keys: name, type, allowed values, default, one sentence, and what becomes of it.
//!
//! Everything that knows about keys (checks, environment variables, defaults, `zappa settings`, `settings.example.toml`) reads it from here.
//! The names and their meaning are zappa/Zappa's, except for the group of our own.

mod application;
mod function;
mod gateway;
mod kind;
mod packaging;
mod project;
mod triggers;
mod words;

pub(super) use function::EFS_MOUNT_PATH;
pub(super) use kind::{Field, Kind};
pub(super) use words::{runtime, schedule_name, stage_name};

use serde_json::Value;

/// Keys that belong together, in the order in which they are shown.
#[derive(Debug)]
pub struct Group {
    /// Its heading.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) preset: Preset,
    pub(super) support: Support,
    pub(super) secret: bool,
    /// Null is a value of its own, not the absence of one.
    pub(super) nullable: bool,
    doc: &'static str,
    example: &'static str,
}

/// What holds where nobody says anything.
#[derive(Debug, Clone, Copy)]
pub(super) enum Preset {
    /// Nothing.
    Unset,
    /// A JSON literal.
    Json(&'static str),
    /// Depends on the project or stage; the text says how.
    Derived(&'static str),
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Support {
    /// It means the same on every target.
    Everywhere,
    /// It is checked and shown, and has no effect on the local target.
    AwsOnly,
    /// It is refused unless it says what holds anyway: its default or one of `inert` (JSON literals).
    NotYet {
        inert: &'static [&'static str],
        /// What to do instead; may be empty.
        instead: &'static str,
    },
    /// Another name, from earlier versions, of the key named here.
    Alias(&'static str),
}

/// Every group, in the order in which they are shown.
#[must_use]
pub fn groups() -> &'static [Group] {
    &[
        Group { title: "Application", keys: application::KEYS },
        Group { title: "Project, target and account", keys: project::KEYS },
        Group { title: "Permissions of the function", keys: project::ROLE_KEYS },
        Group { title: "Function", keys: function::KEYS },
        Group { title: "Environment variables", keys: function::ENVIRONMENT_KEYS },
        Group { title: "Packaging", keys: packaging::KEYS },
        Group { title: "Front door", keys: gateway::DOOR_KEYS },
        Group { title: "API Gateway", keys: gateway::KEYS },
        Group { title: "Domain and certificate", keys: gateway::DOMAIN_KEYS },
        Group { title: "Health check", keys: triggers::CHECK_KEYS },
        Group { title: "Schedules and events", keys: triggers::KEYS },
        Group { title: "Asynchronous tasks", keys: triggers::TASK_KEYS },
    ]
}

/// Every key, in the order in which they are shown.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    groups().iter().flat_map(|group| group.keys)
}

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}

impl Key {
    const fn new(name: &'static str, kind: Kind, preset: Preset, example: &'static str, doc: &'static str) -> Self {
        Self { name, kind, preset, support: Support::Everywhere, secret: false, nullable: false, doc, example }
    }

    const fn aws(self) -> Self {
        Self { support: Support::AwsOnly, ..self }
    }

    const fn not_yet(self, inert: &'static [&'static str], instead: &'static str) -> Self {
        Self { support: Support::NotYet { inert, instead }, ..self }
    }

    const fn alias_of(self, name: &'static str) -> Self {
        Self { support: Support::Alias(name), ..self }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// As written in a settings file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One or two sentences.
    #[must_use]
    pub fn doc(&self) -> &'static str {
        self.doc
    }

    /// A value that any settings file may hold, as TOML writes it.
    #[must_use]
    pub fn example(&self) -> &'static str {
        self.example
    }

    /// What it takes, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        let mut words = self.kind.words();
        if self.nullable {
            words.push_str(" (or null, where the format has it)");
        }
        words
    }

    /// The default, in words or as a literal; `None`: unset.
    #[must_use]
    pub fn default_words(&self) -> Option<&'static str> {
        match self.preset {
            Preset::Unset => None,
            Preset::Json(literal) => Some(literal),
            Preset::Derived(words) => Some(words),
        }
    }

    /// Where it has an effect, in words.
    #[must_use]
    pub fn support_words(&self) -> Option<String> {
        match self.support {
            Support::Everywhere => None,
            Support::AwsOnly => Some("No effect on the local target.".to_owned()),
            Support::NotYet { instead: "", .. } => Some("Known, but not supported yet.".to_owned()),
            Support::NotYet { instead, .. } => Some(format!("Known, but not supported yet: {instead}.")),
            Support::Alias(name) => Some(format!("Old name of `{name}`.")),
        }
    }

    /// Whether its values are kept from every output.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// The same key under another of its names.
    pub(super) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The default, where it does not depend on anything.
    pub(super) fn preset_value(&self) -> Value {
        match self.preset {
            // The literals are part of the program; a test loads every one of them.
            Preset::Json(literal) => serde_json::from_str(literal).unwrap_or_default(),
            Preset::Unset | Preset::Derived(_) => Value::Null,
        }
    }

    /// For a key that is not supported yet: the values that are accepted because they ask for nothing.
    pub(super) fn inert_values(&self) -> Vec<Value> {
        let Support::NotYet { inert, instead: _ } = self.support else { return Vec::new() };
        let preset = self.preset_value();
        let others = inert.iter().filter_map(|literal| serde_json::from_str(literal).ok());
        std::iter::once(preset).filter(|value| !value.is_null()).chain(others).collect()
    }
}
