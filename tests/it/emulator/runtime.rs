//! The environment with the runtime client: made once, mended when broken, explained when it cannot be made.

use std::path::Path;

use zappa::emulator::ric::{RuntimeError, ensure_runtime};
use zappa::hint::Hint as _;
use zappa::observe::Silent;

use super::lab::{base_python, python};

#[test]
fn it_is_made_once_and_can_import_the_client() {
    let (base, version) = base_python();
    let cache = crate::support::project::cache();
    let made = python();
    assert_eq!(ensure_runtime(&base, &version, &cache, &Silent).unwrap(), made);
    let output = std::process::Command::new(made).args(["-c", "import awslambdaric, runtime_client"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn an_interrupted_or_broken_one_is_made_anew() {
    let (base, version) = base_python();
    let cache = tempfile::tempdir().unwrap();
    let python = ensure_runtime(&base, &version, cache.path(), &Silent).unwrap();
    std::fs::remove_file(&python).unwrap();
    assert_eq!(ensure_runtime(&base, &version, cache.path(), &Silent).unwrap(), python);
    assert!(python.exists());
}

#[test]
fn what_is_wrong_is_said_with_a_way_out() {
    let cache = tempfile::tempdir().unwrap();
    let missing = ensure_runtime(Path::new("/no/such/python3.11"), "3.11.7", cache.path(), &Silent).unwrap_err();
    assert_eq!(missing.to_string(), "could not run `/no/such/python3.11`");
    assert!(!missing.hints().is_empty());

    let debian = "The virtual environment was not created successfully because ensurepip is not available.".to_owned();
    let no_venv = RuntimeError::Environment { path: "/usr/bin/python3.11".into(), output: debian };
    assert!(no_venv.hints()[0].contains("`apt install python3.11-venv`"));

    let offline = "NewConnectionError: Failed to establish a new connection".to_owned();
    let no_index = RuntimeError::Install { requirement: "awslambdaric==4.2.2".to_owned(), version: "3.11.7".to_owned(), output: offline };
    assert!(no_index.hints()[0].contains("package index"));
}
