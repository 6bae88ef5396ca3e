//! Top-level names that Python files import, read off their lines. It errs on the side of finding too much: what it finds stays in the bundle.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::tree::Stamp;

use super::{Entry, Source};

/// What was read before, so that only what changed is read again.
pub(super) type Known = HashMap<PathBuf, (Option<Stamp>, Vec<String>)>;

/// Larger files are generated, and generated files import little.
const LARGEST: u64 = 1_000_000;

/// The first parts of all names that these members import. What cannot be read is reported when it is packed.
pub(super) fn imported<'a>(entries: impl Iterator<Item = &'a Entry>, known: &mut Known) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut now = Known::with_capacity(known.len());
    for entry in entries.filter(|entry| entry.path.ends_with(".py") && entry.size <= LARGEST) {
        let Source::File(path) = &entry.source else { continue };
        let stamp = Stamp::of(path);
        let of_file = match known.remove(path) {
            Some((then, names)) if then == stamp => names,
            _ => of_file(path),
        };
        names.extend(of_file.iter().cloned());
        now.insert(path.clone(), (stamp, of_file));
    }
    *known = now;
    names
}

fn of_file(path: &Path) -> Vec<String> {
    let Ok(content) = fs::read(path) else { return Vec::new() };
    let names: BTreeSet<String> = String::from_utf8_lossy(&content).lines().flat_map(of_line).collect();
    names.into_iter().collect()
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
