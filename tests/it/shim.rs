//! The Python side, from the same command: its tests at full branch coverage.

use std::process::Command;

use crate::support::project::repository;
use crate::support::python;

#[test]
fn the_shims_own_tests_pass() {
    let shim = repository().join("shim");
    let output = Command::new(python::interpreter())
        .args(["-m", "pytest", "--cov"])
        .current_dir(&shim)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COVERAGE_FILE", repository().join("target/shim.coverage"))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(text.contains(" passed") && text.contains("100%"), "{text}");
}
