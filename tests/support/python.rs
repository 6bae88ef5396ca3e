//! The Python environments of the tests: virtual environments under `target/`, each made from its requirements file and made anew when that changes.
//!
//! Test projects bundle what `test-venv` holds; what stands in for AWS is in `aws-venv`, so that it never gets into a bundle.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::project::repository;

/// Where the environment that projects bundle is, made or not.
pub(crate) fn environment_path() -> PathBuf {
    repository().join("target/test-venv")
}

/// That environment, made if need be. Concurrent test processes wait for each other.
pub(crate) fn environment() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| make(environment_path(), "tests/requirements.txt", &[]))
}

/// Its interpreter.
pub(crate) fn interpreter() -> PathBuf {
    executable("python")
}

/// A program that one of its distributions installed.
pub(crate) fn executable(name: &str) -> PathBuf {
    program(environment(), name)
}

/// The interpreter of the environment that holds moto and botocore, made if need be.
pub(crate) fn aws_interpreter() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    // Most of botocore is never imported: compiling all of it takes longer than installing it.
    let environment = MADE.get_or_init(|| make(repository().join("target/aws-venv"), "tests/requirements-aws.txt", &["--no-compile"]));
    program(environment, "python")
}

fn program(environment: &Path, name: &str) -> PathBuf {
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    environment.join(scripts).join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

fn make(directory: PathBuf, requirements: &str, flags: &[&str]) -> PathBuf {
    let lock = std::fs::File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let requirements = repository().join(requirements);
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let stamp = directory.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return directory;
    }
    let _ = std::fs::remove_dir_all(&directory);
    let python = if cfg!(windows) { "python" } else { "python3" };
    run(Command::new(python).args(["-m", "venv"]).arg(&directory));
    let mut pip = Command::new(program(&directory, "python"));
    run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(flags).arg("-r").arg(&requirements));
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
