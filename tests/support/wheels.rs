//! Wheels of the index, downloaded once into the cache of the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{project, python};

/// The wheel of this name. Which platform it is for does not matter to pip, as long as it is told.
pub(crate) fn wheel(file: &str) -> PathBuf {
    let cache = project::cache().join("wheels-of-the-tests");
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
    pip.args(["--implementation", "cp", "--abi", abi, "--python-version", &python_tag[2..]]);
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
