//! Why a project could not be understood, and what to do about it.

use std::path::PathBuf;

use super::app::{Candidate, Rejected};
use crate::hint::Hint;

/// Why a project could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// There is no such directory.
    #[error("could not look at the project in `{}`", path.display())]
    Root {
        /// As given.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// No Python at all.
    #[error("there is no `python3` on `PATH`, and no virtual environment in the project")]
    NoPython,
    /// What was named is not there.
    #[error("{found_by} names `{}`, which does not exist", path.display())]
    NoInterpreter {
        /// As named.
        path: PathBuf,
        /// Who named it.
        found_by: String,
    },
    /// An environment without a working interpreter.
    #[error("the environment `{}` ({found_by}) has no interpreter: it is not an environment, or the Python that it was made with is gone", path.display())]
    BrokenEnvironment {
        /// The directory.
        path: PathBuf,
        /// Who named it.
        found_by: String,
    },
    /// The interpreter does not start.
    #[error("could not run `{}`", executable.display())]
    Start {
        /// The interpreter.
        executable: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The interpreter does not answer.
    #[error("`{}` does not answer", executable.display())]
    Hangs {
        /// The interpreter.
        executable: PathBuf,
    },
    /// The interpreter answers something else.
    #[error("`{}` could not be asked about itself and the project:\n{output}", executable.display())]
    Probe {
        /// The interpreter.
        executable: PathBuf,
        /// The end of what it wrote.
        output: String,
    },
    /// A Python that the shim does not run on.
    #[error("`{}` ({found_by}) is Python {version}: 3.9 is the oldest that can be deployed", executable.display())]
    TooOld {
        /// The interpreter.
        executable: PathBuf,
        /// Its version.
        version: String,
        /// How it was found.
        found_by: String,
    },
    /// PyPy and others, which Lambda does not have.
    #[error("`{}` is {implementation}: Lambda runs CPython", executable.display())]
    NotCPython {
        /// The interpreter.
        executable: PathBuf,
        /// As it names itself.
        implementation: String,
    },
    /// Neither environment nor list.
    #[error("there is no virtual environment in `{}`, and no file that lists dependencies", root.display())]
    NoDependencies {
        /// The project.
        root: PathBuf,
    },
    /// Nothing to serve was found.
    #[error("no app was found in the project{}", also(rejected))]
    NoApp {
        /// What looked like one.
        rejected: Vec<Rejected>,
    },
    /// Several apps, none of them likelier than the others.
    #[error("several apps could be meant:{}", list(candidates))]
    ManyApps {
        /// All of them.
        candidates: Vec<Candidate>,
    },
    /// The settings name a module that is not there.
    #[error("`{key}` names `{name}`, but there is no module `{module}` in the project or its environment")]
    NoModule {
        /// `app_function` or `django_settings`.
        key: &'static str,
        /// As written.
        name: String,
        /// The module part.
        module: String,
        /// A module of the project that may be meant.
        nearest: Option<String>,
    },
}

fn place(file: &str, line: u32) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}") }
}

fn also(rejected: &[Rejected]) -> String {
    rejected.iter().map(|found| format!("\n  {}: {}", place(&found.file, found.line), found.reason)).collect()
}

fn list(candidates: &[Candidate]) -> String {
    candidates.iter().map(|found| format!("\n  `{}` in {}", found.app, place(&found.file, found.line))).collect()
}

impl Hint for ProjectError {
    fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            Self::Root { .. } => &["`-C DIR` names the project's directory"],
            Self::NoPython => &["install Python 3.9 or newer, or name an interpreter with `--python`"],
            Self::NoInterpreter { .. } => &["name an interpreter or an environment's directory with `--python`"],
            Self::BrokenEnvironment { .. } => {
                &["make it anew (`python3 -m venv --clear …`, then install the dependencies), or choose another with `--python`"]
            }
            Self::Start { .. } | Self::Hangs { .. } | Self::Probe { .. } => &["choose another interpreter with `--python`"],
            Self::TooOld { .. } | Self::NotCPython { .. } => {
                &["make the environment with CPython 3.9 or newer, or choose another with `--python`"]
            }
            Self::NoDependencies { .. } => &[
                "make an environment and install what the app needs: `python3 -m venv .venv && .venv/bin/pip install …`",
                "or write a `requirements.txt` (an empty one if the app needs nothing)",
            ],
            Self::NoApp { .. } => &[
                "looked for `Flask(…)`, factories such as `create_app`, `manage.py`, and functions of `(environ, start_response)`",
                "name the app in the settings: `app_function = \"module:callable\"` or `django_settings = \"package.settings\"`",
            ],
            Self::ManyApps { .. } => &[
                "name the one that is meant in the settings: `app_function = \"module:callable\"` or `django_settings = \"package.settings\"`",
            ],
            Self::NoModule { nearest: Some(nearest), .. } => return vec![format!("did you mean `{nearest}`?")],
            Self::NoModule { nearest: None, .. } => &["modules are looked for relative to the project's directory (`-C DIR`)"],
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }

    fn is_input(&self) -> bool {
        true
    }
}
