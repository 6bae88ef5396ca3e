//! The Python environment of the tests: one virtual environment under `target/`, made from `tests/requirements.txt` and made anew when that changes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::project::repository;

/// Where the environment is, made or not.
pub(crate) fn environment_path() -> PathBuf {
    repository().join("target/test-venv")
}

/// The environment, made if need be. Concurrent test processes wait for each other.
pub(crate) fn environment() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(make)
}

/// Its interpreter.
pub(crate) fn interpreter() -> PathBuf {
    executable("python")
}

/// A program that one of its distributions installed.
pub(crate) fn executable(name: &str) -> PathBuf {
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    environment().join(scripts).join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

fn make() -> PathBuf {
    let directory = environment_path();
    let lock = std::fs::File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let requirements = repository().join("tests/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let stamp = directory.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return directory;
    }
    let _ = std::fs::remove_dir_all(&directory);
    let python = if cfg!(windows) { "python" } else { "python3" };
    run(Command::new(python).args(["-m", "venv"]).arg(&directory));
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    let pip = directory.join(scripts).join("python");
    run(Command::new(pip).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements));
    std::fs::write(&stamp, wanted).unwrap();
    directory
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
