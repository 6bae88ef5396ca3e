//! Brings together what goes in: shim and configuration, the project's files, linked sources, dependencies; the earlier wins where two want one path.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::binaries::Binaries;
use super::cache::Known;
use super::entry_point::EntryPoint;
use super::graph::Question;
use super::imports::Imports;
use super::markers::Markers;
use super::packages::{Selected, Selection};
use super::project_files::{Collected, ProjectRules, ProjectTraits};
use super::rules::Rules;
use super::{BundleError, By, Entry, Manifest, Part, PlanOptions, Skipped, Source};
use super::{binaries, collisions, configuration, imports, linked, packages, shim, slim};
use crate::observe::Observer;
use crate::project::{InstalledPackages, Project};
use crate::settings::Settings;

/// What a manifest is made from.
pub(super) struct Inputs<'a> {
    pub(super) project: &'a Project,
    pub(super) settings: &'a Settings,
    /// The cache directory, which may lie in the project.
    pub(super) cache: &'a Path,
    pub(super) options: &'a PlanOptions,
    /// The dependencies, installed.
    pub(super) packages: &'a InstalledPackages,
    /// What is known of the files.
    pub(super) known: &'a Arc<Known>,
}

/// What one plan leaves for the next one of the same project, settings and dependencies.
#[derive(Default)]
pub(super) struct Memory {
    /// Whether there will be a next one.
    keeps: bool,
    imports: imports::Known,
    /// What the project referred to, and what of the dependencies that led to.
    packages: Option<(Imports, Selected)>,
    /// Directories of the project's own code.
    pub(super) directories: Vec<PathBuf>,
}

impl Memory {
    /// One for several plans in a row.
    pub(super) fn kept() -> Self {
        Self { keeps: true, ..Self::default() }
    }
}

/// Decides about every file. Reads the disk, writes nothing.
pub(super) fn collect(inputs: &Inputs<'_>, memory: &mut Memory, observer: &dyn Observer) -> Result<Manifest, BundleError> {
    let Inputs { project, settings, packages, .. } = *inputs;
    let entry_point = EntryPoint::parse(&project.app)?;
    let rules = Rules::new(&settings.packaging, observer)?;
    let traits = traits(inputs);
    let mut members = Members::default();
    memory.directories.clear();
    members.entries.insert_all(shim::entries());
    members.entries.insert_all([configuration::entry(settings, &entry_point)?]);
    let own = ProjectRules::new(&traits, &rules, "").collect(&project.root, "project file")?;
    memory.directories.extend(own.directories);
    members.project(own.entries, own.skipped)?;
    for source in &packages.linked {
        let Collected { entries, skipped, directories } = linked::collect(source, &project.root, &traits, &rules)?;
        memory.directories.extend(directories);
        members.beside(entries, skipped);
    }
    // Linked sources from elsewhere are dependencies, and import like the project's own.
    let own = members.entries.0.values().filter(|entry| matches!(entry.part, Part::App | Part::Dependencies));
    let imported = imports::imported(own, &mut memory.imports);
    let known = memory.packages.take().filter(|(then, _)| *then == imported);
    let selected = match known {
        Some((_, selected)) => selected,
        None => {
            let mut binaries = Binaries::new(inputs);
            let selected = select(inputs, &binaries.packages(), &rules, &imported)?;
            if binaries.replace(&selected.entries, observer)? { select(inputs, &binaries.packages(), &rules, &imported)? } else { selected }
        }
    };
    if memory.keeps {
        memory.packages = Some((imported, selected.clone()));
    }
    let Selected { entries, skipped, mut distributions, .. } = selected;
    members.beside(entries, skipped);

    let Members { entries: Entries(entries), mut skipped, hidden } = members;
    skipped.sort();
    skipped.dedup();
    for (distribution, (path, count)) in hidden {
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        observer.warn(&format!("`{path}`{more} of the project takes the place of the file of {distribution}"));
    }
    distributions.sort_by(|a, b| a.key.cmp(&b.key));
    collisions::check(&entries)?;
    entry_point.check(&entries, &skipped)?;
    binaries::review(inputs, entries.values(), observer)?;
    Ok(Manifest {
        entries: entries.into_values().collect(),
        skipped,
        dependencies: packages.source.clone(),
        layout: settings.packaging.layout,
        storage_mb: settings.ephemeral_storage,
        distributions,
        known: inputs.known.clone(),
    })
}

/// What of the dependencies goes in if the project refers to this.
fn select(inputs: &Inputs<'_>, packages: &InstalledPackages, rules: &Rules, imports: &Imports) -> Result<Selected, BundleError> {
    let sites = packages::sites(packages)?;
    let distributions = packages::visible(&sites);
    let markers = Markers::new(&inputs.project.interpreter, inputs.settings);
    let packaging = &inputs.settings.packaging;
    let because = |(module, file): (&String, &String)| (module.clone(), format!("`{file}` imports it"));
    let mut imported: BTreeMap<String, String> = imports.modules.iter().map(because).collect();
    let select = |imported: &BTreeMap<String, String>| {
        let question =
            Question { distributions: &distributions, imported, use_runtime_boto3: packaging.use_runtime_boto3, markers: &markers };
        let slim = slim::Question { level: packaging.slim, cache: inputs.cache, project: &imports.references };
        packages::collect(&sites, &Selection { rules, question, slim, known: inputs.known })
    };
    let selected = select(&imported)?;
    // Known only once it is known which sources stay.
    let Some(by) = &selected.lacks_pkg_resources else { return Ok(selected) };
    imported.insert(slim::PKG_RESOURCES.to_owned(), format!("{by} imports its `{}` without requiring it", slim::PKG_RESOURCES));
    select(&imported)
}

fn traits<'a>(inputs: &Inputs<'a>) -> ProjectTraits<'a> {
    let mut apart = BTreeMap::new();
    let mut set = |path: &Path, reason| {
        // What does not exist (an archive still to be written) is resolved as far as it does.
        let real = path.canonicalize().ok().or_else(|| Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)));
        if let Some(path) = real.filter(|path| *path != inputs.project.root) {
            apart.insert(path, reason);
        }
    };
    set(inputs.cache, "the cache of this tool");
    set(&inputs.project.interpreter.prefix, "the environment of the project");
    inputs.packages.site_packages.iter().for_each(|directory| set(directory, "the dependencies"));
    inputs.settings.file.iter().for_each(|file| set(file, "settings of this tool"));
    inputs.options.outputs.iter().for_each(|file| set(file, "written by this tool"));
    ProjectTraits { known: inputs.known, function_name: inputs.settings.id.function_name(), apart }
}

#[derive(Default)]
struct Members {
    entries: Entries,
    skipped: Vec<Skipped>,
    /// Distributions that the project hides files of: the first path, and how many.
    hidden: BTreeMap<String, (String, usize)>,
}

#[derive(Default)]
struct Entries(BTreeMap<String, Entry>);

impl Entries {
    fn insert_all(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.0.extend(entries.into_iter().map(|entry| (entry.path.clone(), entry)));
    }
}

fn hides_shim(path: &str) -> bool {
    path == "zappa.py" || path.starts_with("zappa/")
}

impl Members {
    fn project(&mut self, entries: Vec<Entry>, skipped: Vec<Skipped>) -> Result<(), BundleError> {
        if let Some(entry) = entries.iter().find(|entry| hides_shim(&entry.path)) {
            return Err(BundleError::HidesShim { path: entry.path.clone() });
        }
        self.entries.insert_all(entries);
        self.skipped.extend(skipped);
        Ok(())
    }

    /// Adds what may only stand where nothing else does.
    fn beside(&mut self, entries: Vec<Entry>, skipped: Vec<Skipped>) {
        self.skipped.extend(skipped);
        for entry in entries {
            if hides_shim(&entry.path) {
                let Entry { path, part, size, .. } = entry;
                let reason = "the shim takes its place".to_owned();
                self.skipped.push(Skipped { path, reason, by: By::Hidden, part, files: 1, size });
                continue;
            }
            match self.entries.0.get(&entry.path) {
                None => {
                    self.entries.0.insert(entry.path.clone(), entry);
                }
                // A project that is also installed, or linked twice, hides only itself.
                Some(first) if first.part == Part::App && entry.part == Part::Dependencies && !same(first, &entry) => {
                    let hidden = self.hidden.entry(entry.reason).or_insert((entry.path, 0));
                    hidden.1 += 1;
                }
                Some(_) => {}
            }
        }
    }
}

fn same(a: &Entry, b: &Entry) -> bool {
    let content = |path: &PathBuf| fs::read(path).ok();
    match (&a.source, &b.source) {
        (Source::File(left), Source::File(right)) => a.size == b.size && content(left) == content(right),
        _ => false,
    }
}
