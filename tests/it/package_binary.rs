//! `zappa package` as a user runs it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use expect_test::expect;

use crate::support::project::repository;
use crate::support::{TestProject, eventually};

fn project() -> TestProject {
    TestProject::new()
        .with_python()
        .file("app.py", "from flask import Flask\n\napp = Flask(__name__)\n")
        .file(
            "zappa_settings.toml",
            "[local]\napp_function = \"app.app\"\nexclude = [\"*.log\"]\n\n[local.environment_variables]\nSECRET = \"x\"\n",
        )
        .file("debug.log", "")
}

#[test]
fn the_same_project_gives_the_same_archive_from_everywhere() {
    let (one, other) = (project(), project());
    let first = one.zappa(["package", "local", "-o", "x.zip", "--json"]).expect_code(0).json();
    // From outside, with another umask's worth of time in between and the archive of the first run in the way.
    std::fs::write(other.root().join("shop-local.zip"), "an old one").unwrap();
    let directory = other.root().to_str().unwrap();
    let output = other.outside().join("elsewhere.zip");
    let second = other.zappa(["-C", directory, "package", "local", "-o", output.to_str().unwrap(), "--json"]).expect_code(0).json();
    assert_eq!(std::fs::read(one.root().join("x.zip")).unwrap(), std::fs::read(output).unwrap());
    assert_eq!(first["archives"][0]["code_sha256"], second["archives"][0]["code_sha256"]);
    assert_eq!(first["archives"][0]["role"], "app");
    assert!(first["parts"]["app"]["files"] == 2 && first["parts"]["dependencies"]["size"].as_u64().unwrap() > 1_000_000);
    assert!(first["heaviest"].as_array().unwrap().iter().any(|weight| weight["name"].as_str().unwrap().starts_with("Django ")));
    assert!(!one.root().join("shop-local.zip").exists(), "`-o` replaces the default");
}

#[test]
fn the_default_name_is_the_functions_and_is_not_packed_itself() {
    let project = project();
    let first = project.zappa(["package", "local"]).expect_code(0);
    assert!(first.stdout.starts_with("shop-local.zip\n  size "), "{}", first.stdout);
    let again = project.zappa(["package", "local"]).expect_code(0);
    assert_eq!(first.stdout, again.stdout);
}

#[test]
fn a_list_says_what_goes_in_and_why_and_writes_nothing() {
    let project = project();
    let outcome = project.zappa(["package", "local", "--list"]).expect_code(0);
    let ours = ["app.py", "debug.log", "zappa_settings.toml", "flask/app.py"];
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // Without the size in front.
    let about_us: String = outcome
        .stdout
        .lines()
        .map(words)
        .filter_map(|words| {
            let place = words.iter().position(|word| ours.contains(&word.as_str()))?;
            Some(words[place.saturating_sub(1)..].join(" ") + "\n")
        })
        .collect();
    expect![[r#"
        app app.py (project file)
        packages flask/app.py (Flask 3.1.3)
        debug.log (`exclude` has `*.log`)
        zappa_settings.toml (settings of this tool)
    "#]]
    .assert_eq(&about_us);
    let listed = project.zappa(["package", "local", "--list", "--json"]).expect_code(0).json();
    let entry = listed["entries"].as_array().unwrap().iter().find(|entry| entry["path"] == "app.py").unwrap();
    assert_eq!((&entry["part"], &entry["reason"]), (&"app".into(), &"project file".into()));
    assert!(listed["skipped"].as_array().unwrap().iter().any(|skipped| skipped["path"] == "debug.log"));
    assert!(std::fs::read_dir(project.root()).unwrap().all(|entry| entry.unwrap().path().extension().is_none_or(|end| end != "zip")));
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_of_this_run() {
    let project = project();
    let outcome = project.zappa(["package", "local", "-o", "missing/x.zip", "--quiet"]).expect_code(1);
    assert!(outcome.stderr.starts_with("error: could not write `missing/x.zip`\n"), "{}", outcome.stderr);
}

/// A project whose dependencies take until somebody writes the file `go` beside the stand-in for uv, in `tools` outside; its cache is its own.
#[cfg(unix)]
fn stalling() -> TestProject {
    let mut project = TestProject::new().file("app.py", "def app(environ, start_response): ...\n").file("requirements.txt", "something\n");
    let tools = project.outside().join("tools");
    let cache = project.outside().join("cache");
    std::fs::create_dir(&tools).unwrap();
    std::os::unix::fs::symlink(repository().join("tests/fixtures/installers/stalls"), tools.join("uv")).unwrap();
    let path = std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))).unwrap();
    project.set_env("PATH", path.to_str().unwrap());
    project.set_env("ZAPPA_CACHE_DIR", cache.to_str().unwrap());
    project
}

/// A run that is killed leaves its installer behind, and a directory that is not complete.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_while_it_installs_is_in_nobodys_way() {
    let project = stalling();
    let (tools, cache) = (project.outside().join("tools"), project.outside().join("cache"));
    let package = || project.command(["package", "local"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();

    let calls = || std::fs::read_to_string(tools.join("calls")).unwrap_or_default();
    let mut first = package();
    eventually("the installer is called", || calls() == "first begins\n");
    first.kill().unwrap();
    first.wait().unwrap();

    let mut second = package();
    let mut said = String::new();
    BufReader::new(second.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "waiting for another run that installs the same dependencies\n");
    std::fs::write(tools.join("go"), "").unwrap();
    let outcome = second.wait_with_output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    assert_eq!(calls(), "first begins\nfirst ends\nsecond begins\nsecond ends\n");
    let left: Vec<_> = std::fs::read_dir(cache.join("dependencies")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 1, "only what is complete: {left:?}");
    assert_eq!(std::fs::read_to_string(left[0].join("answer.txt")).unwrap(), "second\n");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_in_the_project() {
    let project = stalling();
    let tools = project.outside().join("tools");
    let child = project.command(["package", "local"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let calls = || std::fs::read_to_string(tools.join("calls")).unwrap_or_default();
    eventually("the installer is called", || calls() == "first begins\n");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let outcome = child.wait_with_output().unwrap();
    // Only the run itself was interrupted, as by a program; a terminal would have told the installer too.
    std::fs::write(tools.join("go"), "").unwrap();
    eventually("the installer ends", || calls() == "first begins\nfirst ends\n");
    let stderr = String::from_utf8(outcome.stderr).unwrap();
    assert_eq!((outcome.status.code(), stderr.trim()), (Some(130), "interrupted: no archive was written"));
    let mut left: Vec<_> = std::fs::read_dir(project.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["app.py", "requirements.txt"]);
}

/// The device behind which no room is left.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    for args in [["settings", "local"], ["package", "local"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = project().command(args).arg("--quiet").stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: could not write to standard output\n  Caused by: No space left on device"), "{stderr}");
    }
}

#[test]
fn what_is_asked_about_is_explained_by_path_and_by_name() {
    let project = project();
    let text = project.zappa(["package", "local", "--explain", "flask/app.py"]).expect_code(0).stdout;
    assert!(text.starts_with("flask/app.py is in the bundle\n  because       Flask 3.1.3: `app.py` imports it\n"), "{text}");
    let explained = project.zappa(["package", "local", "--json", "--explain", "Werkzeug"]).expect_code(0).json();
    assert_eq!((&explained["kind"], &explained["included"]), (&"distribution".into(), &true.into()));
    assert_eq!(explained["because"], "needed by Flask 3.1.3 (`app.py` imports it)");
    let refused = project.zappa(["package", "local", "--explain", "nowhere.py"]).expect_code(2);
    assert!(refused.stderr.starts_with("error: `nowhere.py` is neither a file of the project"), "{}", refused.stderr);
    let both = project.zappa(["package", "local", "--list", "--explain", "app.py"]).expect_code(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}
