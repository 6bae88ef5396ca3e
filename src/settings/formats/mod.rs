//! TOML, JSON and YAML into the same tree. Knows nothing of stages and keys.

mod json;
mod toml;
mod yaml;

use std::fmt;
use std::path::Path;

use super::tree::Entry;

/// How a settings file is written; its extension decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.toml`
    Toml,
    /// `.json`, with comments and trailing commas (zappa/Zappa reads it as Hjson).
    Json,
    /// `.yaml`, `.yml`
    Yaml,
}

/// Where a file stops being well-formed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// What the parser says. Never an excerpt of the file: there are secrets in it.
    pub message: String,
}

impl Format {
    /// The format of a file with this name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The top level of `text`.
    pub(super) fn parse(self, text: &str) -> Result<Vec<Entry>, SyntaxError> {
        // An editor on Windows may have put a byte order mark there.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self {
            Self::Toml => toml::parse(text),
            Self::Json => json::parse(text),
            Self::Yaml => yaml::parse(text),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}

/// Byte offsets to lines and columns.
struct Lines<'t> {
    text: &'t str,
    /// Offset of each line's first byte.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    fn line(&self, offset: usize) -> u32 {
        number(self.starts.partition_point(|start| *start <= offset))
    }

    fn error(&self, offset: usize, message: impl Into<String>) -> SyntaxError {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        SyntaxError { line: number(line), column: number(column), message: message.into() }
    }
}

/// A line or column as it is kept everywhere else; a file of four thousand million lines is cut short.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// What every format says about a key that comes twice.
fn twice(key: &str) -> String {
    format!("the key `{key}` stands twice in the same table")
}
