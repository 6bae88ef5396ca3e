//! The control plane's memory: a directory of small JSON files, each replaced atomically, and unpacked code keyed by the hash of its archive.
//!
//! ```text
//! .zappa/
//!   .gitignore                 ignores the directory itself
//!   emulator.json              who serves it (see `process`)
//!   <function>/stage.json      versions, live, route, schedules
//!   <function>/schedules.json  what has fired (see `scheduler`); written by the emulator's process only
//!   <function>/lock            held by a run that changes the stage
//!   <function>/code/<sha256>/  read-only task roots
//!   <function>/dependencies/   what is mounted at `/opt`, likewise
//!   <function>/function.log    and function.log.1, the older one
//! ```
//! Paths inside are relative to the directory, so it survives being moved.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::LocalError;
use crate::cloud::{DependenciesRef, FunctionSpec, ScheduleSpec, Surroundings};
use crate::model::{Cors, FrontDoor, StageId, Version};

/// Format of `stage.json`; a directory written by a newer tool is refused rather than misread. 2: dependencies may lie apart from the code.
const FORMAT: u32 = 2;

/// The content of `stage.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StageState {
    format: u32,
    pub(super) id: StageId,
    pub(super) next_version: Version,
    pub(super) live: Option<Version>,
    pub(super) versions: Vec<VersionState>,
    #[serde(default)]
    pub(super) surroundings: Surroundings,
    pub(super) route: Option<RouteState>,
    pub(super) schedules: Vec<ScheduleState>,
}

/// One schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScheduleState {
    #[serde(flatten)]
    pub(super) spec: ScheduleSpec,
    /// When it was made, or last changed in when it fires: rates count from here. What earlier versions wrote has none.
    #[serde(default)]
    pub(super) since: Timestamp,
}

/// One published version: frozen once written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct VersionState {
    pub(super) version: Version,
    pub(super) function: FunctionSpec,
    pub(super) code_sha256: String,
    pub(super) code_size: u64,
    /// Name of the directory under `code/`.
    pub(super) code: String,
    /// Where they are not in there. Their location is a name under `dependencies/`.
    #[serde(default)]
    pub(super) dependencies: Option<DependenciesRef>,
    /// The interpreter that runs it (see `emulator::ric`).
    pub(super) python: PathBuf,
    pub(super) region: String,
    pub(super) created: String,
}

/// The front door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RouteState {
    pub(super) front_door: FrontDoor,
    pub(super) binary_support: bool,
    #[serde(default)]
    pub(super) cors: Option<Cors>,
    /// The port it listens on; `None` until it first did.
    pub(super) port: Option<u16>,
}

impl StageState {
    pub(super) fn new(id: &StageId) -> Self {
        Self {
            format: FORMAT,
            id: id.clone(),
            next_version: 1,
            live: None,
            versions: Vec::new(),
            surroundings: Surroundings::default(),
            route: None,
            schedules: Vec::new(),
        }
    }

    pub(super) fn version(&self, version: Version) -> Option<&VersionState> {
        self.versions.iter().find(|known| known.version == version)
    }
}

/// The state directory.
#[derive(Debug, Clone)]
pub(super) struct StateDirectory {
    path: PathBuf,
}

impl StateDirectory {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stage_directory(&self, function_name: &str) -> PathBuf {
        self.path.join(function_name)
    }

    pub(super) fn code_directory(&self, function_name: &str, code: &str) -> PathBuf {
        self.stage_directory(function_name).join("code").join(code)
    }

    pub(super) fn dependencies(&self, function_name: &str, name: &str) -> PathBuf {
        self.stage_directory(function_name).join("dependencies").join(name)
    }

    pub(super) fn log_file(&self, function_name: &str) -> PathBuf {
        self.stage_directory(function_name).join("function.log")
    }

    pub(super) fn schedules_file(&self, function_name: &str) -> PathBuf {
        self.stage_directory(function_name).join("schedules.json")
    }

    pub(super) fn lock_file(&self, function_name: &str) -> PathBuf {
        self.stage_directory(function_name).join("lock")
    }

    fn stage_file(&self, function_name: &str) -> PathBuf {
        self.stage_directory(function_name).join("stage.json")
    }

    /// Makes the directory of a stage, and the state directory around it.
    pub(super) fn create_stage_directory(&self, function_name: &str) -> Result<(), LocalError> {
        let directory = self.stage_directory(function_name);
        fs::create_dir_all(&directory).map_err(|source| LocalError::Write { path: directory, source })?;
        self.create()
    }

    /// Makes the state directory itself.
    pub(super) fn create(&self) -> Result<(), LocalError> {
        fs::create_dir_all(&self.path).map_err(|source| LocalError::Write { path: self.path.clone(), source })?;
        let ignore = self.path.join(".gitignore");
        if ignore.exists() { Ok(()) } else { replace(&ignore, b"*\n") }
    }

    /// The stage's state, or `None` if it was never deployed.
    pub(super) fn load(&self, function_name: &str) -> Result<Option<StageState>, LocalError> {
        let path = self.stage_file(function_name);
        // The format is looked at before the rest, which a newer tool may have changed.
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Some(Format { format }) = read_json(&path)? else { return Ok(None) };
        if format > FORMAT {
            return Err(LocalError::NewerState { path });
        }
        let state: Option<StageState> = read_json(&path)?;
        Ok(state.map(|state| StageState { format: FORMAT, ..state }))
    }

    /// Replaces the stage's state. Readable by the owner only: it holds environment variables.
    pub(super) fn save(&self, state: &StageState) -> Result<(), LocalError> {
        write_json(&self.stage_file(&state.id.function_name()), state)
    }

    /// Every stage there is, by function name.
    pub(super) fn stages(&self) -> Result<Vec<String>, LocalError> {
        let read = |source| LocalError::Read { path: self.path.clone(), source };
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(read)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry.map_err(read)?.file_name().into_string()
                && self.stage_file(&name).is_file()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Reads a JSON file; `None` if there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LocalError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(|source| LocalError::Read { path: path.to_owned(), source })?,
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| LocalError::Damaged { path: path.to_owned(), source })
}

/// Replaces a JSON file atomically.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), LocalError> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|source| LocalError::Damaged { path: path.to_owned(), source })?;
    replace(path, &bytes)
}

/// A reader sees the old content or the new one, never a part; `tempfile` makes it readable by the owner only.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), LocalError> {
    let attempt = || {
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|source| LocalError::Write { path: path.to_owned(), source })
}
