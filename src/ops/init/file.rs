//! Where the settings file goes, and how it gets there: as a whole or not at all.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::InitError;

/// The file that is written, unless another is named.
pub(super) const SETTINGS_FILE: &str = "zappa_settings.toml";
/// Every file that settings are read from.
const SETTINGS_FILES: [&str; 4] = [SETTINGS_FILE, "zappa_settings.json", "zappa_settings.yaml", "zappa_settings.yml"];

/// The file to write.
#[derive(Debug, Clone)]
pub struct Destination {
    /// Its path.
    pub path: PathBuf,
    /// Settings files in other formats that stay beside it.
    pub others: Vec<PathBuf>,
}

impl Destination {
    /// `file` (`--settings-file`), else the customary name in the project's `directory`. Refuses to take the place of anything unless
    /// `overwrite`.
    pub fn choose(directory: &Path, file: Option<&Path>, overwrite: bool) -> Result<Self, InitError> {
        let directory = if directory == Path::new(".") { Path::new("") } else { directory };
        let (path, candidates) = match file {
            Some(file) if file.extension().is_none_or(|extension| extension != "toml") => {
                return Err(InitError::NotToml { path: file.to_owned() });
            }
            Some(file) => (file.to_owned(), vec![file.to_owned()]),
            None => (directory.join(SETTINGS_FILE), SETTINGS_FILES.iter().map(|name| directory.join(name)).collect()),
        };
        // A dangling link counts as a file: writing through it or over it is not what anybody asked for.
        let existing: Vec<PathBuf> = candidates.into_iter().filter(|candidate| candidate.symlink_metadata().is_ok()).collect();
        match existing.first() {
            Some(first) if !overwrite => Err(InitError::Exists { path: first.clone() }),
            _ => Ok(Self { others: existing.into_iter().filter(|other| *other != path).collect(), path }),
        }
    }
}

/// Writes the settings file: all of it or nothing.
pub fn write(path: &Path, text: &str, overwrite: bool) -> Result<(), InitError> {
    let failed = |source| InitError::Write { path: path.to_owned(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zappa_settings.").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are private by default; this one is going to be a source file like the others. The umask still applies.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    let persisted = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    match persisted {
        Ok(_) => Ok(()),
        Err(error) if !overwrite && error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(InitError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(failed(error.error)),
    }
}
