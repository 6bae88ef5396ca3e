//! What installers are asked for: scripts stand for uv and pip that "install" the list they are given as a file, and say how they were called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use expect_test::expect;
use zappa::bundle::{self};
use zappa::model::{Architecture, Runtime, Target};
use zappa::project::DependencyFile;

use super::fixture::{Fixture, holds};

use super::lists::listed;
use crate::support::project::repository;

/// A link to a script of the repository: a script written by the test might still be open in a child of another test when it is run.
fn program(fixture: &Fixture, name: &str, script: &str) -> PathBuf {
    let path = fixture.files.outside().join("tools").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(repository().join("tests/fixtures/installers").join(script), &path).unwrap();
    path
}

/// What the installer was asked for.
fn asked(fixture: &Fixture) -> String {
    let entries = fixture.manifest().entries;
    assert!(!entries.iter().any(|entry| entry.path.starts_with("bin/")));
    let entry = entries.into_iter().find(|entry| entry.path == "list.txt").unwrap();
    let bundle::Source::File(path) = entry.source else { panic!("a file") };
    fs::read_to_string(path).unwrap()
}

fn with_pip(mut fixture: Fixture) -> Fixture {
    fixture.python = program(&fixture, "pip", "records");
    fixture
}

#[test]
fn uv_is_preferred_where_it_is_on_path() {
    let mut fixture = listed("uv.lock", DependencyFile::UvLock, "version = 1\n");
    program(&fixture, "uv", "records");
    fixture.tools = fixture.files.outside().join("tools");
    assert_eq!(asked(&fixture), "flask==3.1.3 --hash=sha256:aa\n./member\nuv complete for 3.11 on x86_64-manylinux_2_17\n");
    fixture.list = Some(("requirements.txt", DependencyFile::Requirements));
    assert_eq!(asked(&fixture.file("requirements.txt", "flask")), "flask\nuv wheels for 3.11 on x86_64-manylinux_2_17\n");
}

#[test]
fn pyproject_lists_what_the_project_needs() {
    let content = "[project]\nname = \"shop\"\ndependencies = [\"flask>=3\", \"rich ; extra == 'x'\"]\n";
    let fixture = with_pip(listed("pyproject.toml", DependencyFile::Pyproject, content));
    let fixture = fixture.file("src/shop/__init__.py", "");
    assert_eq!(asked(&fixture), "flask>=3\nrich ; extra == 'x'\npip wheels for 3.11 on manylinux_2_26_x86_64\n");
    assert!(holds(&fixture.manifest(), "shop/__init__.py"), "a project in `src` layout is installed with its dependencies");
}

#[test]
fn installers_are_told_what_it_has_to_run_on() {
    let mut fixture = with_pip(listed("requirements.txt", DependencyFile::Requirements, "flask\n"));
    fixture.settings.architecture = Architecture::Arm64;
    // This machine is another one, and a local stage runs here.
    assert_eq!(asked(&fixture), "flask\npip\n");
    fixture.settings.target = Target::Aws;
    assert_eq!(asked(&fixture), "flask\npip wheels for 3.11 on manylinux_2_26_aarch64\n");
    fixture.settings.runtime = Some(Runtime { minor: 13 });
    assert_eq!(asked(&fixture), "flask\npip wheels for 3.13 on manylinux_2_34_aarch64\n");
    program(&fixture, "uv", "records");
    fixture.tools = fixture.files.outside().join("tools");
    assert_eq!(asked(&fixture), "flask\nuv wheels for 3.13 on aarch64-manylinux_2_34\n");
}

#[test]
fn one_distribution_is_fetched_as_the_list_would_be() {
    let mut fixture =
        Fixture::new().distribution("fast", "1.0", &[], true).site("fast/_x.cpython-311-darwin.so", b"\xcf\xfa\xed\xfe\0\0\0\0");
    fixture.settings.target = Target::Aws;
    fixture.python = program(&fixture, "pip", "records");
    assert_eq!(asked(&fixture), "pip complete wheels for 3.11 on manylinux_2_26_x86_64\n");
    let label = |fixture: &Fixture| {
        let entries = fixture.manifest().entries;
        entries.iter().filter(|entry| entry.reason == "fast 1.0").map(|entry| entry.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(label(&fixture), ["fast-1.0.dist-info/METADATA", "list.txt"], "nothing of what was installed is left");
    fixture.settings.runtime = Some(Runtime { minor: 12 });
    program(&fixture, "uv", "records");
    fixture.tools = fixture.files.outside().join("tools");
    assert_eq!(asked(&fixture), "uv complete wheels for 3.12 on x86_64-manylinux_2_34\n");
}

#[test]
fn uv_lock_is_followed_without_uv() {
    let lock = r#"
version = 1

[[package]]
name = "shop"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
{ name = "flask", extra = ["async"] },
{ name = "pywin32", marker = "sys_platform == 'win32'" },
{ name = "numpy", version = "2.0", source = { registry = "https://index.example/simple" }, marker = "python_full_version >= '3.11'" },
{ name = "numpy", version = "1.0", source = { registry = "https://index.example/simple" }, marker = "python_full_version < '3.11'" },
]
[package.dev-dependencies]
dev = [{ name = "pytest" }]

[[package]]
name = "flask"
version = "3.1.3"
source = { registry = "https://index.example/simple" }
dependencies = [{ name = "click" }]
sdist = { url = "https://files.example/flask.tar.gz", hash = "sha256:f1" }
wheels = [{ url = "https://files.example/flask.whl", hash = "sha256:f0" }]
[package.optional-dependencies]
async = [{ name = "asgiref" }]
dotenv = [{ name = "python-dotenv" }]

[[package]]
name = "click"
version = "8.3"
source = { registry = "https://packages.example/simple" }
wheels = [{ url = "https://files.example/click.whl", hash = "sha256:c0" }]

[[package]]
name = "asgiref"
version = "3.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/asgiref.whl", hash = "sha256:a0" }]

[[package]]
name = "numpy"
version = "1.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/numpy1.whl", hash = "sha256:10" }]

[[package]]
name = "numpy"
version = "2.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/numpy2.whl", hash = "sha256:20" }]

[[package]]
name = "pytest"
version = "8"
source = { registry = "https://index.example/simple" }
wheels = []

[[package]]
name = "python-dotenv"
version = "1"
source = { registry = "https://index.example/simple" }
wheels = []
"#;
    expect![[r#"
        --extra-index-url https://index.example/simple
        --extra-index-url https://packages.example/simple
        flask==3.1.3 --hash=sha256:f0 --hash=sha256:f1
        click==8.3 --hash=sha256:c0
        asgiref==3.0 --hash=sha256:a0
        numpy==2.0 --hash=sha256:20
        pip complete for 3.11 on manylinux_2_26_x86_64
    "#]]
    .assert_eq(&asked(&with_pip(listed("uv.lock", DependencyFile::UvLock, lock))));
}

#[test]
fn hashes_are_kept_where_not_everything_has_them() {
    let lock = r#"
[[package]]
name = "flask"
version = "3.1.3"
groups = ["main"]
files = [{ file = "flask.whl", hash = "sha256:f0" }]

[[package]]
name = "ours"
version = "1"
groups = ["main"]
files = []
source = { type = "git", url = "https://host.example/ours", resolved_reference = "c0ffee" }
"#;
    let fixture = with_pip(listed("poetry.lock", DependencyFile::PoetryLock, lock));
    fixture.manifest();
    let installed = fs::read_dir(fixture.cache().join("dependencies")).unwrap().map(|entry| entry.unwrap().path().join("list.txt"));
    let mut lists: Vec<String> = installed.map(|list| fs::read_to_string(list).unwrap()).collect();
    lists.sort();
    let how = "pip complete for 3.11 on manylinux_2_26_x86_64\n";
    // pip takes no list with some.
    assert_eq!(lists, [format!("flask==3.1.3 --hash=sha256:f0\n{how}"), format!("ours @ git+https://host.example/ours@c0ffee\n{how}")]);
}

#[test]
fn poetry_lock_of_both_generations_is_understood() {
    let lock = r#"
[[package]]
name = "Flask"
version = "3.1.3"
optional = false
groups = ["main", "dev"]
files = [{ file = "flask.whl", hash = "sha256:f0" }]

[[package]]
name = "colorama"
version = "0.4"
optional = false
groups = ["main"]
markers = "platform_system == \"Windows\""
files = [{ file = "colorama.whl", hash = "sha256:c0" }]

[[package]]
name = "pytest"
version = "8"
optional = false
groups = ["dev"]
files = [{ file = "pytest.whl", hash = "sha256:p0" }]

[[package]]
name = "typing-extensions"
version = "4"
optional = false
groups = ["main", "dev"]
markers = {main = "python_version >= \"3.9\"", dev = "python_version < \"3.9\""}
files = [{ file = "t.whl", hash = "sha256:t0" }]
"#;
    let fixture = with_pip(listed("poetry.lock", DependencyFile::PoetryLock, lock));
    assert_eq!(
        asked(&fixture),
        "Flask==3.1.3 --hash=sha256:f0\ntyping-extensions==4 --hash=sha256:t0\npip complete for 3.11 on manylinux_2_26_x86_64\n"
    );

    let old = r#"
[[package]]
name = "flask"
version = "2.0"
optional = false
files = [{ file = "flask.whl", hash = "sha256:f0" }]
[package.dependencies]
Werkzeug = ">=2"
importlib-metadata = {version = "*", markers = "python_version < \"3.8\""}

[[package]]
name = "importlib-metadata"
version = "4"
optional = false
files = []

[[package]]
name = "pytest"
version = "7"
optional = false
files = []

[[package]]
name = "werkzeug"
version = "2.0"
optional = false
files = [{ file = "werkzeug.whl", hash = "sha256:e0" }]
"#;
    let pyproject = "[tool.poetry.dependencies]\npython = \"^3.9\"\nFlask = \"^2\"\n[tool.poetry.group.dev.dependencies]\npytest = \"*\"\n";
    let fixture = with_pip(listed("poetry.lock", DependencyFile::PoetryLock, old)).file("pyproject.toml", pyproject);
    assert_eq!(
        asked(&fixture),
        "flask==2.0 --hash=sha256:f0\nwerkzeug==2.0 --hash=sha256:e0\npip complete for 3.11 on manylinux_2_26_x86_64\n"
    );
}

#[test]
fn runs_that_want_the_same_install_it_once() {
    let fixture = with_pip(listed("requirements.txt", DependencyFile::Requirements, "flask\n"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fixture.manifest());
        }
    });
    let installs = fixture.said.0.lock().unwrap().iter().filter(|said| said.starts_with("task: install")).count();
    assert_eq!(installs, 1);
}

#[test]
fn an_interpreter_without_pip_is_told_with_the_remedy() {
    let mut fixture = listed("requirements.txt", DependencyFile::Requirements, "flask\n");
    fixture.python = program(&fixture, "python", "without-pip");
    expect![[r#"
        error: nothing can install `[DIR]/shop/requirements.txt`: uv is not on PATH, and `[DIR]/tools/python` has no pip
        hint: run `[DIR]/tools/python -m ensurepip`, or install uv
        hint: or make an environment that holds the dependencies: `python3 -m venv .venv`, then install into it
    "#]]
    .assert_eq(&fixture.refused());
}

#[test]
fn a_pip_that_cannot_be_told_of_markers_is_warned_of() {
    let mut fixture = listed("requirements.txt", DependencyFile::Requirements, "flask\n");
    fixture.settings.target = Target::Aws;
    fixture.python = program(&fixture, "python", "with-odd-pip");
    fixture.manifest();
    let warning = "dependencies of dependencies are those of this machine: pip cannot be told what their markers mean on Lambda (No module named \
                   'pip._vendor'), uv can";
    assert!(fixture.said.0.lock().unwrap().iter().any(|said| said == warning), "{:?}", fixture.said.0.lock().unwrap());
}
