//! Wheels of the index, downloaded once.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{project, python};

/// Where they are kept: not in the cache of the tool, which has a limit.
fn cache() -> PathBuf {
    project::repository().join("target/test-wheels")
}

/// The wheel of this name. Which platform it is for does not matter to pip, as long as it is told.
pub(crate) fn wheel(file: &str) -> PathBuf {
    let cache = cache();
    let wanted = cache.join(file);
    if wanted.is_file() {
        return wanted;
    }
    std::fs::create_dir_all(&cache).unwrap();
    let parts: Vec<&str> = file.trim_end_matches(".whl").split('-').collect();
    let [name, version, python_tag, abi, platforms] = parts[..] else { panic!("`{file}` has other parts") };
    let scratch = tempfile::tempdir_in(&cache).unwrap();
    let mut pip = Command::new(python::interpreter());
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    pip.args(["--implementation", "cp", "--abi", abi]);
    // Any Python is this one, too.
    if python_tag != "py3" {
        pip.args(["--python-version", &python_tag[2..]]);
    }
    for platform in platforms.split('.') {
        pip.args(["--platform", platform]);
    }
    let output = pip.arg("-d").arg(scratch.path()).arg(format!("{name}=={version}")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(scratch.path().join(file), &wanted).unwrap_or_else(|_| panic!("pip chose another wheel than `{file}`"));
    wanted
}

/// Lays the content of a wheel out, as installers do.
pub(crate) fn unpack(wheel: &Path, directory: &Path) {
    let output = Command::new(python::interpreter()).args(["-m", "zipfile", "-e"]).args([wheel, directory]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A directory that holds, for everyone in `question`, the wheels that pip chooses (`tests/fixtures/wheels/choose.py` says what it is asked). Asked once;
/// concurrent test processes wait for each other.
pub(crate) fn chosen(question: &Value) -> PathBuf {
    let directory = cache().join("chosen");
    std::fs::create_dir_all(cache()).unwrap();
    let lock = std::fs::File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let (question, stamp) = (question.to_string(), directory.join("question.json"));
    if std::fs::read_to_string(&stamp).is_ok_and(|answered| answered == question) {
        return directory;
    }
    let _ = std::fs::remove_dir_all(&directory);
    let script = project::repository().join("tests/fixtures/wheels/choose.py");
    let mut child = Command::new(python::interpreter()).arg(script).arg(&directory).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(question.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    std::fs::write(stamp, question).unwrap();
    directory
}

/// As [`unpack`], of all wheels in a directory no more than their metadata and what may be native code.
pub(crate) fn unpack_native(wheels: &Path, directory: &Path) {
    let script = project::repository().join("tests/fixtures/wheels/unpack_native.py");
    assert!(Command::new(python::interpreter()).arg(script).args([wheels, directory]).status().unwrap().success());
}
