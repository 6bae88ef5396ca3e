//! The distributions in a `site-packages` directory: name, version, requirements and files, as their metadata directories tell
//! (`*.dist-info`: "Recording installed projects" of the packaging specifications; `*.egg-info`: what setuptools wrote before).

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use pep508_rs::Requirement;

use super::markers::{normalized, requirement};
use super::{BundleError, workers};

/// One installed distribution.
#[derive(Debug)]
pub(super) struct Distribution {
    /// As its authors write it.
    pub(super) name: String,
    /// The normalized name: what requirements are compared with.
    pub(super) key: String,
    /// As installed.
    pub(super) version: String,
    /// What it needs, markers and all.
    pub(super) requires: Vec<Requirement>,
    /// Whether someone asked for it by name (the file `REQUESTED`), rather than another distribution.
    pub(super) requested: bool,
    /// Its metadata directory or file, relative to site-packages.
    pub(super) metadata: String,
    /// Its files, relative to site-packages; empty if nothing records them.
    files: Vec<String>,
    /// What can be imported of it.
    pub(super) modules: BTreeSet<String>,
}

impl Distribution {
    /// `Flask 3.1.3`
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// All distributions of one directory, in the order of their metadata's names.
pub(super) fn read(site_packages: &Path) -> Result<Vec<Distribution>, BundleError> {
    let unreadable = |source| BundleError::Read { path: site_packages.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(site_packages).map_err(unreadable)? {
        // A name that is not UTF-8 is the walk's business.
        if let Ok(name) = entry.map_err(unreadable)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    let read = workers::each(names.len(), || (), |(), index| Ok(names.get(index).and_then(|name| distribution(site_packages, name))))?;
    Ok(read.into_iter().flatten().collect())
}

fn distribution(site_packages: &Path, metadata: &str) -> Option<Distribution> {
    let path = site_packages.join(metadata);
    let text = |name: &str| fs::read(path.join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok();
    let (headers, requires_txt) = if metadata.ends_with(".dist-info") {
        (text("METADATA")?, None)
    } else if metadata.ends_with(".egg-info") {
        // Distutils wrote a file where setuptools wrote a directory.
        let headers = text("PKG-INFO").or_else(|| fs::read_to_string(&path).ok())?;
        (headers, text("requires.txt"))
    } else {
        return None;
    };
    let headers = Headers::parse(&headers);
    let name = headers.first("Name")?.to_owned();
    let files: Vec<String> = text("RECORD")
        .map(|record| record.lines().filter_map(recorded).collect())
        .or_else(|| text("installed-files.txt").map(|files| files.lines().filter_map(|line| installed(metadata, line)).collect()))
        .unwrap_or_default();
    let modules: BTreeSet<&str> = files.iter().filter_map(|file| module(file)).collect();
    let mut modules: BTreeSet<String> = modules.into_iter().map(str::to_owned).collect();
    modules.extend(text("top_level.txt").unwrap_or_default().lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()));
    let requires = match requires_txt {
        Some(text) => egg_requires(&text),
        None => headers.all("Requires-Dist").filter_map(requirement).collect(),
    };
    Some(Distribution {
        key: normalized(&name),
        version: headers.first("Version").unwrap_or("?").to_owned(),
        requires,
        requested: path.join("REQUESTED").is_file(),
        metadata: metadata.to_owned(),
        name,
        files,
        modules,
    })
}

/// The headers of a metadata file; the description behind the first empty line is none of them.
struct Headers<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Headers<'a> {
    fn parse(text: &'a str) -> Self {
        let lines = text.lines().take_while(|line| !line.trim().is_empty());
        Self(lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn first(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }
}

/// The path in a line of `RECORD`, unless it leads out of site-packages (scripts do).
fn recorded(line: &str) -> Option<String> {
    let path = match line.strip_prefix('"') {
        Some(quoted) => quoted.split("\",").next()?.replace("\"\"", "\""),
        None => line.split(',').next()?.to_owned(),
    };
    let path = path.replace('\\', "/");
    (!path.is_empty() && !path.starts_with("../") && !path.starts_with('/')).then_some(path)
}

/// The path in a line of `installed-files.txt`, which is relative to the metadata directory.
fn installed(metadata: &str, line: &str) -> Option<String> {
    let line = line.trim().replace('\\', "/");
    match line.strip_prefix("../") {
        Some(path) => (!path.starts_with("../")).then(|| path.to_owned()),
        None => (!line.is_empty()).then(|| format!("{metadata}/{line}")),
    }
}

/// The importable name that a file at this path belongs to.
fn module(path: &str) -> Option<&str> {
    let (top, is_package) = match path.split_once('/') {
        Some((top, _)) => (top, true),
        None => (path, false),
    };
    let name = if is_package { top } else { top.strip_suffix(".py").or_else(|| top.split_once('.').map(|(stem, _)| stem))? };
    (!name.is_empty() && !name.contains(['-', '.'])).then_some(name)
}

/// Setuptools' own format: sections `[extra:marker]` over plain requirements.
fn egg_requires(text: &str) -> Vec<Requirement> {
    let mut section = String::new();
    let mut requires = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let (extra, marker) = header.split_once(':').unwrap_or((header, ""));
            let extra = if extra.is_empty() { String::new() } else { format!("extra == '{extra}'") };
            let marker = if marker.is_empty() { String::new() } else { format!("({marker})") };
            let both = if extra.is_empty() || marker.is_empty() { "" } else { " and " };
            section = format!(" ; {marker}{both}{extra}");
        } else {
            requires.extend(requirement(&format!("{line}{section}")));
        }
    }
    requires
}

/// Which distribution a file belongs to.
pub(super) struct Owners {
    /// Files of packages that several have files in, and files in none.
    by_file: HashMap<String, usize>,
    /// Metadata, and the packages that only one distribution has files in; `None` where several do (namespace packages).
    by_top: HashMap<String, Option<usize>>,
}

impl Owners {
    /// For the distributions of one directory.
    pub(super) fn new(distributions: &[Distribution]) -> Self {
        let mut owners = Self { by_file: HashMap::new(), by_top: HashMap::new() };
        for (index, distribution) in distributions.iter().enumerate() {
            owners.claim(&distribution.metadata, index);
            if distribution.files.is_empty() {
                for module in &distribution.modules {
                    owners.claim(module, index);
                    owners.claim(&format!("{module}.py"), index);
                }
            }
            for (top, _) in distribution.files.iter().filter_map(|file| file.split_once('/')) {
                owners.claim(top, index);
            }
        }
        for (index, distribution) in distributions.iter().enumerate() {
            for file in &distribution.files {
                // The first wins: two distributions that claim one file were installed in some order that nobody knows.
                if owners.of_package(file).is_none() {
                    owners.by_file.entry(file.clone()).or_insert(index);
                }
            }
        }
        owners
    }

    fn claim(&mut self, top: &str, index: usize) {
        match self.by_top.get_mut(top) {
            Some(owner) if *owner != Some(index) => *owner = None,
            Some(_) => {}
            None => {
                self.by_top.insert(top.to_owned(), Some(index));
            }
        }
    }

    /// What to call the file at this path by, if its distribution stays out: the package that it is in where that is wholly the distribution's.
    pub(super) fn whole(&self, relative: &str) -> String {
        match relative.split_once('/') {
            Some((top, _)) if self.of_package(relative).is_some() => format!("{top}/"),
            _ => relative.to_owned(),
        }
    }

    /// The distribution that alone has files in the package that the file at this path is in.
    fn of_package(&self, relative: &str) -> Option<usize> {
        let (top, _) = relative.split_once('/')?;
        self.by_top.get(top).copied().flatten()
    }

    /// The distribution of the file at this path relative to site-packages.
    pub(super) fn of(&self, relative: &str) -> Option<usize> {
        let single = || self.by_file.get(relative).copied().or_else(|| self.by_top.get(relative).copied().flatten());
        self.of_package(relative).or_else(single)
    }
}
