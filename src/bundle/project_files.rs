//! The project's own files: everything below its root except what no deployment needs or may hold.
//!
//! `.gitignore` plays no part: what is built (style sheets, translations) is often ignored by git and yet needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::archive::UNFINISHED;
use super::cache::Known;
use super::rules::{IGNORE_FILE, IgnoreFiles, Rules, ancestors};
use super::walk::{self, Candidate};
use super::{BundleError, By, Entry, Part, REPORT_HEAD, Skipped, Source};

/// Directories left out wherever they are, and what they are.
const DIRECTORIES: [(&str, &str); 21] = [
    (".bzr", VERSION_CONTROL),
    (".eggs", CACHE),
    (".hg", VERSION_CONTROL),
    (".hypothesis", CACHE),
    (".idea", EDITOR),
    (".ipynb_checkpoints", CACHE),
    (".jj", VERSION_CONTROL),
    (".mypy_cache", CACHE),
    (".nox", CACHE),
    (".pyre", CACHE),
    (".pytest_cache", CACHE),
    (".pytype", CACHE),
    (".ruff_cache", CACHE),
    (".svn", VERSION_CONTROL),
    (".tox", CACHE),
    (".vscode", EDITOR),
    (".zappa", "state of the local target"),
    ("CVS", VERSION_CONTROL),
    ("__pycache__", BYTE_CODE),
    ("_darcs", VERSION_CONTROL),
    ("node_modules", "packages of Node.js"),
];

const SECRETS: &str = "secrets of this machine";
const VERSION_CONTROL: &str = "version control";
const CACHE: &str = "a cache";
const EDITOR: &str = "settings of an editor";
const BYTE_CODE: &str = "byte code";
const VIRTUAL_ENVIRONMENT: &str = "a virtual environment";

/// What makes a project's defaults its own.
pub(super) struct ProjectTraits<'a> {
    /// What is known of the files.
    pub(super) known: &'a Known,
    /// The slug of project and stage: what archives are named after.
    pub(super) function_name: String,
    /// Files and directories that are certainly no part of the project: the active environment, the cache, the settings file, the output.
    pub(super) apart: BTreeMap<PathBuf, &'static str>,
}

/// Decides about one tree of the project's own code.
pub(super) struct ProjectRules<'a> {
    traits: &'a ProjectTraits<'a>,
    rules: &'a Rules,
    /// What paths are relative to in the bundle; empty for the project's root.
    prefix: String,
    ignore_files: IgnoreFiles,
    /// Directories that a default leaves out, entered only for what `include` wants.
    entered: BTreeMap<String, &'static str>,
    by_include: BTreeSet<String>,
    skipped: Vec<Skipped>,
    directories: Vec<PathBuf>,
}

/// What a tree holds for the bundle.
pub(super) struct Collected {
    pub(super) entries: Vec<Entry>,
    pub(super) skipped: Vec<Skipped>,
    /// Directories that were entered, the outermost one too.
    pub(super) directories: Vec<PathBuf>,
}

impl<'a> ProjectRules<'a> {
    /// For a tree that goes to `prefix` of the bundle.
    pub(super) fn new(traits: &'a ProjectTraits<'a>, rules: &'a Rules, prefix: &str) -> Self {
        Self {
            traits,
            rules,
            prefix: prefix.to_owned(),
            ignore_files: IgnoreFiles::default(),
            entered: BTreeMap::new(),
            by_include: BTreeSet::new(),
            skipped: Vec::new(),
            directories: Vec::new(),
        }
    }

    /// Walks the tree at `root`.
    pub(super) fn collect(mut self, root: &Path, reason: &str) -> Result<Collected, BundleError> {
        self.directories.push(root.to_owned());
        self.ignore_files.load(root, "")?;
        let found = walk::walk(root, self.traits.known, &mut |candidate| self.decide(candidate))?;
        let entries = found
            .into_iter()
            .map(|file| Entry {
                reason: if self.by_include.contains(&file.relative) { "`include`".to_owned() } else { reason.to_owned() },
                path: self.in_bundle(&file.relative),
                part: Part::App,
                size: file.size,
                executable: file.executable,
                source: Source::File(file.path),
                digest: file.digest,
            })
            .collect();
        Ok(Collected { entries, skipped: self.skipped, directories: self.directories })
    }

    fn in_bundle(&self, relative: &str) -> String {
        if self.prefix.is_empty() { relative.to_owned() } else { format!("{}/{relative}", self.prefix) }
    }

    fn decide(&mut self, candidate: &Candidate<'_>) -> Result<bool, BundleError> {
        let Candidate { relative, name, is_directory, path, .. } = *candidate;
        let in_bundle = self.in_bundle(relative);
        let by_user = self.rules.excluded(&in_bundle, name).or_else(|| self.ignore_files.excluded(relative, is_directory));
        if let Some((by, reason)) = by_user {
            self.skip(candidate, by, &reason);
            return Ok(false);
        }
        let inherited = ancestors(relative).skip(1).find_map(|above| self.entered.get(above).copied());
        if let Some(reason) = inherited.or_else(|| self.default_reason(candidate)) {
            if is_directory && self.rules.may_include_below(&in_bundle) {
                if inherited.is_none() {
                    self.skip(candidate, By::Default, &format!("{reason}, but for `include`"));
                }
                self.entered.insert(relative.to_owned(), reason);
            } else if !is_directory && self.rules.included(&in_bundle) {
                self.by_include.insert(relative.to_owned());
            } else {
                if inherited.is_none() {
                    self.skip(candidate, By::Default, reason);
                }
                return Ok(false);
            }
        }
        if is_directory {
            self.directories.push(path.to_owned());
            self.ignore_files.load(path, relative)?;
        }
        Ok(true)
    }

    fn skip(&mut self, candidate: &Candidate<'_>, by: By, reason: &str) {
        let path = self.in_bundle(candidate.relative);
        self.skipped.push(candidate.skipped(path, Part::App, by, reason.to_owned()));
    }

    /// Why a file or directory stays out if nobody says otherwise.
    fn default_reason(&self, candidate: &Candidate<'_>) -> Option<&'static str> {
        if let Some(reason) = self.traits.apart.get(candidate.path) {
            return Some(reason);
        }
        let at_root = self.prefix.is_empty() && !candidate.relative.contains('/');
        if candidate.is_directory {
            return default_directory(candidate, at_root);
        }
        self.default_file(candidate.name, at_root).or_else(|| is_report(candidate).then_some("a report of this tool"))
    }

    fn default_file(&self, name: &str, at_root: bool) -> Option<&'static str> {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        match name {
            _ if name.starts_with(".git") => Some(VERSION_CONTROL),
            ".hgignore" | ".hgtags" => Some(VERSION_CONTROL),
            ".DS_Store" | "Thumbs.db" => Some("of a file manager"),
            _ if is_of_an_editor(name) => Some("a temporary file of an editor"),
            ".env" | ".envrc" => Some(SECRETS),
            _ if name.starts_with(".env.") => Some(SECRETS),
            IGNORE_FILE => Some("settings of this tool"),
            _ if name.starts_with("zappa_settings.") => Some("settings of this tool"),
            _ if matches!(extension, Some("pyc" | "pyo")) => Some(BYTE_CODE),
            _ if extension == Some("egg-info") => Some(METADATA),
            // Left behind by a run that was killed while it wrote.
            _ if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) => Some("an unfinished archive of this tool"),
            _ if at_root && self.is_archive(name) => Some("an archive of this tool"),
            _ => None,
        }
    }

    /// `shop-prod.zip`, `shop-prod-dependencies.zip`, and what zappa/Zappa leaves behind: `shop-prod-1719999999.zip`, `handler_shop-prod-1719999999.zip`, `.tar.gz`.
    fn is_archive(&self, name: &str) -> bool {
        let name = name.strip_prefix("handler_").unwrap_or(name);
        let Some(stem) = name.strip_suffix(".zip").or_else(|| name.strip_suffix(".tar.gz")) else { return false };
        let Some(rest) = stem.strip_prefix(&self.traits.function_name) else { return false };
        let is_time = |time: &str| !time.is_empty() && time.bytes().all(|b| b.is_ascii_digit());
        rest.is_empty() || rest == "-dependencies" || rest.strip_prefix('-').is_some_and(is_time)
    }
}

/// A page about an earlier bundle, wherever it was put: with it in the bundle, looking at one would make the next one another.
fn is_report(candidate: &Candidate<'_>) -> bool {
    let mut head = [0; REPORT_HEAD.len()];
    candidate.name.ends_with(".html")
        && File::open(candidate.path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head == REPORT_HEAD.as_bytes()
}

/// What editors put beside a file while it is open or being saved: Vim, Emacs, Kate, JetBrains, GLib.
fn is_of_an_editor(name: &str) -> bool {
    let hidden = name.starts_with('.');
    name == "4913"
        || name.ends_with('~')
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || (hidden && [".swp", ".swo", ".swx", ".kate-swp"].iter().any(|end| name.ends_with(end)))
        || name.starts_with(".goutputstream-")
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
}

const METADATA: &str = "packaging metadata of the project";

fn default_directory(candidate: &Candidate<'_>, at_root: bool) -> Option<&'static str> {
    let Candidate { name, path, .. } = *candidate;
    if let Some((_, reason)) = DIRECTORIES.iter().find(|(directory, _)| *directory == name) {
        return Some(reason);
    }
    if name.starts_with(".git") {
        return Some(VERSION_CONTROL);
    }
    if name.ends_with(".egg-info") {
        return Some(METADATA);
    }
    if at_root && name == "handler_venv" {
        return Some("left behind by zappa/Zappa");
    }
    if path.join("pyvenv.cfg").is_file() || path.join("conda-meta").is_dir() {
        return Some(VIRTUAL_ENVIRONMENT);
    }
    (name == ".env").then_some(SECRETS)
}
