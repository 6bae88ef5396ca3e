//! Lists of dependencies instead of an environment, installed by pip.

use std::fs;

use expect_test::expect;
use zappa::bundle::Part;
use zappa::model::{Architecture, Runtime, Target};
use zappa::project::DependencyFile;

use super::fixture::{Fixture, paths, run_python};
use crate::support::python;

pub(super) fn listed(name: &'static str, kind: DependencyFile, content: &str) -> Fixture {
    let mut fixture = Fixture::new().file(name, content);
    fixture.list = Some((name, kind));
    fixture
}

#[test]
fn an_empty_list_needs_no_installer() {
    let fixture = listed("requirements.txt", DependencyFile::Requirements, "# nothing yet\n\n--no-binary :none:\n");
    let manifest = fixture.manifest();
    assert!(manifest.entries.iter().all(|entry| entry.part != Part::Dependencies));
    assert_eq!(manifest.dependencies, "`requirements.txt`, installed in the cache");
    assert!(!fixture.cache().exists());
}

#[test]
fn requirements_are_installed_once_for_their_content() {
    let mut fixture = listed("requirements.txt", DependencyFile::Requirements, "-r more/pinned.txt\n-e local  # ours\n")
        .file("more/pinned.txt", "-c constraints.txt\nitsdangerous\n")
        .file("more/constraints.txt", "itsdangerous==2.2.0\n")
        .file("local/pyproject.toml", LOCAL)
        .file("local/backend.py", BACKEND)
        .file("local/localpkg.py", "one = 1\n")
        .packaging(|packaging| packaging.exclude = vec!["local".to_owned(), "more".to_owned()]);
    fixture.python = python::interpreter();
    let manifest = fixture.manifest();
    assert!(paths(&manifest).contains("itsdangerous/__init__.py (itsdangerous 2.2.0)\n"), "{}", paths(&manifest));
    assert!(paths(&manifest).contains("localpkg.py (localpkg 1.0)\n"), "{}", paths(&manifest));
    for importable in [
        "purepkg/__init__.py (localpkg 1.0)",
        "platpkg/__init__.py (localpkg 1.0)",
        "namespace/one.py (localpkg 1.0)",
        "onpath.py (linked source)",
    ] {
        assert!(paths(&manifest).contains(&format!("\n{importable}\n")), "{importable}: {}", paths(&manifest));
    }
    assert!(!paths(&manifest).contains("local-tool") && !paths(&manifest).contains(".pth"), "{}", paths(&manifest));
    assert!(!paths(&manifest).contains("RECORD") && !paths(&manifest).contains("bin/"), "{}", paths(&manifest));
    let tasks = || fixture.said.0.lock().unwrap().iter().filter(|said| said.starts_with("task: install")).count();
    assert_eq!(tasks(), 1);
    let first = fixture.write(&manifest, "out").unwrap();
    let again = fixture.write(&fixture.manifest(), "out2").unwrap();
    assert_eq!(tasks(), 1, "the second time everything is in the cache");
    assert_eq!(first.app().unwrap().code_sha256, again.app().unwrap().code_sha256);
    fixture.files.write("local/localpkg.py", "two = 2 # and longer\n");
    fixture.manifest();
    assert_eq!(tasks(), 2, "an edited local package is installed again");
    let left: Vec<String> = fs::read_dir(fixture.cache().join("dependencies"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.') || name.ends_with(".lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A package whose build needs nothing from anywhere.
const BACKEND: &str = r#"
import pathlib, zipfile

def build_wheel(directory, *_):
    name = "localpkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory) / name, "w") as wheel:
        wheel.writestr("localpkg.py", pathlib.Path("localpkg.py").read_text())
        wheel.writestr("localpkg-1.0.data/purelib/purepkg/__init__.py", "")
        wheel.writestr("localpkg-1.0.data/platlib/platpkg/__init__.py", "")
        wheel.writestr("localpkg-1.0.data/scripts/local-tool", "echo")
        wheel.writestr("namespace/one.py", "")
        wheel.writestr("apart/onpath.py", "")
        wheel.writestr("localpkg.pth", "import sys\napart\n/nowhere\n")
        wheel.writestr("localpkg-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: localpkg\nVersion: 1.0\n")
        wheel.writestr("localpkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("localpkg-1.0.dist-info/RECORD", "localpkg.py,,\nlocalpkg-1.0.dist-info/METADATA,,\n")
    return name
"#;
const LOCAL: &str = "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";

#[test]
fn what_an_installer_says_is_the_cause() {
    let mut fixture = listed("requirements.txt", DependencyFile::Requirements, "./does-not-exist\n");
    fixture.python = python::interpreter();
    let refused = fixture.refused();
    assert!(refused.contains("could not install the dependencies in `[DIR]/shop/requirements.txt`\n  Caused by: "), "{refused}");
    assert!(refused.contains("does-not-exist"), "{refused}");
    let left = fs::read_dir(fixture.cache().join("dependencies")).unwrap();
    assert!(left.map(|entry| entry.unwrap().path()).all(|path| path.extension().is_some_and(|extension| extension == "lock")));
}

#[test]
fn lists_that_cannot_be_read_say_why() {
    let fixture = listed("pyproject.toml", DependencyFile::Pyproject, "[tool.x]\n");
    expect![[r#"
        error: could not read the dependencies in `[DIR]/shop/pyproject.toml`
          Caused by: there is no table `[project]` with `dependencies`
        hint: correct the file, or make an environment (`.venv`) that holds the dependencies
    "#]]
    .assert_eq(&fixture.refused());
    let fixture = listed("requirements.txt", DependencyFile::Requirements, "-r missing.txt\n");
    assert!(fixture.refused().starts_with("error: could not read `[DIR]/shop/missing.txt`"), "{}", fixture.refused());
}

/// Makes wheels that hold nothing but what they require: `NAME` or `NAME: REQUIREMENT, REQUIREMENT`.
const WHEELS: &str = r#"
import sys, zipfile

for line in sys.argv[2:]:
    name, _, requires = line.partition(":")
    requires = "".join(f"Requires-Dist: {requirement.strip()}\n" for requirement in requires.split(",") if requirement)
    with zipfile.ZipFile(f"{sys.argv[1]}/{name}-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{requires}")
        wheel.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}-1.dist-info/RECORD", "")
"#;

#[test]
fn markers_of_what_the_list_requires_mean_what_they_mean_on_the_target() {
    let list = "--no-index\n--find-links wheels\ntop\nintel ; platform_machine == 'x86_64'\n";
    let mut fixture =
        listed("requirements.txt", DependencyFile::Requirements, list).packaging(|packaging| packaging.exclude = vec!["wheels".to_owned()]);
    let wheels = fixture.root().join("wheels");
    fs::create_dir(&wheels).unwrap();
    // There is nothing for `nowhere`: whoever asks for it fails.
    let top = "top: middle, nowhere; sys_platform != 'linux', nowhere; platform_machine == 'arm64'";
    let middle = "middle: arm; platform_machine == 'aarch64', old; python_version < '3.11', new; python_full_version >= '3.12'";
    run_python(WHEELS, &[&wheels, top.as_ref(), middle.as_ref(), "intel".as_ref(), "arm".as_ref(), "old".as_ref(), "new".as_ref()]);
    fixture.python = python::interpreter();
    fixture.settings.target = Target::Aws;
    let mut installed = |minor: u8, architecture: Architecture| {
        fixture.settings.runtime = Some(Runtime { minor });
        fixture.settings.architecture = architecture;
        let manifest = fixture.manifest();
        let modules = manifest.entries.into_iter().filter(|entry| entry.part == Part::Dependencies && entry.path.ends_with(".py"));
        modules.map(|entry| entry.path.replace(".py", "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(installed(10, Architecture::Arm64), "arm middle old top");
    assert_eq!(installed(11, Architecture::X86_64), "intel middle top");
    assert_eq!(installed(13, Architecture::Arm64), "arm middle new top");
}
