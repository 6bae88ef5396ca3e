//! The types that keys have, and how they are put into words.

/// What a value must look like.
#[derive(Debug, Clone, Copy)]
pub(in crate::settings) enum Kind {
    /// `true` or `false`.
    Bool,
    /// Both ends included.
    Integer(i64, i64),
    /// One of these numbers.
    Number(&'static [f64]),
    /// Any text.
    Text,
    /// Text that a function accepts; the first part is what to call it.
    Checked(&'static str, fn(&str) -> Result<(), String>),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of one kind.
    List(&'static Kind),
    /// Free names, values of one kind.
    Map(&'static Kind),
    /// As [`Self::Map`]; the function checks the names.
    NamedMap(fn(&str) -> Result<(), String>, &'static Kind),
    /// Known names.
    Table(&'static [Field]),
    /// One or the other.
    Either(&'static Kind, &'static Kind),
    /// Anything.
    Any,
}

/// A name in a table that has known names.
#[derive(Debug, Clone, Copy)]
pub(in crate::settings) struct Field {
    pub(in crate::settings) name: &'static str,
    pub(in crate::settings) kind: Kind,
    pub(in crate::settings) required: bool,
    /// Known, but refused by this version.
    pub(in crate::settings) not_yet: bool,
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: false, not_yet: false }
    }

    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) const fn not_yet(self) -> Self {
        Self { not_yet: true, ..self }
    }
}

impl Kind {
    /// `a whole number from 1 to 900`: what follows "must be".
    pub(in crate::settings) fn words(&self) -> String {
        match self {
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Integer(least, i64::MAX) => format!("a whole number from {least}"),
            Self::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Self::Number(allowed) => one_of(allowed.iter()),
            Self::Text => "text".to_owned(),
            Self::Checked(words, _) => (*words).to_owned(),
            Self::Choice(allowed) => one_of(allowed.iter().map(|word| format!("\"{word}\""))),
            Self::List(Self::Table(fields)) => format!("a list of tables with {}", names(fields)),
            Self::List(Self::Map(_)) => "a list of tables".to_owned(),
            Self::List(Self::Any) => "a list".to_owned(),
            Self::List(item @ Self::Choice(_)) => format!("a list of any of {}", item.words().replace(" or ", ", ")),
            Self::List(item) => format!("a list of {}", item.words()),
            Self::Map(Self::Any) => "a table".to_owned(),
            Self::Map(value) | Self::NamedMap(_, value) => format!("a table of names and {}", value.words()),
            Self::Table(fields) => format!("a table with {}", names(fields)),
            Self::Either(first, second) => format!("{}, or {}", first.words(), second.words()),
            Self::Any => "anything".to_owned(),
        }
    }
}

fn names(fields: &[Field]) -> String {
    let quoted: Vec<String> = fields.iter().filter(|field| !field.not_yet).map(|field| format!("`{}`", field.name)).collect();
    quoted.join(", ")
}

fn one_of(items: impl Iterator<Item = impl ToString>) -> String {
    let quoted: Vec<String> = items.map(|item| format!("`{}`", item.to_string())).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
