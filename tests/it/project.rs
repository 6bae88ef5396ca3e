//! Project discovery, on environments made by hand and by `venv`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use zappa::hint::Hint as _;
use zappa::project::{DependencyFile, DependencySource, DiscoveryRequest, InstalledPackages, Project, ProjectError, discover};
use zappa::settings::AppSetting;

use crate::support::{TestProject, python};

fn look(project: &TestProject, environment: &[(&str, &str)], app: Option<&str>) -> Result<Project, ProjectError> {
    look_with(project, environment, app, None)
}

fn look_with(
    project: &TestProject,
    environment: &[(&str, &str)],
    app: Option<&str>,
    python: Option<&Path>,
) -> Result<Project, ProjectError> {
    let mut all: BTreeMap<String, String> = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.entry("PATH".to_owned()).or_insert_with(|| std::env::var("PATH").unwrap());
    let app = app.map(|app| AppSetting::Function(app.to_owned()));
    let request = DiscoveryRequest { directory: project.root().to_owned(), python: python.map(Path::to_owned), app };
    discover(&request, &all)
}

/// A virtual environment without pip, which takes a moment only.
fn venv(directory: &Path) -> PathBuf {
    let status = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(directory).status().unwrap();
    assert!(status.success());
    let lib = std::fs::read_dir(directory.join("lib")).unwrap().next().unwrap().unwrap().path();
    lib.join("site-packages")
}

fn flask() -> TestProject {
    TestProject::new().file("app.py", "from flask import Flask\n\napp = Flask(__name__)\n")
}

#[track_caller]
fn installed(project: &Project) -> &InstalledPackages {
    match &project.dependencies {
        DependencySource::Environment(installed) => installed,
        DependencySource::File { path, .. } => panic!("dependencies from {}", path.display()),
    }
}

fn names(installed: &InstalledPackages) -> Vec<(String, Option<String>)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    installed.linked.iter().map(|link| (name(&link.directory), link.distribution.clone())).collect()
}

#[test]
fn the_environment_is_chosen_by_the_nearest_word() {
    let project = flask();
    for directory in ["env", "venv", ".venv"] {
        venv(&project.root().join(directory));
        assert_eq!(look(&project, &[], None).unwrap().interpreter.found_by, format!("`{directory}`"), "the usual name first");
    }
    let other = project.outside().join("other");
    let site = venv(&other);
    let found = look(&project, &[("VIRTUAL_ENV", other.to_str().unwrap())], None).unwrap();
    assert_eq!(found.interpreter.found_by, "`VIRTUAL_ENV`");
    assert_eq!(installed(&found).site_packages, std::slice::from_ref(&site));
    let found = look_with(&project, &[("VIRTUAL_ENV", "/nowhere")], None, Some(&other)).unwrap();
    assert_eq!(found.interpreter.found_by, "`--python`");
    let found = look_with(&project, &[], None, Some(&other.join("bin/python"))).unwrap();
    assert_eq!(installed(&found).site_packages, [site]);
    assert!(found.interpreter.base_executable.is_absolute() && !found.interpreter.base_executable.starts_with(&other));
}

#[test]
fn what_is_installed_in_editable_mode_is_linked() {
    let project = flask();
    let site = venv(&project.root().join(".venv"));
    let outside = project.outside();
    for package in ["plain/src/plainlib", "finder/lib/findlib", "egg/egglib"] {
        std::fs::create_dir_all(outside.join(package)).unwrap();
        std::fs::write(outside.join(package).join("__init__.py"), "").unwrap();
    }
    let write = |name: &str, text: String| std::fs::write(site.join(name), text).unwrap();
    let dist_info = |name: &str, files: &str| {
        let directory = site.join(format!("{name}-1.0.dist-info"));
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("METADATA"), format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")).unwrap();
        std::fs::write(directory.join("RECORD"), files).unwrap();
    };
    // Poetry and uv write a path; setuptools a finder (PEP 660), or before that a link.
    write("plain.pth", format!("{}\n", outside.join("plain/src").display()));
    dist_info("plain", "plain.pth,,\n");
    write("__editable__.findlib-1.0.pth", "import __editable___findlib_1_0_finder; __editable___findlib_1_0_finder.install()\n".to_owned());
    let mapping =
        format!("MAPPING: dict[str, str] = {{'findlib': {:?}}}\n\n\ndef install():\n    pass\n", outside.join("finder/lib/findlib"));
    write("__editable___findlib_1_0_finder.py", mapping);
    dist_info("findlib", "__editable__.findlib-1.0.pth,,\n__editable___findlib_1_0_finder.py,,\n");
    write("egglib.egg-link", format!("{}\n.\n", outside.join("egg").display()));
    write("easy-install.pth", format!("{}\n", outside.join("egg").display()));
    // The project itself, and a line that names nothing: no links.
    write("self.pth", format!("{}\n/nowhere/at/all\n", project.root().display()));

    let found = look(&project, &[], None).unwrap();
    let mut linked = names(installed(&found));
    linked.sort();
    let owned = |name: &str| Some(name.to_owned());
    assert_eq!(linked, [("egg".to_owned(), owned("egglib")), ("lib".to_owned(), owned("findlib")), ("src".to_owned(), owned("plain"))]);
    let finder = installed(&found).linked.iter().find(|link| link.distribution.as_deref() == Some("findlib")).unwrap();
    assert_eq!(finder.modules.as_deref(), Some(&["findlib".to_owned()][..]), "what lies beside it is not meant");
}

#[test]
fn without_an_environment_the_most_exact_list_counts() {
    let project = flask();
    let error = look(&project, &[], None).unwrap_err();
    assert!(matches!(error, ProjectError::NoDependencies { .. }), "{error}");
    assert_eq!(error.hints().len(), 2, "two ways out: {:?}", error.hints());
    project.write("pyproject.toml", "[tool.black]\nline-length = 100\n");
    assert!(matches!(look(&project, &[], None), Err(ProjectError::NoDependencies { .. })), "settings of tools are no list");
    let lists = [
        ("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = [\"flask\"]\n", DependencyFile::Pyproject),
        ("requirements.txt", "flask\n", DependencyFile::Requirements),
        ("poetry.lock", "", DependencyFile::PoetryLock),
        ("uv.lock", "version = 1\n", DependencyFile::UvLock),
    ];
    for (name, text, wanted) in lists {
        project.write(name, text);
        let found = look(&project, &[], None).unwrap();
        match found.dependencies {
            DependencySource::File { path, kind } => assert_eq!((path, kind), (project.root().join(name), wanted)),
            DependencySource::Environment(_) => panic!("{name}"),
        }
    }
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let project = flask().file("requirements.txt", "");
    let error = look(&project, &[("VIRTUAL_ENV", "/nowhere/env")], None).unwrap_err();
    assert!(error.to_string().contains("/nowhere/env"), "{error}");
    std::fs::create_dir_all(project.root().join(".venv/bin")).unwrap();
    project.write(".venv/pyvenv.cfg", "home = /gone\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/gone/python3", project.root().join(".venv/bin/python3")).unwrap();
    let error = look(&project, &[], None).unwrap_err();
    assert!(matches!(error, ProjectError::BrokenEnvironment { .. }), "{error}");
    let error = look(&flask().file("requirements.txt", ""), &[("PATH", "/nowhere")], None).unwrap_err();
    assert!(matches!(error, ProjectError::NoPython), "{error}");
    let noisy = project.outside().join("noisy");
    std::fs::write(&noisy, "#!/bin/sh\necho what is this\nexit 3\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&noisy, std::fs::Permissions::from_mode(0o755)).unwrap();
        let error = look_with(&project, &[], None, Some(&noisy)).unwrap_err();
        assert!(error.to_string().contains("what is this"), "{error}");
        std::fs::write(
            &noisy,
            "#!/bin/sh\nprintf '\\036zappa\\036{\"version\": \"3.7.1\", \"minor\": 7, \"implementation\": \"cpython\"}\\036zappa\\036'\n",
        )
        .unwrap();
        let error = look_with(&project, &[], None, Some(&noisy)).unwrap_err();
        assert!(matches!(&error, ProjectError::TooOld { version, .. } if version == "3.7.1"), "{error}");
    }
    let missing = DiscoveryRequest { directory: project.root().join("nowhere"), python: None, app: None };
    assert!(matches!(discover(&missing, &BTreeMap::new()), Err(ProjectError::Root { .. })));
}

#[test]
fn the_app_is_found_by_reading_not_by_importing() {
    let venv = python::environment().to_str().unwrap();
    let environment = [("VIRTUAL_ENV", venv)];
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[("app.py", "from flask import Flask\nraise SystemExit('imported')\nserver = Flask(__name__)\n")], "app:server"),
        (&[("wsgi.py", "import flask as f\napplication = f.Flask('x')\n")], "wsgi:application"),
        (
            &[("shop/__init__.py", "from flask import Flask\ndef create_app(config=None):\n    app = Flask(__name__)\n    return app\n")],
            "shop:create_app()",
        ),
        (
            &[
                ("shop/__init__.py", "from flask import Flask\ndef create_app():\n    return Flask(__name__)\n"),
                ("wsgi.py", "from shop import create_app\napp = create_app()\n"),
            ],
            "wsgi:app",
        ),
        (&[("server.py", "def application(environ, start_response):\n    return []\n")], "server:application"),
        (
            &[("tests/app.py", "from flask import Flask\nx = Flask('t')\n"), ("main.py", "from flask import Flask\ny = Flask('m')\n")],
            "main:y",
        ),
        (&[("app.py", "from flask import Flask\nclass Mine(Flask):\n    pass\napp = Mine(__name__)\n")], "app:app"),
    ];
    for (files, wanted) in cases {
        let project = files.iter().fold(TestProject::new(), |project, (path, text)| project.file(path, text));
        let found = look(&project, &environment, None).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        assert_eq!(found.app, AppSetting::Function(wanted.to_owned()));
    }
    let django = TestProject::copy_of("examples/django-site");
    assert_eq!(look(&django, &environment, None).unwrap().app, AppSetting::Django("website.settings".to_owned()));
}

#[test]
fn an_app_that_is_not_there_is_refused_with_the_nearest_module() {
    let project = flask().file("requirements.txt", "");
    for app in ["app.app", "app:app", "app:make()"] {
        look(&project, &[], Some(app)).unwrap();
    }
    let error = look(&project, &[], Some("appp.app")).unwrap_err();
    assert!(error.to_string().contains("no module `appp`"), "{error}");
    assert_eq!(error.hints(), ["did you mean `app`?"]);
    let error = look(&TestProject::new().file("requirements.txt", ""), &[], None).unwrap_err();
    assert!(matches!(error, ProjectError::NoApp { .. }), "{error}");
}
