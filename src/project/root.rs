//! The project's directory and the files in it that list dependencies.

use std::path::{Path, PathBuf};

use super::{DependencyFile, ProjectError};

/// Absolute, symlinks resolved, and really a directory.
pub(super) fn open(directory: &Path) -> Result<PathBuf, ProjectError> {
    let failed = |source| ProjectError::Root { path: directory.to_owned(), source };
    let root = directory.canonicalize().map_err(failed)?;
    if !root.is_dir() {
        return Err(ProjectError::NotADirectory { path: directory.to_owned() });
    }
    std::fs::read_dir(&root).map_err(failed)?;
    Ok(root)
}

/// The file that says best what the project needs: exact versions before ranges. An empty `requirements.txt` is an answer too.
pub(super) fn dependency_file(root: &Path) -> Result<Option<(PathBuf, DependencyFile)>, ProjectError> {
    let files = [
        ("uv.lock", DependencyFile::UvLock),
        ("poetry.lock", DependencyFile::PoetryLock),
        ("requirements.txt", DependencyFile::Requirements),
    ];
    for (name, kind) in files {
        let path = root.join(name);
        if path.is_file() {
            return Ok(Some((path, kind)));
        }
    }
    let path = root.join("pyproject.toml");
    let listed = pyproject(&path)?.is_some_and(|table| lookup(&table, &["project", "dependencies"]).is_some());
    Ok(listed.then_some((path, DependencyFile::Pyproject)))
}

/// `src` of a project that is packaged from there. Where nothing packages it, the project runs from its root and `src` is but a directory.
pub(super) fn source_directory(root: &Path) -> Option<PathBuf> {
    let directory = root.join("src");
    let is_packaged = ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|name| root.join(name).is_file());
    let is_layout = is_packaged && directory.is_dir() && !directory.join("__init__.py").exists();
    is_layout.then_some(directory)
}

/// What comes close to a list of dependencies, and how it becomes one.
pub(super) fn near_dependency_file(root: &Path) -> Option<String> {
    if root.join("Pipfile").is_file() {
        return Some("a `Pipfile` is not read: `pipenv requirements > requirements.txt`".to_owned());
    }
    let table = pyproject(&root.join("pyproject.toml")).ok().flatten()?;
    if lookup(&table, &["tool", "poetry", "dependencies"]).is_some() {
        return Some("pyproject.toml lists dependencies for Poetry: `poetry lock` makes the poetry.lock that is read".to_owned());
    }
    let name = ["requirements.in", "setup.py", "environment.yml"].into_iter().find(|name| root.join(name).is_file())?;
    Some(format!("`{name}` alone is not read"))
}

/// Whether Poetry manages the project.
pub(super) fn is_poetry(root: &Path) -> bool {
    // A file that cannot be read is reported where its content decides something.
    let table = pyproject(&root.join("pyproject.toml")).ok().flatten();
    root.join("poetry.lock").is_file() || table.is_some_and(|table| lookup(&table, &["tool", "poetry"]).is_some())
}

/// The root of the uv workspace that the project is a member of, whose `.venv` is shared by all of them.
pub(super) fn uv_workspace(root: &Path) -> Option<PathBuf> {
    let is_workspace = |directory: &Path| {
        let table = pyproject(&directory.join("pyproject.toml")).ok().flatten();
        table.is_some_and(|table| lookup(&table, &["tool", "uv", "workspace"]).is_some())
    };
    if !root.join("pyproject.toml").is_file() {
        return None;
    }
    root.ancestors().skip(1).find(|directory| is_workspace(directory)).map(Path::to_owned)
}

fn pyproject(path: &Path) -> Result<Option<toml::Table>, ProjectError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ProjectError::Read { path: path.to_owned(), source }),
    };
    let table = toml::from_str(&text).map_err(|source| ProjectError::Pyproject { path: path.to_owned(), source: Box::new(source) })?;
    Ok(Some(table))
}

fn lookup<'a>(table: &'a toml::Table, keys: &[&str]) -> Option<&'a toml::Value> {
    let (last, parents) = keys.split_last()?;
    let table = parents.iter().try_fold(table, |table, key| table.get(*key)?.as_table())?;
    table.get(*last)
}
