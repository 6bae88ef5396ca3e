//! Why settings could not be had, and where.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use super::Origin;
use super::formats::{Format, SyntaxError};
use crate::hint::Hint;

/// Why settings could not be had. All of it is for the user to mend before anything is attempted.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `-C` names no directory.
    #[error("there is no directory `{}`", directory.display())]
    NoDirectory {
        /// As given.
        directory: PathBuf,
    },
    /// No settings file where one is looked for.
    #[error("there is no settings file in `{}`", directory.display())]
    NoFile {
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// More than one settings file.
    #[error("there is more than one settings file: {}", quoted(files.iter().map(|file| file.display())))]
    SeveralFiles {
        /// All of them.
        files: Vec<PathBuf>,
    },
    /// `--settings-file` names a file whose format its name does not tell.
    #[error("`{}` is not the name of a settings file: it ends in none of `.toml`, `.json`, `.yaml` and `.yml`", file.display())]
    UnknownFormat {
        /// As given.
        file: PathBuf,
    },
    /// The file cannot be read.
    #[error("could not read `{}`", file.display())]
    Read {
        /// As opened.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not well-formed.
    #[error("`{}` is not valid {format}: line {}, column {}", file.display(), source.line, source.column)]
    Syntax {
        /// As opened.
        file: PathBuf,
        /// What it was read as.
        format: Format,
        /// What the parser says.
        source: SyntaxError,
    },
    /// The file holds no stage.
    #[error("there is no stage in `{}`", file.display())]
    NoStages {
        /// As opened.
        file: PathBuf,
    },
    /// No stage was asked for and there are several.
    #[error("which stage? `{}` has {}", file.display(), quoted(stages.iter()))]
    StageNotGiven {
        /// As opened.
        file: PathBuf,
        /// All of them.
        stages: Vec<String>,
    },
    /// The stage that was asked for is not there.
    #[error("there is no stage `{stage}` in `{}`", file.display())]
    UnknownStage {
        /// As opened.
        file: PathBuf,
        /// As asked for.
        stage: String,
        /// All there are.
        stages: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// Everything that is wrong with what was written, at once.
    #[error("{}", list(problems))]
    Problems {
        /// In the order of the file; flags and variables last.
        problems: Vec<Problem>,
    },
}

/// One thing that is wrong with what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub at: Origin,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl Problem {
    pub(super) fn new(at: &Origin, message: impl Into<String>) -> Self {
        Self { at: at.clone(), message: message.into() }
    }

    fn rank(&self) -> (u8, u32) {
        match &self.at {
            Origin::File { line, .. } => (0, *line),
            Origin::StageName | Origin::Default => (1, 0),
            Origin::Environment { .. } => (2, 0),
            Origin::Flag { .. } => (3, 0),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            // The stage is not said again: the line tells.
            Origin::File { path, line, stage: _ } => write!(f, "{}:{line}: {}", path.display(), self.message),
            Origin::Environment { variable } => write!(f, "{variable}: {}", self.message),
            Origin::Flag { flag } => write!(f, "{flag}: {}", self.message),
            Origin::StageName | Origin::Default => f.write_str(&self.message),
        }
    }
}

/// As an error, sorted and each only once; nothing if there is nothing.
pub(super) fn refuse(mut problems: Vec<Problem>) -> Result<(), SettingsError> {
    if problems.is_empty() {
        return Ok(());
    }
    // A stage that inherits a mistake has not made it again.
    let mut seen = BTreeSet::new();
    problems.retain(|problem| seen.insert(problem.to_string()));
    problems.sort_by_key(Problem::rank);
    Err(SettingsError::Problems { problems })
}

fn list(problems: &[Problem]) -> String {
    let places: BTreeSet<String> = problems
        .iter()
        .map(|problem| match &problem.at {
            Origin::File { path, .. } => format!("`{}`", path.display()),
            Origin::Environment { .. } => "the environment".to_owned(),
            Origin::Flag { .. } => "the command line".to_owned(),
            Origin::StageName | Origin::Default => "the settings".to_owned(),
        })
        .collect();
    let place = match places.iter().collect::<Vec<_>>().as_slice() {
        [only] => only.as_str(),
        _ => "the settings",
    };
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let mut text = format!("{count} in {place}");
    for problem in problems {
        let _ = write!(text, "\n  {problem}");
    }
    text
}

fn quoted(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let quoted: Vec<String> = items.map(|item| format!("`{item}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

impl Hint for SettingsError {
    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NoDirectory { .. } | Self::Read { .. } | Self::Problems { .. } => return Vec::new(),
            Self::NoFile { .. } => {
                "write one with `zappa init`, or name it with `--settings-file`; the stage `local` needs none: `zappa deploy local`"
                    .to_owned()
            }
            Self::SeveralFiles { .. } => "remove all but one, or say which with `--settings-file`".to_owned(),
            Self::UnknownFormat { .. } => "give the file the extension of its format".to_owned(),
            // What the older tool's reader takes beyond that, `#` and bare words, ends here.
            Self::Syntax { format: Format::Json, source, .. } if source.message.starts_with("unexpected") => {
                "comments begin with `//`, and texts stand in double quotes".to_owned()
            }
            Self::Syntax { .. } => return Vec::new(),
            Self::NoStages { .. } => {
                "add a table for the first one (`[dev]` in TOML), or let `zappa init --force` write the file".to_owned()
            }
            Self::StageNotGiven { .. } => "name the stage behind the command".to_owned(),
            Self::UnknownStage { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownStage { nearest: None, stages, .. } => match stages.as_slice() {
                [] => return Vec::new(),
                [only] => format!("the stage of this file is `{only}`"),
                several => format!("the stages of this file are {}", quoted(several.iter())),
            },
        };
        vec![hint]
    }

    fn is_input(&self) -> bool {
        true
    }
}
