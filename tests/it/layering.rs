//! The table of `src/lib.rs`, held to the code: modules use only what stands below them, and some things stay in one place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::project::repository;

/// Module → row. `cloud::local` is looked up before `cloud`.
const ROWS: [(&str, u8); 20] = [
    ("model", 0),
    ("observe", 0),
    ("hint", 0),
    ("env", 0),
    ("schedule", 0),
    ("disk", 0),
    ("cloud", 1),
    ("gateway", 1),
    ("settings", 1),
    ("emulator", 2),
    ("project", 2),
    ("bundle", 3),
    ("cloud::aws", 3),
    ("cloud::local", 3),
    ("ops", 4),
    ("ui", 5),
    ("commands", 6),
    ("cli", 6),
    ("error", 6),
    ("main", 7),
];

/// Modules of one row may not use each other, with these exceptions (row 6 is one family).
const SAME_ROW: [(&str, &str); 3] = [("commands", "cli"), ("commands", "error"), ("error", "commands")];

/// Who alone may name what: the needle, where it may stand, why.
const CONFINED: [(&str, &[&str], &str); 8] = [
    ("aws_sdk_", &["cloud/aws"], "the SDK stays behind the trait"),
    ("clap", &["cli.rs", "commands", "lib.rs"], "flags are not for operations"),
    ("indicatif", &["ui"], "bars are talk"),
    ("anstyle", &["ui"], "colour is talk"),
    ("notify::", &["commands/serve", "commands/mod.rs"], "only `serve` follows what is saved"),
    ("hyper::server", &["emulator"], "only the emulator serves HTTP"),
    ("AwsCloud", &["cloud/aws", "commands/mod.rs"], "only `connect` chooses the adapter"),
    ("LocalCloud", &["cloud/local", "commands/mod.rs"], "only `connect` chooses the adapter"),
];

fn sources() -> BTreeMap<PathBuf, String> {
    let root = repository().join("src");
    walkdir::WalkDir::new(&root)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| (entry.path().strip_prefix(&root).unwrap().to_owned(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

/// The module that a file belongs to, in the table's terms.
fn module_of(path: &Path) -> String {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap().trim_end_matches(".rs")).collect();
    match parts.as_slice() {
        ["cloud", "local" | "aws", ..] => format!("cloud::{}", parts[1]),
        ["lib"] => "main".to_owned(),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    }
}

/// The modules that a file names through `crate::`, nested `use` groups not being the style here.
fn used(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("crate::") {
        let rest = &text[start + "crate::".len()..];
        let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
        let mut parts = path.split("::");
        match (parts.next().unwrap(), parts.next()) {
            ("cloud", Some(adapter @ ("local" | "aws"))) => found.push(format!("cloud::{adapter}")),
            (module, _) => found.push(module.to_owned()),
        }
    }
    found
}

#[test]
fn arrows_point_down() {
    let rows: BTreeMap<&str, u8> = ROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let module = module_of(&path);
        let row = *rows.get(module.as_str()).unwrap_or_else(|| panic!("`{module}` ({}) is not in the table", path.display()));
        for other in used(&text) {
            // The library's own entry points, not modules.
            if module == other || row == 7 {
                continue;
            }
            let Some(other_row) = rows.get(other.as_str()) else { panic!("{}: `crate::{other}` is not in the table", path.display()) };
            let allowed = *other_row < row || SAME_ROW.contains(&(module.as_str(), other.as_str()));
            if !allowed {
                wrong.push(format!("{}: `{module}` (row {row}) uses `{other}` (row {other_row})", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn some_things_stay_in_one_place() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for (needle, places, reason) in CONFINED {
            if code.contains(needle) && !places.iter().any(|place| path.starts_with(place)) {
                wrong.push(format!("{}: `{needle}`: {reason}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_gateway_is_pure() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with("gateway")) {
        for impure in ["std::fs", "std::net", "std::time::SystemTime", "std::env", "tokio", "uuid", "jiff::Timestamp::now", "Instant"] {
            assert!(!text.contains(impure), "{}: `{impure}`", path.display());
        }
    }
}
