//! Who compiles: the project's own interpreter if it is of the target's minor version, else one that this machine has.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bundle::dependencies;
use crate::model::Runtime;
use crate::project::{Interpreter, Project, python};

/// For an interpreter that is merely lying around.
const PATIENCE: Duration = Duration::from_secs(10);

/// An interpreter for `runtime`; others than the project's are looked for in `search_path`, or on PATH.
pub(super) fn find(project: &Project, runtime: Runtime, search_path: Option<&OsStr>) -> Option<Interpreter> {
    if project.interpreter.runtime == runtime {
        return Some(project.interpreter.clone());
    }
    let version = format!("3.{}", runtime.minor);
    let suitable = |command: &[OsString]| {
        let probe = python::probe(command, &project.root, "byte code", PATIENCE).ok()?;
        Some(probe.interpreter).filter(|interpreter| interpreter.runtime == runtime)
    };
    let named = on_path(&format!("python{version}"), search_path).into_iter().find_map(|path| suitable(&[path.into()]));
    let launched = || if cfg!(windows) { suitable(&["py".into(), format!("-{version}").into()]) } else { None };
    let from_uv = || suitable(&[uv_find(&dependencies::uv(search_path)?, &version, &project.root)?.into()]);
    named.or_else(launched).or_else(from_uv)
}

/// All of that name: a version manager may have one that starts nothing in front of one that does.
fn on_path(name: &str, search_path: Option<&OsStr>) -> Vec<PathBuf> {
    let Some(path) = search_path.map(OsStr::to_owned).or_else(|| std::env::var_os("PATH")) else { return Vec::new() };
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|directory| directory.join(&name)).filter(|candidate| candidate.is_file()).collect()
}

/// The interpreter that uv knows of. It is not to fetch one.
fn uv_find(uv: &Path, version: &str, directory: &Path) -> Option<PathBuf> {
    let mut command = Command::new(uv);
    command.args(["python", "find", version]).env("UV_PYTHON_DOWNLOADS", "never").current_dir(directory);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    let path = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(path.trim())).filter(|path| path.is_absolute())
}
