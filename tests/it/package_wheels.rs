//! `zappa package` for a machine that is not this one: wheels are fetched, checked and kept; what there is no wheel of fails before anything is written.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use expect_test::expect;
use sha2::Digest as _;

use crate::support::TestProject;
use crate::support::wheels::{unpack, wheel};

const WHEEL: &str = "markupsafe-3.0.3-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl";

/// A project whose environment has MarkupSafe for Python 3.11 on x86_64, whatever this machine is, and no pip. Its stage wants arm64, its cache is its own.
struct Foreign {
    project: TestProject,
    site_packages: PathBuf,
}

impl Foreign {
    fn new() -> Self {
        let settings = "[prod]\napp_function = \"app.app\"\narchitecture = \"arm64\"\nruntime = \"python3.11\"\naws_region = \"eu-west-1\"\n\
                        [as_is]\nextends = \"prod\"\nuse_precompiled_packages = false\n";
        let project = TestProject::new()
            .file("app.py", "import markupsafe\n\ndef app(environ, start_response): ...\n")
            .file("zappa_settings.toml", settings);
        let environment = project.outside().join("environment");
        let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&environment).status().unwrap();
        assert!(made.success());
        let library = fs::read_dir(environment.join("lib")).unwrap().next().unwrap().unwrap().path();
        let site_packages = library.join("site-packages");
        unpack(&wheel(WHEEL), &site_packages);
        let cache = project.outside().join("cache").to_str().unwrap().to_owned();
        let project = project.env("VIRTUAL_ENV", environment.to_str().unwrap()).env("ZAPPA_CACHE_DIR", cache);
        Self { project, site_packages }
    }

    /// Replaces a text in the metadata of MarkupSafe.
    fn with_metadata(self, from: &str, to: &str) -> Self {
        let file = self.site_packages.join("markupsafe-3.0.3.dist-info/METADATA");
        let content = fs::read_to_string(&file).unwrap();
        assert!(content.contains(from));
        fs::write(file, content.replacen(from, to, 1)).unwrap();
        self
    }

    /// What was kept of wheels.
    fn kept(&self) -> Vec<String> {
        let wheels = self.project.outside().join("cache/wheels");
        let mut names: Vec<String> =
            fs::read_dir(wheels).into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn the_wheel_for_the_other_processor_is_fetched_once_and_checked() {
    let foreign = Foreign::new();
    let project = &foreign.project;
    let (one, two) = (project.outside().join("one.zip"), project.outside().join("two.zip"));
    let first = project.zappa(["package", "prod", "-o", one.to_str().unwrap()]).expect_code(0);
    assert!(first.stderr.contains("fetch what runs on Lambda"), "{}", first.stderr);
    assert_eq!(foreign.kept(), ["markupsafe-3.0.3-cp311-aarch64"]);
    let listed = project.zappa(["package", "prod", "--list", "--json"]).expect_code(0).json();
    let text = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let natives = listed["entries"].as_array().unwrap().iter().filter(|entry| text(entry, "path").contains(".so"));
    let natives: Vec<_> = natives.map(|entry| (text(entry, "path"), text(entry, "reason"))).collect();
    let wanted = ("markupsafe/_speedups.cpython-311-aarch64-linux-gnu.so".to_owned(), "MarkupSafe 3.0.3".to_owned());
    assert_eq!(natives, [wanted]);

    // Neither an index nor uv is needed again.
    let mut again = project.command(["package", "prod", "-o", two.to_str().unwrap()]);
    let again = again.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", "").output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(fs::read(one).unwrap() == fs::read(two).unwrap(), "the second archive is another one");
}

/// The snapshot without the newest version, which is another one every month.
fn refusal(foreign: &Foreign) -> String {
    let snapshot = foreign.project.snapshot(["package", "prod", "--quiet"]);
    let (before, behind) = snapshot.split_once("==").unwrap_or_else(|| panic!("{snapshot}"));
    let (version, behind) = behind.split_once('`').unwrap();
    assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{snapshot}");
    format!("{before}==[VERSION]`{behind}")
}

#[test]
fn what_has_no_wheel_there_fails_before_anything_is_written() {
    // There has never been a wheel of it.
    let foreign = Foreign::new().with_metadata("Version: 3.0.3", "Version: 1.0");
    let snapshot = refusal(&foreign);
    expect![[r#"
        exit code: 1
        ----- stdout -----
        ----- stderr -----
        error: a distribution does not run on Lambda (`python3.11`, `arm64`)
          Caused by: MarkupSafe 1.0: it is built for `cp311-cp311-manylinux_2_17_x86_64`; of this version there is only source code

        hint: install a version that has a wheel for it (`MarkupSafe==[VERSION]`), or set another `runtime` or `architecture`
        hint: or build one where it will run, `docker run --platform linux/arm64 public.ecr.aws/lambda/python:3.11`, and let your installer find it (`PIP_FIND_LINKS`)
        hint: `use_precompiled_packages = false` takes what is installed, whatever it runs on
    "#]].assert_eq(&snapshot);
    let foreign = Foreign::new().with_metadata("Name: MarkupSafe", "Name: cryptography").with_metadata("Version: 3.0.3", "Version: 2.9.2");
    let snapshot = refusal(&foreign);
    expect![[r#"
        exit code: 1
        ----- stdout -----
        ----- stderr -----
        error: a distribution does not run on Lambda (`python3.11`, `arm64`)
          Caused by: cryptography 2.9.2: it is built for `cp311-cp311-manylinux_2_17_x86_64`; of this version there are wheels for `cp35-abi3-macosx_10_9_x86_64`, `cp35-abi3-manylinux1_x86_64`, `cp35-abi3-manylinux2010_x86_64`

        hint: install a version that has a wheel for it (`cryptography==[VERSION]`), or set another `runtime` or `architecture`
        hint: or build one where it will run, `docker run --platform linux/arm64 public.ecr.aws/lambda/python:3.11`, and let your installer find it (`PIP_FIND_LINKS`)
        hint: `use_precompiled_packages = false` takes what is installed, whatever it runs on
    "#]].assert_eq(&snapshot);
    assert!(foreign.kept().iter().all(|name| name.ends_with(".lock")), "{:?}", foreign.kept());
    assert!(!foreign.project.root().join("shop-prod.zip").exists());
}

#[test]
fn what_is_installed_is_taken_if_the_settings_say_so() {
    let foreign = Foreign::new();
    let outcome = foreign.project.zappa(["package", "as_is", "--list", "--quiet"]).expect_code(0);
    assert!(outcome.stdout.contains("_speedups.cpython-311-x86_64-linux-gnu.so"), "{}", outcome.stdout);
    let warning =
        "warning: MarkupSafe 3.0.3 does not run on Lambda (Python 3.11 on arm64): it is built for `cp311-cp311-manylinux_2_17_x86_64`\n";
    assert_eq!(outcome.stderr, warning);
    assert!(foreign.kept().is_empty());
}

/// An index of one file, with the hash that it is to have.
fn index(foreign: &Foreign, file: &str, hash: &str) -> String {
    let directory = foreign.project.outside().join("index/markupsafe");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("index.html"), format!("<a href=\"{file}#sha256={hash}\">{file}</a>")).unwrap();
    format!("file://{}", directory.parent().unwrap().display())
}

#[test]
fn a_wheel_with_another_hash_is_refused_and_not_kept() {
    let foreign = Foreign::new();
    let file = "markupsafe-3.0.3-cp311-cp311-manylinux_2_17_aarch64.whl";
    let url = index(&foreign, file, &"0".repeat(64));
    fs::copy(wheel(WHEEL), foreign.project.outside().join("index/markupsafe").join(file)).unwrap();
    let output = foreign.project.command(["package", "prod"]).env("PIP_INDEX_URL", url).env("PIP_FIND_LINKS", "").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("Expected sha256 0000000000") && stderr.contains("Got "), "{stderr}");
    assert!(foreign.kept().iter().all(|name| name.ends_with(".lock")), "{:?}", foreign.kept());
}

#[test]
fn a_wheel_whose_name_lies_is_refused_and_not_kept() {
    let foreign = Foreign::new();
    let file = "markupsafe-3.0.3-cp311-cp311-manylinux_2_17_aarch64.whl";
    let url = index(&foreign, file, "");
    fs::copy(wheel(WHEEL), foreign.project.outside().join("index/markupsafe").join(file)).unwrap();
    let output = foreign.project.command(["package", "prod"]).env("PIP_INDEX_URL", url).env("PIP_FIND_LINKS", "").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("of the wheel that there is, it is built for `cp311-cp311-manylinux_2_17_x86_64`"), "{stderr}");
    assert!(foreign.kept().iter().all(|name| name.ends_with(".lock")), "{:?}", foreign.kept());
}

/// Many a wheel is built on a newer system than it needs.
#[test]
fn a_wheel_for_a_newer_glibc_is_taken_if_its_code_does_without() {
    let foreign = Foreign::new();
    let file = "markupsafe-3.0.3-cp311-cp311-manylinux_2_28_aarch64.whl";
    let url = index(&foreign, file, "");
    let real = WHEEL.replace("x86_64", "aarch64");
    fs::copy(wheel(&real), foreign.project.outside().join("index/markupsafe").join(file)).unwrap();
    let output = foreign.project.command(["package", "prod"]).env("PIP_INDEX_URL", url).env("PIP_FIND_LINKS", "").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(foreign.kept(), ["markupsafe-3.0.3-cp311-aarch64"]);
}

#[test]
fn what_is_fetched_has_the_hash_that_the_lock_knows() {
    let foreign = Foreign::new();
    let file = "markupsafe-3.0.3-cp311-cp311-manylinux_2_17_aarch64.whl";
    let url = index(&foreign, file, "");
    let real = fs::read(wheel(&WHEEL.replace("x86_64", "aarch64"))).unwrap();
    fs::write(foreign.project.outside().join("index/markupsafe").join(file), &real).unwrap();
    let locks = |hash: &str| {
        let hash = format!("sha256:{hash}");
        let registry = "source = { registry = \"https://index.example/simple\" }";
        [
            (
                "requirements.txt",
                format!(
                    "# by a tool\nMarkupSafe==3.0.3 ; python_version >= '3.9' \\\n    --hash=sha256:{} \\\n    --hash={hash}\n",
                    "1".repeat(64)
                ),
            ),
            (
                "poetry.lock",
                format!("[[package]]\nname = \"markupsafe\"\nversion = \"3.0.3\"\nfiles = [{{ file = \"x\", hash = \"{hash}\" }}]\n"),
            ),
            (
                "uv.lock",
                format!("[[package]]\nname = \"markupsafe\"\nversion = \"3.0.3\"\n{registry}\nwheels = [{{ hash = \"{hash}\" }}]\n"),
            ),
        ]
    };
    let package = || {
        let output =
            foreign.project.command(["package", "prod", "--quiet"]).env("PIP_INDEX_URL", &url).env("PIP_FIND_LINKS", "").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // Fetched before anybody spoke of hashes.
    assert_eq!(package(), (Some(0), String::new()));
    let unlocked = foreign.kept();
    let digest: String = sha2::Sha256::digest(&real).iter().map(|byte| format!("{byte:02x}")).collect();
    for ((name, wrong), (_, right)) in locks(&"0".repeat(64)).into_iter().zip(locks(&digest)) {
        foreign.project.write(name, wrong);
        let (code, stderr) = package();
        assert_eq!(code, Some(1), "{name}: {stderr}");
        let told = ["pip could not fetch MarkupSafe 3.0.3", "Expected sha256 0000", "hint: the lock does not know what the index has"];
        assert!(told.iter().all(|part| stderr.contains(part)), "{name}: {stderr}");
        foreign.project.write(name, right);
        assert_eq!(package(), (Some(0), String::new()), "{name}");
        fs::remove_file(foreign.project.root().join(name)).unwrap();
    }
    let kept: Vec<String> = foreign.kept().into_iter().filter(|name| !name.ends_with(".lock") && !unlocked.contains(name)).collect();
    // uv and Poetry name the same hashes.
    assert_eq!(kept.len(), 2, "{kept:?}");
}
