//! Top-level names that Python files import, read off their lines. It errs on the side of finding too much: what it finds stays in the bundle.

use std::collections::BTreeSet;
use std::fs;

use super::{Entry, Source};

/// Larger files are generated, and generated files import little.
const LARGEST: u64 = 1_000_000;

/// The first parts of all names that these members import. What cannot be read is reported when it is packed.
pub(super) fn imported<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in entries.filter(|entry| entry.path.ends_with(".py") && entry.size <= LARGEST) {
        let Source::File(path) = &entry.source else { continue };
        let Ok(content) = fs::read(path) else { continue };
        for line in String::from_utf8_lossy(&content).lines() {
            names.extend(of_line(line));
        }
    }
    names
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
