//! `uv.lock` without uv: follows the graph from the project itself, without its groups, and writes down what uv would export.

use std::collections::BTreeSet;
use std::path::Path;

use pep508_rs::ExtraName;
use toml::{Table, Value};

use super::locked::Release;
use super::{Wanted, document, wrong};
use crate::bundle::BundleError;
use crate::bundle::markers::Markers;

/// The locked packages that the project needs on the target.
pub(super) fn read(path: &Path, markers: &Markers) -> Result<Wanted, BundleError> {
    let document = document(path)?;
    let packages: Vec<&Table> = tables(document.get("package")).collect();
    let root = packages.iter().find(|package| is_root(package));
    let root = root.ok_or_else(|| wrong(path, "no package of it is the project itself"))?;
    let lock = Lock { packages: &packages, markers };
    let chosen = lock.needed(root);
    // One registry is the user's own, and pip knows how to reach it (mirror, proxy, credentials). Of several it has to be told.
    let registries: BTreeSet<&str> = chosen.iter().filter_map(|package| registry(package)).collect();
    let mut lines: Vec<String> = if registries.len() > 1 { registries.into_iter().map(index).collect() } else { Vec::new() };
    for package in &chosen {
        lines.push(line(path, package)?);
    }
    Ok(Wanted { lines, complete: true, inputs: Vec::new() })
}

/// Every release of a registry that is locked, for whomever.
pub(super) fn releases(lock: &Table) -> Vec<Release> {
    let packages = tables(lock.get("package")).filter(|package| registry(package).is_some());
    let release = |package: &Table| {
        let hashes = hashes(package).into_iter().map(str::to_owned).collect();
        Some(Release { name: string(package, "name")?.to_owned(), version: string(package, "version")?.to_owned(), hashes })
    };
    packages.filter_map(release).collect()
}

fn index(url: &str) -> String {
    format!("--extra-index-url {url}")
}

struct Lock<'a> {
    packages: &'a [&'a Table],
    markers: &'a Markers,
}

impl<'a> Lock<'a> {
    /// Everything below `root`, in the order of the file.
    fn needed(&self, root: &'a Table) -> Vec<&'a Table> {
        let mut needed = BTreeSet::new();
        let mut visited = BTreeSet::new();
        let mut waiting: Vec<(&Table, Vec<String>)> = vec![(root, Vec::new())];
        while let Some((package, extras)) = waiting.pop() {
            let optional = package.get("optional-dependencies").and_then(Value::as_table);
            let by_extra = extras.iter().filter_map(|extra| optional?.get(extra.as_str()));
            for dependency in tables(package.get("dependencies")).chain(by_extra.flat_map(|value| tables(Some(value)))) {
                if string(dependency, "marker").is_some_and(|marker| !self.markers.apply_text(marker, &names(&extras))) {
                    continue;
                }
                let Some((index, target)) = self.find(dependency) else { continue };
                let extras: Vec<String> = list(dependency.get("extra")).map(str::to_owned).collect();
                needed.insert(index);
                if visited.insert((index, extras.clone())) {
                    waiting.push((target, extras));
                }
            }
        }
        needed.into_iter().filter_map(|index| self.packages.get(index).copied()).filter(|package| !is_root(package)).collect()
    }

    /// A dependency names version and source where one name stands for several packages.
    fn find(&self, dependency: &Table) -> Option<(usize, &'a Table)> {
        let same = |package: &Table, key: &str| dependency.get(key).is_none_or(|value| package.get(key) == Some(value));
        self.packages
            .iter()
            .copied()
            .enumerate()
            .find(|(_, package)| package.get("name") == dependency.get("name") && same(package, "version") && same(package, "source"))
    }
}

fn line(path: &Path, package: &Table) -> Result<String, BundleError> {
    let name = string(package, "name").ok_or_else(|| wrong(path, "a package has no `name`"))?;
    let source = package.get("source").and_then(Value::as_table);
    let source = |kind: &str| source.and_then(|source| string(source, kind));
    if source("registry").is_some() {
        let version = string(package, "version").ok_or_else(|| wrong(path, format!("`{name}` has no `version`")))?;
        let hashes: String = hashes(package).iter().map(|hash| format!(" --hash={hash}")).collect();
        return Ok(format!("{name}=={version}{hashes}"));
    }
    if let Some(git) = source("git") {
        // `https://host/repository?rev=main#commit`
        let (repository, commit) = git.split_once('#').unwrap_or((git, "HEAD"));
        let repository = repository.split('?').next().unwrap_or(repository);
        return Ok(format!("{name} @ git+{repository}@{commit}"));
    }
    if let Some(url) = source("url") {
        return Ok(format!("{name} @ {url}"));
    }
    let local = ["path", "directory", "editable"].into_iter().find_map(source);
    local.map(|path| format!("./{path}")).ok_or_else(|| wrong(path, format!("`{name}` comes from a source that only uv knows")))
}

fn is_root(package: &Table) -> bool {
    let source = package.get("source").and_then(Value::as_table);
    ["virtual", "editable", "directory"].iter().any(|kind| source.and_then(|source| string(source, kind)) == Some("."))
}

fn registry(package: &Table) -> Option<&str> {
    package.get("source").and_then(Value::as_table).and_then(|source| string(source, "registry"))
}

fn hashes(package: &Table) -> BTreeSet<&str> {
    let sdist = package.get("sdist").and_then(Value::as_table);
    tables(package.get("wheels")).chain(sdist).filter_map(|file| string(file, "hash")).collect()
}

fn names(extras: &[String]) -> Vec<ExtraName> {
    extras.iter().filter_map(|extra| extra.parse().ok()).collect()
}

fn tables(value: Option<&Value>) -> impl Iterator<Item = &Table> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn string<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}
