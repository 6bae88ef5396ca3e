//! The user's say about what goes in: `exclude`, `exclude_glob` and `include` of the settings, and `.zappaignore` files.

use std::collections::BTreeMap;
use std::path::Path;

use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::{BundleError, By};
use crate::observe::Observer;
use crate::settings::Packaging;

/// Name of the file with rules in gitignore syntax.
pub(super) const IGNORE_FILE: &str = ".zappaignore";

/// The patterns of one settings key, compiled.
struct Patterns {
    set: GlobSet,
    written: Vec<String>,
}

impl Patterns {
    fn new(key: &'static str, written: &[String]) -> Result<Self, BundleError> {
        let mut set = GlobSetBuilder::new();
        for pattern in written {
            let wrong = |source| BundleError::Pattern { key, pattern: pattern.clone(), source };
            let relative = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
            set.add(GlobBuilder::new(relative).literal_separator(true).backslash_escape(true).build().map_err(wrong)?);
        }
        let set = set.build().map_err(|source| BundleError::Pattern { key, pattern: written.join("`, `"), source })?;
        Ok(Self { set, written: written.to_vec() })
    }

    fn matching(&self, path: &str) -> Option<&str> {
        let index = *self.set.matches_candidate(&Candidate::new(path)).first()?;
        self.written.get(index).map(String::as_str)
    }
}

/// `exclude`, `exclude_glob` and `include`, for project and dependencies alike: paths are relative to the bundle's root.
pub(super) struct Rules {
    exclude: Patterns,
    exclude_glob: Patterns,
    include: Patterns,
    /// For each `include`, the directories before its first wildcard: only there can it match.
    include_prefixes: Vec<String>,
}

impl Rules {
    /// Compiles what the settings say.
    pub(super) fn new(packaging: &Packaging, observer: &dyn Observer) -> Result<Self, BundleError> {
        for pattern in packaging.exclude.iter().filter(|pattern| pattern.trim_end_matches('/').contains('/')) {
            observer.warn(&format!("`exclude` is compared with names, never with paths: `{pattern}` matches nothing (use `exclude_glob`)"));
        }
        let globs = [("exclude_glob", &packaging.exclude_glob), ("include", &packaging.include)];
        for (key, pattern) in globs.iter().flat_map(|(key, patterns)| patterns.iter().map(move |pattern| (key, pattern))) {
            if Path::new(pattern).has_root() || pattern.starts_with("../") {
                observer.warn(&format!("`{key}` is relative to the project's root: `{pattern}` matches nothing"));
            }
        }
        Ok(Self {
            exclude: Patterns::new("exclude", &packaging.exclude)?,
            exclude_glob: Patterns::new("exclude_glob", &packaging.exclude_glob)?,
            include: Patterns::new("include", &packaging.include)?,
            include_prefixes: packaging.include.iter().map(|pattern| literal_prefix(pattern)).collect(),
        })
    }

    /// Why the user wants this out, if so.
    pub(super) fn excluded(&self, relative: &str, name: &str) -> Option<(By, String)> {
        let key = |key: &'static str, pattern: &str| (By::Setting(key), format!("`{key}` has `{pattern}`"));
        let by_name = self.exclude.matching(name).map(|pattern| key("exclude", pattern));
        by_name.or_else(|| self.exclude_glob.matching(relative).map(|pattern| key("exclude_glob", pattern)))
    }

    /// Whether the user wants this in, whatever the defaults say. A pattern that names a directory means all that is in it.
    pub(super) fn included(&self, relative: &str) -> bool {
        !self.include_prefixes.is_empty() && ancestors(relative).any(|path| self.include.matching(path).is_some())
    }

    /// Whether something in a directory may be wanted in by `include`.
    pub(super) fn may_include_below(&self, directory: &str) -> bool {
        let inside = format!("{directory}/");
        self.include_prefixes.iter().any(|prefix| prefix.is_empty() || prefix.starts_with(&inside) || inside.starts_with(prefix.as_str()))
            || self.included(directory)
    }
}

/// `a/b/c`, `a/b`, `a`.
pub(super) fn ancestors(relative: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(relative), |path| path.rsplit_once('/').map(|(above, _)| above))
}

fn literal_prefix(pattern: &str) -> String {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let literal = pattern.find(['*', '?', '[', '{', '\\']).map_or(pattern, |wildcard| &pattern[..wildcard]);
    literal.rfind('/').map(|slash| literal[..=slash].to_owned()).unwrap_or_default()
}

/// All `.zappaignore` files come upon so far, by the directory that they stand in.
#[derive(Default)]
pub(super) struct IgnoreFiles {
    by_directory: BTreeMap<String, Gitignore>,
}

impl IgnoreFiles {
    /// Reads the file of a directory, if it has one. To be called before anything in the directory is asked about.
    pub(super) fn load(&mut self, directory: &Path, relative: &str) -> Result<(), BundleError> {
        let file = directory.join(IGNORE_FILE);
        if !file.is_file() {
            return Ok(());
        }
        // Rooted at nothing: what is asked about is relative to the directory already.
        let mut builder = GitignoreBuilder::new("");
        let content = std::fs::read_to_string(&file).map_err(|source| BundleError::Read { path: file.clone(), source })?;
        for line in content.trim_start_matches('\u{feff}').lines() {
            builder.add_line(None, line).map_err(|source| BundleError::IgnoreFile { path: file.clone(), source })?;
        }
        let rules = builder.build().map_err(|source| BundleError::IgnoreFile { path: file, source })?;
        self.by_directory.insert(relative.to_owned(), rules);
        Ok(())
    }

    /// Why such a file wants this out, if so. The nearest file that says anything decides, and within it the last line, as in git.
    pub(super) fn excluded(&self, relative: &str, is_directory: bool) -> Option<(By, String)> {
        let above = ancestors(relative).skip(1).chain(std::iter::once(""));
        for directory in above {
            let Some(rules) = self.by_directory.get(directory) else { continue };
            let below = if directory.is_empty() { relative } else { &relative[directory.len() + 1..] };
            let verdict = rules.matched(below, is_directory);
            if verdict.is_whitelist() {
                return None;
            }
            if let Some(glob) = verdict.inner() {
                let file = if directory.is_empty() { IGNORE_FILE.to_owned() } else { format!("{directory}/{IGNORE_FILE}") };
                let reason = format!("`{file}` has `{}`", glob.original());
                return Some((By::IgnoreFile(file), reason));
            }
        }
        None
    }
}
