//! Why a project could not be understood, and what to do about it.

use std::path::PathBuf;

use crate::hint::Hint;
use crate::model::OLDEST_PYTHON_MINOR;

/// Why a project could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The directory given is not there or cannot be entered.
    #[error("could not open the project's directory `{}`", path.display())]
    Root {
        /// As given.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something else is there.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// As given.
        path: PathBuf,
    },
    /// `--python` leads nowhere.
    #[error("there is no interpreter or environment `{}`, which `--python` names", given.display())]
    NoSuchPython {
        /// As given.
        given: PathBuf,
    },
    /// A variable or flag names a directory that is no environment.
    #[error("`{}`, which {found_by} names, is not a Python environment", directory.display())]
    NotAnEnvironment {
        /// The directory.
        directory: PathBuf,
        /// Flag or variable.
        found_by: String,
    },
    /// An environment without a working interpreter.
    #[error("the Python environment `{}` is broken: its interpreter `{}` is gone", directory.display(), interpreter.display())]
    BrokenEnvironment {
        /// The environment.
        directory: PathBuf,
        /// What is missing: the end of a dangling link, if there is one.
        interpreter: PathBuf,
    },
    /// An environment whose interpreter has been upgraded under it.
    #[error("the Python environment `{}` was made for Python {made_for} but its interpreter is {version} now", directory.display())]
    StaleEnvironment {
        /// The environment.
        directory: PathBuf,
        /// `3.N` of `pyvenv.cfg`.
        made_for: String,
        /// What it is now.
        version: String,
    },
    /// Dependencies are listed, but nothing can install them.
    #[error("no Python interpreter was found on `PATH`")]
    NoInterpreter,
    /// An interpreter that cannot be used, and why.
    #[error("cannot use the interpreter `{}` ({found_by}): {reason}", executable.display())]
    Unsuitable {
        /// Which.
        executable: PathBuf,
        /// How it was found.
        found_by: String,
        /// Too old, or not CPython.
        reason: String,
    },
    /// The program could not be started.
    #[error("could not start the interpreter `{}`", executable.display())]
    Start {
        /// Which.
        executable: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The program did not end.
    #[error("the interpreter `{}` did not answer within {seconds} seconds", executable.display())]
    InterpreterHangs {
        /// Which.
        executable: PathBuf,
        /// How long it had.
        seconds: u64,
    },
    /// The program failed.
    #[error("the interpreter `{}` failed ({status}): {said}", executable.display())]
    InterpreterFailed {
        /// Which.
        executable: PathBuf,
        /// Exit code or signal.
        status: String,
        /// The end of its standard error.
        said: String,
    },
    /// The program ended well without saying what it was asked.
    #[error("`{}` did not answer as a Python interpreter does: {said}", executable.display())]
    NoAnswer {
        /// Which.
        executable: PathBuf,
        /// What it said instead.
        said: String,
    },
    /// The answer cannot be read.
    #[error("could not understand what the interpreter `{}` said about itself", executable.display())]
    Answer {
        /// Which.
        executable: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// Neither an environment nor a list of dependencies.
    #[error("no Python environment and no list of dependencies in `{}`", root.display())]
    NoDependencies {
        /// The project's root.
        root: PathBuf,
        /// What was found that is not enough, and how it becomes enough.
        near: Option<String>,
    },
    /// A file of the project could not be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `pyproject.toml` is not TOML.
    #[error("could not parse `{}`", path.display())]
    Pyproject {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// An editable install that no directory layout can express.
    #[error("the editable install of `{distribution}` shows `{}` under another name, `{module}`", path.display())]
    RenamedEditable {
        /// Which distribution.
        distribution: String,
        /// The name that is imported.
        module: String,
        /// Where it is.
        path: PathBuf,
    },
    /// `app_function` without a callable, or not a dotted name.
    #[error("`{app}` does not name an app")]
    AppShape {
        /// As written.
        app: String,
    },
    /// The module is nowhere.
    #[error("there is no module `{module}`, which `{setting} = \"{app}\"` names")]
    NoModule {
        /// `app_function` or `django_settings`.
        setting: &'static str,
        /// As written.
        app: String,
        /// Its module.
        module: String,
        /// The nearest one that exists.
        nearest: Option<String>,
    },
    /// Nothing that looks like an app.
    #[error("no Flask, Django or other WSGI app was found in `{}`", root.display())]
    NoApp {
        /// The project's root.
        root: PathBuf,
        /// What looked like one, and why it is none: `file:line: reason`.
        rejected: Vec<String>,
    },
    /// Several apps, none of them more likely than the others.
    #[error("more than one app was found:{}", list(candidates))]
    AmbiguousApp {
        /// What to write for each, and where it is.
        candidates: Vec<super::Candidate>,
    },
}

fn list(candidates: &[super::Candidate]) -> String {
    candidates.iter().map(|candidate| format!("\n  {candidate}")).collect()
}

impl Hint for ProjectError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Root { .. } | Self::NotADirectory { .. } => vec!["name the project's directory with `-C DIR`".to_owned()],
            Self::NoSuchPython { .. } => {
                vec![
                    "name an interpreter (`--python python3.12`, `--python .venv/bin/python`) or an environment (`--python .venv`)"
                        .to_owned(),
                ]
            }
            Self::NotAnEnvironment { found_by, .. } if found_by.starts_with("`--") => {
                vec!["make it with `python3 -m venv DIR`, or name another".to_owned()]
            }
            Self::NotAnEnvironment { .. } => {
                vec!["leave it with `deactivate`, or make it again with `python3 -m venv DIR`; `--python PATH` overrides it".to_owned()]
            }
            Self::BrokenEnvironment { directory, .. } | Self::StaleEnvironment { directory, .. } => {
                let directory = directory.display();
                vec![format!(
                    "make it again: `python3 -m venv --clear {directory}`, then install the project's dependencies; or name another with `--python PATH`"
                )]
            }
            Self::NoInterpreter => {
                vec![format!("install Python 3.{OLDEST_PYTHON_MINOR} or newer, or name an interpreter with `--python PATH`")]
            }
            Self::Unsuitable { .. } | Self::NoAnswer { .. } => {
                vec![format!("name CPython 3.{OLDEST_PYTHON_MINOR} or newer with `--python PATH`")]
            }
            Self::Start { .. } | Self::InterpreterHangs { .. } | Self::InterpreterFailed { .. } => {
                vec!["try it by hand with `-I -c pass`; another interpreter can be named with `--python PATH`".to_owned()]
            }
            Self::NoDependencies { near, .. } => {
                let mut hints = vec![
                    "make an environment: `python3 -m venv .venv`, then `.venv/bin/pip install` what the app needs".to_owned(),
                    "or list what the app needs in `requirements.txt` (an empty file if it needs nothing)".to_owned(),
                ];
                hints.extend(near.clone());
                hints
            }
            Self::RenamedEditable { distribution, .. } => {
                vec![format!("install `{distribution}` without `-e`, or give its directory the name that is imported")]
            }
            Self::AppShape { .. } => {
                vec!["write `app_function = \"module:callable\"`, or `\"module:factory()\"` for a function that makes the app".to_owned()]
            }
            Self::NoModule { nearest: Some(nearest), .. } => vec![format!("did you mean `{nearest}`?")],
            Self::NoModule { .. } => vec!["modules are looked up from the project's directory; `-C DIR` names another".to_owned()],
            Self::NoApp { rejected, .. } => {
                let mut hints: Vec<String> = rejected.iter().map(|what| format!("not taken: {what}")).collect();
                hints.push(
                    "looked for `Flask(...)`, functions that return one, `manage.py`, and callables with `(environ, start_response)`"
                        .to_owned(),
                );
                hints.push(
                    "name the app: `zappa init --app module:callable`, or `app_function = \"module:callable\"` in zappa_settings.toml"
                        .to_owned(),
                );
                hints
            }
            Self::AmbiguousApp { candidates } => {
                let example = candidates.first().map(|first| (first.setting_line(), first.flag()));
                example
                    .map(|(line, flag)| vec![format!("choose one: `{line}` in zappa_settings.toml, or `zappa init {flag}`")])
                    .unwrap_or_default()
            }
            Self::Answer { .. } | Self::Read { .. } | Self::Pyproject { .. } => Vec::new(),
        }
    }

    fn is_input(&self) -> bool {
        !matches!(
            self,
            Self::Start { .. } | Self::InterpreterHangs { .. } | Self::InterpreterFailed { .. } | Self::Answer { .. } | Self::Read { .. }
        )
    }
}
