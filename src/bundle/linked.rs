//! Code that the environment refers to instead of containing it: editable installs and directories named in `.pth` files. Their packages go to
//! the bundle's root, where a normal install would have put them.

use std::fs;
use std::path::Path;

use super::entry_point::identifier;
use super::project_files::{Collected, ProjectRules, ProjectTraits};
use super::rules::Rules;
use super::{BundleError, Entry, Part, Skipped};
use crate::project::LinkedSource;

/// Modules that setuptools and pytest want and nobody imports from a deployment.
const NOT_IMPORTED: [&str; 3] = ["setup.py", "conftest.py", "noxfile.py"];

/// The members of the bundle that come from one linked directory. Inside the project they are the project's, else dependencies.
pub(super) fn collect(source: &LinkedSource, root: &Path, traits: &ProjectTraits<'_>, rules: &Rules) -> Result<Collected, BundleError> {
    let directory = &source.directory;
    let nothing = Collected { entries: Vec::new(), skipped: Vec::new(), directories: Vec::new() };
    let Ok(directory) = directory.canonicalize() else { return Ok(nothing) };
    // The root itself is bundled anyway.
    if directory == root {
        return Ok(nothing);
    }
    let part = if directory.starts_with(root) { Part::App } else { Part::Dependencies };
    let reason = source.distribution.clone().unwrap_or_else(|| "linked source".to_owned());
    let wanted = match &source.modules {
        Some(modules) => modules.iter().flat_map(|module| places(&directory, module)).collect(),
        None => importable(&directory)?,
    };
    let mut all = Collected { directories: vec![directory.clone()], ..nothing };
    for place in wanted {
        let path = directory.join(&place);
        if path.is_dir() {
            let Collected { entries, skipped, directories } = ProjectRules::new(traits, rules, &place).collect(&path, &reason)?;
            all.entries.extend(entries);
            all.skipped.extend(skipped);
            all.directories.extend(directories);
        } else if let Ok(metadata) = fs::metadata(&path) {
            let name = place.rsplit('/').next().unwrap_or(&place);
            if let Some((by, reason)) = rules.excluded(&place, name) {
                all.skipped.push(Skipped { path: place, reason, by, part, files: 1, size: metadata.len() });
                continue;
            }
            let executable = super::walk::is_executable(&metadata);
            let source = super::Source::File(path);
            all.entries.push(Entry { path: place, part, size: metadata.len(), executable, reason: reason.clone(), source, digest: None });
        }
    }
    all.entries.iter_mut().for_each(|entry| entry.part = part);
    all.skipped.iter_mut().for_each(|skipped| skipped.part = part);
    Ok(all)
}

/// Where a module may be: a package, a file, an extension module.
fn places(directory: &Path, module: &str) -> Vec<String> {
    let base = module.replace('.', "/");
    let mut places: Vec<String> = [base.clone(), format!("{base}.py")].into_iter().filter(|place| directory.join(place).exists()).collect();
    let (above, name) = base.rsplit_once('/').map_or(("", base.as_str()), |(above, name)| (above, name));
    let prefix = format!("{name}.");
    for sibling in names(&directory.join(above)).into_iter().filter(|sibling| sibling.starts_with(&prefix) && is_extension(sibling)) {
        places.push(if above.is_empty() { sibling } else { format!("{above}/{sibling}") });
    }
    places
}

/// Everything in a directory that `import` would find.
fn importable(directory: &Path) -> Result<Vec<String>, BundleError> {
    fs::read_dir(directory).map_err(|source| BundleError::Read { path: directory.to_owned(), source })?;
    let wanted = |name: &String| {
        let path = directory.join(name);
        if path.is_dir() {
            return identifier(name) && holds_python(&path);
        }
        let module = name.strip_suffix(".py").is_some_and(identifier) && !NOT_IMPORTED.contains(&name.as_str());
        module || is_extension(name)
    };
    Ok(names(directory).into_iter().filter(wanted).collect())
}

/// Whether a directory is a package, or a namespace of packages.
fn holds_python(directory: &Path) -> bool {
    names(directory).iter().any(|name| name.ends_with(".py") || is_extension(name) || directory.join(name).join("__init__.py").is_file())
}

fn is_extension(name: &str) -> bool {
    name.ends_with(".so") || name.ends_with(".pyd")
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}
