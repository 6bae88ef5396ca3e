//! Why `zappa init` ended without a settings file, and what to do about it.

use std::path::PathBuf;

use super::file::SETTINGS_FILE;
use crate::hint::Hint;
use crate::model::InvalidValue;

/// Why `zappa init` ended without a settings file.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is one.
    #[error("`{}` exists", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// `--settings-file` names another format.
    #[error("`{}` is not a name for the file to write: it is going to be TOML", path.display())]
    NotToml {
        /// As given.
        path: PathBuf,
    },
    /// A flag or variable holds what cannot be a name or region.
    #[error("the value of `{from}` cannot be used")]
    Value {
        /// What is wrong with it.
        source: InvalidValue,
        /// Flag or variable that it came from.
        from: &'static str,
    },
    /// The file could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The terminal failed.
    #[error("could not ask on the terminal")]
    Ask {
        /// Why.
        source: std::io::Error,
    },
}

impl Hint for InitError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Exists { path } => {
                vec![format!("edit `{}`; or let `zappa init --force` write a new {SETTINGS_FILE}", path.display())]
            }
            Self::NotToml { .. } => vec!["let the name end with `.toml`".to_owned()],
            Self::Ask { .. } => vec!["`--yes` asks nothing".to_owned()],
            Self::Value { .. } | Self::Write { .. } => Vec::new(),
        }
    }

    fn is_input(&self) -> bool {
        !matches!(self, Self::Write { .. } | Self::Ask { .. })
    }
}
