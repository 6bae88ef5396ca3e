//! Taking a stage's files away, and the state directory with the last one.

use std::fs;
use std::path::Path;

use super::code;
use crate::emulator::log::older;

/// `stage.json` goes first: from then on the stage does not exist, whatever else is still there.
pub(super) fn stage_files(directory: &Path, remove_logs: bool) -> std::io::Result<()> {
    let ignore_absence = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    ignore_absence(fs::remove_file(directory.join("stage.json")))?;
    ignore_absence(fs::remove_file(directory.join("schedules.json")))?;
    code::remove(&directory.join("code"))?;
    code::remove(&directory.join("dependencies"))?;
    code::remove(&directory.join("tmp"))?;
    if remove_logs {
        let log = directory.join("function.log");
        ignore_absence(fs::remove_file(older(&log)))?;
        ignore_absence(fs::remove_file(log))?;
    }
    // Held open by this very run, which does not matter to Unix and is cleaned up next time on Windows.
    let _ = fs::remove_file(directory.join("lock"));
    let _ = fs::remove_dir(directory);
    Ok(())
}

/// Takes the state directory away if nothing but its own furniture is left in it.
pub(super) fn empty_state(directory: &Path) {
    const FURNITURE: [&str; 4] = [".gitignore", "emulator.json", "emulator.lock", "emulator.log"];
    let Ok(entries) = fs::read_dir(directory) else { return };
    if entries.flatten().all(|entry| FURNITURE.iter().any(|name| entry.file_name() == *name)) {
        let _ = fs::remove_dir_all(directory);
    }
}
