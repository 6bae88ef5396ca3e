//! Where settings come from on disk: which file, and what a project is called that does not say.

use std::path::{Path, PathBuf};

use super::SettingsError;
use super::error::Problem;
use super::formats::Format;
use super::written::Written;
use crate::model::slug;

/// The names that are looked for, the native one first.
const NAMES: [&str; 4] = ["zappa_settings.toml", "zappa_settings.json", "zappa_settings.yaml", "zappa_settings.yml"];

/// How much of a directory's name zappa/Zappa takes for the project's. The names of what it has deployed depend on it.
const DERIVED_NAME: usize = 15;

/// The settings file: the one that is named, else the one in `directory`, if there is one. Two are refused, since which one is meant
/// is for the user to say.
pub(super) fn find(directory: &Path, named: Option<&Path>) -> Result<Option<PathBuf>, SettingsError> {
    if !directory.is_dir() {
        return Err(SettingsError::NoDirectory { directory: directory.to_owned() });
    }
    if let Some(named) = named {
        return Ok(Some(within(directory, named)));
    }
    let mut files: Vec<PathBuf> = NAMES.iter().map(|name| within(directory, Path::new(name))).filter(|file| file.is_file()).collect();
    match files.len() {
        0 | 1 => Ok(files.pop()),
        _ => Err(SettingsError::SeveralFiles { files }),
    }
}

/// Reads `file`. What is wrong inside goes to `problems`, unless nothing can be made of it at all.
pub(super) fn read(file: &Path, problems: &mut Vec<Problem>) -> Result<Written, SettingsError> {
    let format = Format::of(file).ok_or_else(|| SettingsError::UnknownFormat { file: file.to_owned() })?;
    let text = std::fs::read_to_string(file).map_err(|source| SettingsError::Read { file: file.to_owned(), source })?;
    let entries = format.parse(&text).map_err(|source| SettingsError::Syntax { file: file.to_owned(), format, source })?;
    Ok(Written::from_entries(file, &entries, problems))
}

/// `project_name` where nobody gives one, and what `init` writes: what is deployed without settings is found again with them.
#[must_use]
pub fn derived_project_name(directory: &Path) -> String {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    let mut name = absolute.file_name().map(|name| slug(&name.to_string_lossy())).unwrap_or_default();
    // A slug is ASCII.
    name.truncate(DERIVED_NAME);
    if name.is_empty() { "app".to_owned() } else { name.trim_end_matches('-').to_owned() }
}

/// `path` in `directory`, without a leading `./`: it is shown to the user.
fn within(directory: &Path, path: &Path) -> PathBuf {
    if directory == Path::new(".") { path.to_owned() } else { directory.join(path) }
}
