//! The app: what the settings name is looked up loosely, what they leave open is found by reading syntax trees. Never imports the project's code.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{DependencySource, Interpreter, LinkedSource, ProjectError, python};
use crate::settings::AppSetting;

const SCAN: &str = include_str!("scan.py");
/// Files that customarily hold the app, the likeliest first. A package's `__init__.py` is the last of them.
const FILES: [&str; 5] = ["app.py", "wsgi.py", "main.py", "application.py", "__init__.py"];
/// Names that the app customarily has, the likeliest first.
const NAMES: [&str; 4] = ["app", "application", "create_app()", "make_app()"];
/// How alike two names must be for "did you mean" (1: equal).
const ALIKE: f64 = 0.6;

/// What kind of app was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppKind {
    /// `Flask(...)`, or a function that returns one.
    Flask,
    /// A Django project, by its settings module.
    Django,
    /// Any other WSGI callable.
    Wsgi,
}

impl fmt::Display for AppKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flask => "Flask",
            Self::Django => "Django",
            Self::Wsgi => "WSGI",
        })
    }
}

/// An app that was found in the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// As settings would name it.
    pub app: AppSetting,
    /// What it is.
    pub kind: AppKind,
    /// The file that says so, relative to the root, `/`-separated.
    pub file: String,
    /// 1-based; 0 where the whole file says it.
    pub line: u32,
    /// Found among the tests.
    #[serde(skip)]
    test: bool,
}

impl Candidate {
    /// The line to write into the settings file.
    #[must_use]
    pub fn setting_line(&self) -> String {
        match &self.app {
            AppSetting::Function(app) => format!("app_function = \"{app}\""),
            AppSetting::Django(module) => format!("django_settings = \"{module}\""),
        }
    }

    /// The flag of `zappa init` that chooses it.
    #[must_use]
    pub fn flag(&self) -> String {
        match &self.app {
            AppSetting::Function(app) => format!("--app '{app}'"),
            AppSetting::Django(module) => format!("--django-settings {module}"),
        }
    }

    /// `app.py:3`
    #[must_use]
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) }
    }

    /// The smaller, the likelier. What is equal here is equally likely.
    fn rank(&self) -> (bool, bool, usize, usize, usize) {
        let file = self.file.rsplit('/').next().unwrap_or_default();
        match &self.app {
            // `manage.py` stands where the app of another framework would stand in `app.py`.
            AppSetting::Django(_) if self.file == "manage.py" => (false, false, 0, 0, 0),
            AppSetting::Django(module) => (self.test, file != "wsgi.py", module.matches('.').count(), 1, 0),
            AppSetting::Function(app) => {
                let (module, name) = app.split_once(':').unwrap_or((app, ""));
                let position = FILES.iter().position(|known| *known == file);
                let name = NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len());
                (self.test, position.is_none(), module.matches('.').count(), position.unwrap_or(FILES.len()), name)
            }
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}, {})", self.setting_line(), self.kind, self.place())
    }
}

/// What was found in a project.
#[derive(Debug, Clone)]
pub struct Apps {
    /// The likeliest first, those among tests last.
    pub candidates: Vec<Candidate>,
    /// What looks like an app but cannot be served, as `file:line: reason`.
    pub rejected: Vec<String>,
    modules: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    candidates: Vec<Found>,
    rejected: Vec<Rejected>,
    modules: Vec<String>,
}

#[derive(Deserialize)]
struct Found {
    kind: AppKind,
    app: String,
    file: String,
    line: u32,
    test: bool,
}

#[derive(Deserialize)]
struct Rejected {
    file: String,
    line: u32,
    reason: String,
}

/// Finds every app of the project. `linked` are directories on `sys.path`, of which those inside the project decide under which name a module is
/// imported (`src/shop/app.py` is `shop.app` if `src` is among them).
pub fn find_apps(root: &Path, interpreter: &Interpreter, linked: &[LinkedSource]) -> Result<Apps, ProjectError> {
    let inside = linked.iter().map(|link| link.directory.as_path()).filter(|directory| directory.starts_with(root));
    let paths: Vec<&Path> = inside.chain([root]).collect();
    let request = serde_json::json!({ "root": root, "paths": paths }).to_string();
    let answer: Answer = python::run_script(interpreter, SCAN, &request, root)?;
    let mut candidates: Vec<Candidate> = answer.candidates.into_iter().map(Candidate::from).collect();
    candidates.sort_by(|a, b| a.rank().cmp(&b.rank()).then_with(|| a.file.cmp(&b.file)));
    let rejected = answer.rejected.into_iter().map(|rejected| match rejected {
        Rejected { file, line: 0, reason } => format!("{file}: {reason}"),
        Rejected { file, line, reason } => format!("{file}:{line}: {reason}"),
    });
    Ok(Apps { candidates, rejected: rejected.collect(), modules: answer.modules })
}

impl From<Found> for Candidate {
    fn from(found: Found) -> Self {
        let app = if found.kind == AppKind::Django { AppSetting::Django(found.app) } else { AppSetting::Function(found.app) };
        Self { app, kind: found.kind, file: found.file, line: found.line, test: found.test }
    }
}

impl Apps {
    /// The app that is meant, if one of them is likelier than all others.
    pub fn choose(&self, root: &Path) -> Result<&Candidate, ProjectError> {
        let Some(best) = self.candidates.first() else {
            return Err(ProjectError::NoApp { root: root.to_owned(), rejected: self.rejected.clone() });
        };
        if self.candidates.get(1).is_some_and(|second| second.rank() == best.rank()) {
            let candidates = self.candidates.iter().filter(|other| other.test == best.test).cloned().collect();
            return Err(ProjectError::AmbiguousApp { candidates });
        }
        Ok(best)
    }

    /// The module of the project that `module` is probably a misspelling of.
    fn nearest(&self, module: &str) -> Option<String> {
        let tail = format!(".{module}");
        if let Some(deeper) = self.modules.iter().find(|known| known.ends_with(&tail)) {
            return Some(deeper.clone());
        }
        let alike = self.modules.iter().map(|known| (strsim::normalized_damerau_levenshtein(known, module), known));
        alike.filter(|(score, _)| *score >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known.clone())
    }
}

/// Checks that the module of `app` exists where the deployed app would look for it. What it holds is only known once it is imported.
pub(super) fn check(app: &AppSetting, root: &Path, interpreter: &Interpreter, source: &DependencySource) -> Result<(), ProjectError> {
    let (setting, text, module) = match app {
        AppSetting::Function(text) => ("app_function", text, module_of(text)),
        AppSetting::Django(text) => ("django_settings", text, Some(text.as_str()).filter(|text| is_dotted(text))),
    };
    let module = module.ok_or_else(|| ProjectError::AppShape { app: text.clone() })?;
    let linked = source.linked(root);
    let mut directories = vec![root.to_owned()];
    directories.extend(linked.iter().map(|link| link.directory.clone()));
    if let DependencySource::Environment(installed) = source {
        directories.extend(installed.site_packages.iter().cloned());
    }
    let top = module.split('.').next().unwrap_or(module);
    // The one WSGI app of the standard library is in `wsgiref`.
    if exists(module, &directories) || top == "wsgiref" {
        return Ok(());
    }
    let nearest = find_apps(root, interpreter, &linked)?.nearest(module);
    let may_come_later = matches!(source, DependencySource::File { .. }) && nearest.is_none() && !exists(top, &directories);
    if may_come_later {
        return Ok(()); // A distribution that is not installed yet may hold it.
    }
    Err(ProjectError::NoModule { setting, app: text.clone(), module: module.to_owned(), nearest })
}

/// The module of `module:callable`, `module.callable` or `module:factory()`.
fn module_of(app: &str) -> Option<&str> {
    let name = app.split('(').next().unwrap_or(app);
    let (module, callable) = name.split_once(':').or_else(|| name.rsplit_once('.'))?;
    (is_dotted(module) && is_dotted(callable)).then_some(module)
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        let first = part.chars().next();
        first.is_some_and(|c| c.is_alphabetic() || c == '_') && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

fn exists(module: &str, directories: &[PathBuf]) -> bool {
    let relative: PathBuf = module.split('.').collect();
    directories.iter().map(|directory| directory.join(&relative)).any(|path| path.is_dir() || has_file(&path))
}

/// `app.py`, `app.pyc` or an extension module such as `app.cpython-312-x86_64-linux-gnu.so`.
fn has_file(path: &Path) -> bool {
    if path.with_added_extension("py").is_file() {
        return true;
    }
    let (Some(parent), Some(stem)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else { return false };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| {
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| ["so", "pyd", "pyc"].iter().any(|end| rest == *end || rest.ends_with(&format!(".{end}"))))
    })
}
