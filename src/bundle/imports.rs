//! What Python files of the project import, and what else of the dependencies they refer to, read off their lines. It errs on the side of finding
//! too much: what it finds stays in the bundle.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::slim::Scanner;
use super::{Entry, Source};
use crate::disk::Stamp;

/// What was read before, so that only what changed is read again.
pub(super) type Known = HashMap<PathBuf, (Option<Stamp>, OfFile)>;

/// Larger files are generated, and generated files import little.
const LARGEST: u64 = 1_000_000;

/// What all files together refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Imports {
    /// The first parts of all names that are imported, and the first file that imports each.
    pub(super) modules: BTreeMap<String, String>,
    /// What else is referred to, as [`Scanner`] has it.
    pub(super) references: BTreeSet<String>,
}

/// What one file refers to.
pub(super) struct OfFile {
    modules: BTreeSet<String>,
    references: BTreeSet<String>,
}

/// What these members refer to. What cannot be read is reported when it is packed.
pub(super) fn imported<'a>(entries: impl Iterator<Item = &'a Entry>, known: &mut Known) -> Imports {
    let scanner = Scanner::new();
    let mut all = Imports::default();
    let mut now = Known::with_capacity(known.len());
    for entry in entries.filter(|entry| entry.path.ends_with(".py") && entry.size <= LARGEST) {
        let Source::File(path) = &entry.source else { continue };
        let stamp = Stamp::of(path);
        let of_file = match known.remove(path) {
            Some((then, of_file)) if then == stamp => of_file,
            _ => OfFile::read(path, &entry.path, &scanner),
        };
        for module in &of_file.modules {
            all.modules.entry(module.clone()).or_insert_with(|| entry.path.clone());
        }
        all.references.extend(of_file.references.iter().cloned());
        now.insert(path.clone(), (stamp, of_file));
    }
    *known = now;
    all
}

impl OfFile {
    fn read(file: &Path, path: &str, scanner: &Scanner) -> Self {
        let content = fs::read(file).unwrap_or_default();
        let mut references = BTreeSet::new();
        scanner.scan(path, &content, &BTreeSet::new(), &mut references);
        Self { modules: String::from_utf8_lossy(&content).lines().flat_map(of_line).collect(), references }
    }
}

fn of_line(line: &str) -> Vec<String> {
    // `if x: import y` and `try: import z` are rare but legal; so is `importlib.import_module("a.b")`.
    let line = line.trim_start();
    let modules: Vec<&str> = if let Some(rest) = line.strip_prefix("import ") {
        rest.split(',').collect()
    } else if let Some(rest) = line.strip_prefix("from ") {
        vec![rest]
    } else if let Some((_, rest)) = line.split_once("import_module(").or_else(|| line.split_once(": import ")) {
        vec![rest.trim_start_matches(['"', '\''])]
    } else {
        Vec::new()
    };
    modules.into_iter().map(|module| first_name(module.trim_start())).filter(|name| !name.is_empty()).collect()
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
