//! `poetry.lock`: the packages of the main group that the target needs, with their hashes.
//!
//! Since 2.0 every package says which groups want it and when. Before that only the graph tells, starting from `pyproject.toml`.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use super::locked::Release;
use super::{Wanted, document, text, wrong};
use crate::bundle::BundleError;
use crate::bundle::markers::{Markers, normalized, requirement};

const MAIN: &str = "main";

/// The locked packages that the project needs on the target.
pub(super) fn read(path: &Path, markers: &Markers) -> Result<Wanted, BundleError> {
    let lock = document(path)?;
    let packages: Vec<&Table> = tables(lock.get("package")).collect();
    let chosen: Vec<&Table> = if packages.iter().any(|package| package.contains_key("groups")) {
        packages.iter().copied().filter(|package| in_main_group(package, markers)).collect()
    } else {
        let pyproject = path.with_file_name("pyproject.toml");
        let roots = roots(&document(&pyproject)?, markers);
        let needed = needed(&packages, roots, markers);
        packages.iter().copied().filter(|package| string(package, "name").is_some_and(|name| needed.contains(&normalized(name)))).collect()
    };
    let mut lines: Vec<String> = chosen.iter().filter_map(|package| index(package)).collect();
    lines.sort_unstable();
    lines.dedup();
    for package in &chosen {
        lines.push(line(path, package, &hashes(package, &lock))?);
    }
    let inputs = text(&path.with_file_name("pyproject.toml")).unwrap_or_default().into_bytes();
    Ok(Wanted { lines, complete: true, inputs })
}

/// Every release of an index that is locked, for whomever.
pub(super) fn releases(lock: &Table) -> Vec<Release> {
    let packages = tables(lock.get("package")).filter(|package| is_registry(package));
    let release = |package: &Table| {
        let hashes = hashes(package, lock).into_iter().map(str::to_owned).collect();
        Some(Release { name: string(package, "name")?.to_owned(), version: string(package, "version")?.to_owned(), hashes })
    };
    packages.filter_map(release).collect()
}

/// As locked since Poetry 2.0: `groups = ["main"]`, `markers = "..."` or `markers = {main = "...", dev = "..."}`.
fn in_main_group(package: &Table, markers: &Markers) -> bool {
    let main =
        package.get("groups").and_then(Value::as_array).is_some_and(|groups| groups.iter().any(|group| group.as_str() == Some(MAIN)));
    let marker = package.get("markers").and_then(|value| value.as_str().or_else(|| value.as_table()?.get(MAIN)?.as_str()));
    // Optional packages belong to extras of the project, which nobody asked for.
    let optional = package.get("optional").and_then(Value::as_bool).unwrap_or(false);
    main && !optional && marker.is_none_or(|marker| markers.apply_text(marker, &[]))
}

/// What the project itself asks for: `[tool.poetry.dependencies]` and `[project] dependencies`.
fn roots(pyproject: &Table, markers: &Markers) -> Vec<String> {
    let poetry = pyproject.get("tool").and_then(|tool| tool.get("poetry")?.get("dependencies")?.as_table());
    let wanted = poetry.into_iter().flatten().filter(|(name, value)| *name != "python" && applies(value, markers));
    let mut roots: Vec<String> = wanted.map(|(name, _)| normalized(name)).collect();
    let project = pyproject.get("project").and_then(|project| project.get("dependencies")?.as_array());
    let requirements = project.into_iter().flatten().filter_map(|value| requirement(value.as_str()?));
    roots
        .extend(requirements.filter(|requirement| markers.apply(&requirement.marker, &[])).map(|requirement| requirement.name.to_string()));
    roots
}

fn needed(packages: &[&Table], roots: Vec<String>, markers: &Markers) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut waiting = roots;
    while let Some(name) = waiting.pop() {
        if !needed.insert(name.clone()) {
            continue;
        }
        let same = packages.iter().filter(|package| string(package, "name").is_some_and(|other| normalized(other) == name));
        let dependencies = same.filter_map(|package| package.get("dependencies")?.as_table()).flatten();
        waiting.extend(dependencies.filter(|(_, value)| applies(value, markers)).map(|(name, _)| normalized(name)));
    }
    needed
}

/// A dependency is a version, a table with more, or several of them for different markers.
fn applies(value: &Value, markers: &Markers) -> bool {
    match value {
        Value::Table(table) => {
            let optional = table.get("optional").and_then(Value::as_bool).unwrap_or(false);
            !optional && string(table, "markers").is_none_or(|marker| markers.apply_text(marker, &[]))
        }
        Value::Array(alternatives) => alternatives.iter().any(|value| applies(value, markers)),
        _ => true,
    }
}

fn line(path: &Path, package: &Table, hashes: &BTreeSet<&str>) -> Result<String, BundleError> {
    let name = string(package, "name").ok_or_else(|| wrong(path, "a package has no `name`"))?;
    let url = source(package, "url").unwrap_or_default();
    match source(package, "type") {
        Some("git") => {
            let commit = source(package, "resolved_reference").unwrap_or("HEAD");
            Ok(format!("{name} @ git+{url}@{commit}"))
        }
        Some("url") => Ok(format!("{name} @ {url}")),
        Some("directory" | "file") => Ok(format!("./{url}")),
        _ => {
            let version = string(package, "version").ok_or_else(|| wrong(path, format!("`{name}` has no `version`")))?;
            let hashes: String = hashes.iter().map(|hash| format!(" --hash={hash}")).collect();
            Ok(format!("{name}=={version}{hashes}"))
        }
    }
}

fn is_registry(package: &Table) -> bool {
    matches!(source(package, "type"), None | Some("legacy"))
}

fn index(package: &Table) -> Option<String> {
    (source(package, "type") == Some("legacy")).then(|| source(package, "url").map(|url| format!("--extra-index-url {url}")))?
}

/// Beside the package since 1.3 of Poetry, before that in a table of their own.
fn hashes<'a>(package: &'a Table, lock: &'a Table) -> BTreeSet<&'a str> {
    let apart = || lock.get("metadata")?.get("files")?.get(string(package, "name")?);
    tables(package.get("files").or_else(apart)).filter_map(|file| string(file, "hash")).collect()
}

fn source<'t>(package: &'t Table, key: &str) -> Option<&'t str> {
    package.get("source").and_then(Value::as_table).and_then(|source| string(source, key))
}

fn tables(value: Option<&Value>) -> impl Iterator<Item = &Table> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn string<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}
