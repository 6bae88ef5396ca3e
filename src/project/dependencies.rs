//! Where the third-party code comes from: the environment if there is one, else a file that lists it.

use std::path::Path;

use super::environment::Found;
use super::python::Description;
use super::{DependencyFile, DependencySource, InstalledPackages};

/// Files that list dependencies, the most exact first.
const FILES: [(&str, DependencyFile); 4] = [
    ("uv.lock", DependencyFile::UvLock),
    ("poetry.lock", DependencyFile::PoetryLock),
    ("requirements.txt", DependencyFile::Requirements),
    ("pyproject.toml", DependencyFile::Pyproject),
];

/// `None` where there is neither. An interpreter that was named by hand without being of an environment lends its packages if nothing lists others.
pub(super) fn source(root: &Path, found: &Found, python: &Description) -> Option<DependencySource> {
    let installed = || {
        DependencySource::Environment(InstalledPackages {
            site_packages: python.site_packages(),
            linked: python.linked(root),
            source: found.found_by.clone(),
        })
    };
    if python.is_environment() {
        return Some(installed());
    }
    let listed = FILES.into_iter().map(|(name, kind)| (root.join(name), kind)).find(|(path, kind)| path.is_file() && lists(path, *kind));
    match listed {
        Some((path, kind)) => Some(DependencySource::File { path, kind }),
        None => found.chosen.then(installed),
    }
}

/// A `pyproject.toml` may be there for tools only; with `[project]` it says what the project needs, if only nothing.
fn lists(path: &Path, kind: DependencyFile) -> bool {
    if kind != DependencyFile::Pyproject {
        return true;
    }
    let table = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
    // One that cannot be read is not passed over: whoever reads it says what is wrong.
    table.is_none_or(|table| table.contains_key("project"))
}
