//! Installed packages laid out once, for all trees that are made while they stay as they are: a tree has a link where a package stands that is
//! wholly an installed one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::tree::Tree;
use super::{BundleError, Entry, Manifest, Part, Source};
use crate::model::Layout;

/// Packages on disk, read-only.
#[derive(Debug)]
pub struct Layer {
    tree: Tree,
    /// Paths in it by their first part.
    packages: BTreeMap<String, BTreeSet<String>>,
}

impl Layer {
    /// Copies to `root`, which must not exist, what of `manifest` comes from `site_packages`.
    pub fn lay(
        manifest: &Manifest,
        site_packages: &[PathBuf],
        root: &Path,
        cache_tag: &str,
        cancelled: &AtomicBool,
    ) -> Result<Self, BundleError> {
        let packages = packages(manifest, site_packages);
        let entries = manifest.entries.iter().filter(|entry| package(&entry.path).is_some_and(|package| packages.contains_key(package)));
        let tree = Tree::lay(&of(entries.cloned().collect()), root, cache_tag, cancelled)?;
        tree.seal()?;
        let owned = |paths: BTreeSet<&str>| paths.into_iter().map(str::to_owned).collect();
        let packages = packages.into_iter().map(|(package, paths)| (package.to_owned(), owned(paths))).collect();
        Ok(Self { tree, packages })
    }

    /// Whether the files that it was made from are as they were. Looks at each of them.
    #[must_use]
    pub fn is_current(&self, manifest: &Manifest, site_packages: &[PathBuf]) -> bool {
        let packages = packages(manifest, site_packages);
        let entries = manifest.entries.iter().filter(|entry| package(&entry.path).is_some_and(|package| packages.contains_key(package)));
        self.tree.changes(&of(entries.cloned().collect()), &[], false).is_empty()
    }

    /// `manifest` with links to whole packages of this layer in place of their files.
    #[must_use]
    pub fn reduce(&self, manifest: &Manifest, site_packages: &[PathBuf]) -> Manifest {
        let packages = packages(manifest, site_packages);
        // A package that holds other files by now is not this one.
        let same = |package: &&str| self.packages.get(*package).is_some_and(|here| here.iter().eq(packages[package].iter()));
        let linked: BTreeSet<&str> = packages.keys().copied().filter(same).collect();
        let kept = manifest.entries.iter().filter(|entry| package(&entry.path).is_none_or(|package| !linked.contains(package)));
        let mut entries: Vec<Entry> = kept.cloned().collect();
        entries.extend(linked.iter().map(|package| Entry {
            path: (*package).to_owned(),
            part: Part::Dependencies,
            size: 0,
            executable: false,
            reason: "packages".to_owned(),
            source: Source::File(self.tree.root().join(package)),
            digest: None,
        }));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        of(entries)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.tree.root()
    }
}

fn of(entries: Vec<Entry>) -> Manifest {
    Manifest {
        entries,
        skipped: Vec::new(),
        dependencies: String::new(),
        layout: Layout::Together,
        storage_mb: 0,
        distributions: Vec::new(),
        known: Arc::default(),
    }
}

/// The directory at the root that a path is in.
fn package(path: &str) -> Option<&str> {
    path.split_once('/').map(|(package, _)| package)
}

/// Directories at the root that hold nothing but files from `site_packages`, with their paths.
fn packages<'m>(manifest: &'m Manifest, site_packages: &[PathBuf]) -> BTreeMap<&'m str, BTreeSet<&'m str>> {
    // Making links is a privilege on Windows.
    if !cfg!(unix) {
        return BTreeMap::new();
    }
    let mut packages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut mixed = BTreeSet::new();
    for entry in &manifest.entries {
        let Some(package) = package(&entry.path) else { continue };
        let installed = matches!(&entry.source, Source::File(path) if site_packages.iter().any(|site| path.starts_with(site)));
        if installed {
            packages.entry(package).or_default().insert(&entry.path);
        } else {
            mixed.insert(package);
        }
    }
    packages.retain(|package, _| !mixed.contains(package));
    packages
}
