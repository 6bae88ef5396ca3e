//! The app: found by reading the project's syntax trees (`scan.py`), or checked if the settings name it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DependencySource, Interpreter, ProjectError, python};
use crate::settings::AppSetting;

const SCAN: &str = include_str!("scan.py");
/// Files in which apps are usually made, the usual one first.
const USUAL: [&str; 5] = ["app.py", "wsgi.py", "main.py", "application.py", "__init__.py"];
/// Below this, two names have nothing to do with each other.
const ALIKE: f64 = 0.7;

/// Something that can be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// What it is.
    pub kind: CandidateKind,
    /// `module:callable`, `module:factory()`, or a Django settings module.
    pub app: String,
    /// The file that says so, relative to the root, `/`-separated.
    pub file: String,
    /// 1-based; 0 where the file as a whole says so.
    pub line: u32,
    /// Whether it stands among tests.
    pub test: bool,
}

/// What an app is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CandidateKind {
    /// A settings module.
    Django,
    /// `Flask(...)`, or a factory that returns one.
    Flask,
    /// Any other WSGI callable.
    Wsgi,
}

/// Something that looks like an app but cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Relative to the root.
    pub file: String,
    /// 1-based; 0 for the file as a whole.
    pub line: u32,
    /// Why.
    pub reason: String,
}

/// The answer of `scan.py`.
#[derive(Debug, Deserialize)]
pub(super) struct Scan {
    pub(super) candidates: Vec<Candidate>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) modules: Vec<String>,
}

impl Candidate {
    /// As the settings name it.
    #[must_use]
    pub fn setting(&self) -> AppSetting {
        match self.kind {
            CandidateKind::Django => AppSetting::Django(self.app.clone()),
            CandidateKind::Flask | CandidateKind::Wsgi => AppSetting::Function(self.app.clone()),
        }
    }

    /// Smaller is likelier: what is tested with comes last, then the framework counts, then the file.
    fn rank(&self) -> (bool, CandidateKind, usize, usize) {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        let usual = USUAL.iter().position(|usual| *usual == name).unwrap_or(USUAL.len());
        // `manage.py` is what Django's own commands go by.
        let usual = if name == "manage.py" { 0 } else { usual + 1 };
        (self.test, self.kind, usual, self.file.matches('/').count())
    }
}

/// Directories from which the project's modules are imported: linked sources, `src`, the root.
pub(super) fn search_paths(root: &Path, dependencies: Option<&DependencySource>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if let Some(DependencySource::Environment(installed)) = dependencies {
        paths.extend(installed.linked.iter().map(|link| link.directory.clone()));
    } else if root.join("src").is_dir() && root.join("pyproject.toml").is_file() {
        paths.push(root.join("src"));
    }
    paths.push(root.to_owned());
    paths
}

/// Reads the project's syntax trees.
pub(super) fn scan(root: &Path, paths: &[PathBuf], interpreter: &Interpreter) -> Result<Scan, ProjectError> {
    let request = json!({ "root": root, "paths": paths }).to_string();
    python::run(&interpreter.executable, &["-I", "-S", "-c", SCAN, &request])
}

/// The likeliest first.
pub(super) fn ranked(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_key(Candidate::rank);
    candidates
}

/// The one app that there can be no doubt about, of `candidates` as [`Survey`](super::Survey) orders them.
#[must_use]
pub fn chosen(candidates: &[Candidate]) -> Option<&Candidate> {
    match candidates {
        [first] if !first.test => Some(first),
        [first, second, ..] if !first.test && first.rank() < second.rank() => Some(first),
        _ => None,
    }
}

/// As [`chosen`], with what is wrong.
pub(super) fn choose(scan: Scan) -> Result<AppSetting, ProjectError> {
    let candidates = ranked(scan.candidates);
    match chosen(&candidates) {
        Some(candidate) => Ok(candidate.setting()),
        None if candidates.is_empty() => Err(ProjectError::NoApp { rejected: scan.rejected }),
        None => Err(ProjectError::ManyApps { candidates }),
    }
}

/// Refuses an app whose module is nowhere to be found. What is still to be installed from a list cannot be looked into.
pub(super) fn check(
    app: &AppSetting,
    root: &Path,
    paths: &[PathBuf],
    dependencies: &DependencySource,
    interpreter: &Interpreter,
) -> Result<(), ProjectError> {
    let (key, name) = match app {
        AppSetting::Function(function) => ("app_function", function.as_str()),
        AppSetting::Django(module) => ("django_settings", module.as_str()),
    };
    let module = match app {
        AppSetting::Django(_) => name,
        AppSetting::Function(_) => {
            name.split_once(':').or_else(|| name.trim_end_matches("()").rsplit_once('.')).map_or(name, |(module, _)| module)
        }
    };
    let relative = module.split('.').collect::<PathBuf>();
    let is_there = |directory: &PathBuf| {
        let path = directory.join(&relative);
        path.is_dir() || path.with_file_name(format!("{}.py", relative.file_name().unwrap_or_default().to_string_lossy())).is_file()
    };
    let installed = match dependencies {
        DependencySource::Environment(installed) => installed.site_packages.as_slice(),
        DependencySource::File { .. } => &[],
    };
    // A compiled module or one inside an archive is for the interpreter to find; only what has no directory at all is surely wrong.
    if paths.iter().chain(installed).any(is_there) {
        return Ok(());
    }
    let known = scan(root, paths, interpreter)?.modules;
    let nearest = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&known, module), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known);
    Err(ProjectError::NoModule { key, name: name.to_owned(), module: module.to_owned(), nearest })
}
