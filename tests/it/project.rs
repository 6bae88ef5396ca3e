//! Project discovery through the library: which interpreter, which site-packages, which editable installs, which app.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use zappa::hint::Hint as _;
use zappa::project::{self, DependencyFile, DependencySource, DiscoveryRequest, InstalledPackages, Project, ProjectError, Survey, python};
use zappa::settings::AppSetting;

use crate::support::TestProject;

mod apps;
mod asked;

/// A virtual environment without anything in it.
fn make_venv(directory: &Path, options: &[&str]) {
    let program = if cfg!(windows) { "python" } else { "python3" };
    let output = Command::new(program).args(["-m", "venv", "--without-pip"]).args(options).arg(directory).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn path_only() -> BTreeMap<String, String> {
    variables(&[])
}

fn variables(more: &[(&str, &Path)]) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([("PATH".to_owned(), std::env::var("PATH").unwrap())]);
    variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.to_str().unwrap().to_owned())));
    variables
}

fn survey(project: &TestProject, variables: &BTreeMap<String, String>) -> Result<Survey, ProjectError> {
    project::survey(project.root(), None, variables)
}

fn discover(project: &TestProject, app: Option<AppSetting>) -> Result<Project, ProjectError> {
    let request = DiscoveryRequest { directory: project.root().to_owned(), python: None, cache: None, app };
    project::discover(&request, &path_only())
}

#[track_caller]
fn installed(survey: Survey) -> InstalledPackages {
    match survey.dependencies {
        DependencySource::Environment(installed) => installed,
        DependencySource::File { path, .. } => panic!("dependencies from {}", path.display()),
    }
}

fn text(error: &ProjectError) -> String {
    format!("{error}\n{}", error.hints().join("\n"))
}

/// `site-packages` of an environment made by [`make_venv`].
fn site_packages(venv: &Path) -> PathBuf {
    if cfg!(windows) {
        return venv.join("Lib").join("site-packages");
    }
    let version = std::fs::read_dir(venv.join("lib")).unwrap().next().unwrap().unwrap();
    version.path().join("site-packages")
}

#[test]
fn environments_are_taken_in_order() {
    let project = TestProject::new().file("requirements.txt", "");
    let elsewhere = project.outside().join("elsewhere");
    make_venv(&elsewhere, &[]);
    let conda = variables(&[("CONDA_PREFIX", &elsewhere)]);
    let mut base = conda.clone();
    base.insert("CONDA_DEFAULT_ENV".to_owned(), "base".to_owned());

    let found_by = |variables: &BTreeMap<String, String>| survey(&project, variables).unwrap().interpreter.found_by;
    assert!(found_by(&path_only()).ends_with("on `PATH`"));
    assert!(found_by(&base).ends_with("on `PATH`"), "conda's own environment is not the project's");
    assert_eq!(found_by(&conda), "`CONDA_PREFIX`");

    // Configuration, not an environment.
    project.write("env/settings.ini", "");
    assert_eq!(found_by(&conda), "`CONDA_PREFIX`");
    for name in ["env", "venv", ".venv"] {
        make_venv(&project.root().join(name), &[]);
        assert_eq!(found_by(&conda), format!("`{name}` in the project"));
    }
    assert_eq!(found_by(&variables(&[("UV_PROJECT_ENVIRONMENT", &elsewhere)])), "`UV_PROJECT_ENVIRONMENT`");
    let activated = variables(&[("VIRTUAL_ENV", &elsewhere)]);
    let survey = survey(&project, &activated).unwrap();
    assert_eq!(survey.interpreter.found_by, "`VIRTUAL_ENV`");
    assert_eq!(survey.interpreter.prefix, elsewhere);

    for python in ["env", if cfg!(windows) { "env/Scripts/python.exe" } else { "env/bin/python" }] {
        let survey = project::survey(project.root(), Some(&project.root().join(python)), &activated).unwrap();
        assert_eq!((survey.interpreter.found_by.as_str(), &survey.interpreter.prefix), ("`--python`", &project.root().join("env")));
    }
}

#[test]
fn an_interpreter_describes_itself() {
    let project = TestProject::new();
    make_venv(&project.root().join(".venv"), &[]);
    let survey = survey(&project, &path_only()).unwrap();
    let interpreter = &survey.interpreter;
    assert!(interpreter.executable.starts_with(project.root().join(".venv")), "{interpreter:?}");
    assert!(!interpreter.base_executable.starts_with(project.root()) && interpreter.base_executable.is_file(), "{interpreter:?}");
    let minor = interpreter.runtime.minor;
    assert!(interpreter.version.starts_with(&format!("3.{minor}.")), "{interpreter:?}");
    assert_eq!(interpreter.cache_tag, format!("cpython-3{minor}"));
    let installed = installed(survey);
    assert_eq!(installed.site_packages, [site_packages(&project.root().join(".venv"))]);
    assert_eq!(installed.source, "`.venv`");
}

#[test]
fn the_shared_environment_holds_flask() {
    let project = TestProject::new();
    let survey = survey(&project, &variables(&[("VIRTUAL_ENV", crate::support::python::environment())])).unwrap();
    let installed = installed(survey);
    assert!(installed.site_packages.iter().any(|directory| directory.join("flask").is_dir()), "{installed:?}");
    assert!(installed.linked.is_empty(), "{installed:?}");
}

#[test]
fn system_site_packages_count_if_the_environment_includes_them() {
    let project = TestProject::new();
    make_venv(&project.root().join(".venv"), &["--system-site-packages"]);
    let installed = installed(survey(&project, &path_only()).unwrap());
    assert!(installed.site_packages.len() >= 2, "{installed:?}");
    assert_eq!(installed.site_packages[0], site_packages(&project.root().join(".venv")));
}

#[test]
fn an_uv_workspace_shares_its_environment() {
    let project = TestProject::new();
    std::fs::write(project.outside().join("pyproject.toml"), "[tool.uv.workspace]\nmembers = ['shop']\n").unwrap();
    make_venv(&project.outside().join(".venv"), &[]);
    project.write("pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\ndependencies = []\n");
    let survey = survey(&project, &path_only()).unwrap();
    assert_eq!(survey.interpreter.found_by, "`.venv` of the uv workspace");
}

#[cfg(unix)]
#[test]
fn poetry_is_asked_for_its_environment() {
    let project = TestProject::new().file("pyproject.toml", "[tool.poetry]\nname = 'shop'\n").file("poetry.lock", "");
    let venv = project.outside().join("cache/shop-py3");
    make_venv(&venv, &[]);
    let tools = project.outside().join("tools");
    script(&tools.join("poetry"), &format!("[ \"$1 $2 $3\" = 'env info --path' ] && echo '{}'", venv.display()));
    let mut variables = path_only();
    let path = std::env::join_paths([tools.clone()].into_iter().chain(std::env::split_paths(&variables["PATH"]))).unwrap();
    variables.insert("PATH".to_owned(), path.into_string().unwrap());
    let found = survey(&project, &variables).unwrap().interpreter;
    assert_eq!((found.found_by.as_str(), &found.prefix), ("`poetry env info`", &venv));

    script(&tools.join("poetry"), "exit 1");
    let survey = survey(&project, &variables).unwrap();
    assert!(matches!(survey.dependencies, DependencySource::File { kind: DependencyFile::PoetryLock, .. }), "{survey:?}");
}

#[cfg(unix)]
#[test]
fn an_environment_on_the_path_need_not_be_activated() {
    let project = TestProject::new().file("requirements.txt", "flask");
    let venv = project.outside().join("venv");
    make_venv(&venv, &[]);
    let variables = BTreeMap::from([("PATH".to_owned(), venv.join("bin").to_str().unwrap().to_owned())]);
    let survey = survey(&project, &variables).unwrap();
    assert_eq!((survey.interpreter.found_by.as_str(), &survey.interpreter.prefix), ("`python3` on `PATH`", &venv));
    installed(survey);
}

#[cfg(unix)]
#[test]
fn condas_own_environment_on_the_path_is_no_projects() {
    let project = TestProject::new().file("requirements.txt", "flask");
    let base = project.outside().join("conda");
    make_venv(&base, &[]);
    std::fs::create_dir(base.join("condabin")).unwrap();
    let variables = BTreeMap::from([("PATH".to_owned(), base.join("bin").to_str().unwrap().to_owned())]);
    let survey = survey(&project, &variables).unwrap();
    assert!(matches!(survey.dependencies, DependencySource::File { .. }), "{survey:?}");
}

/// The same settings work on the machine with an editable install and on the one with nothing but a list.
#[test]
fn a_src_layout_is_imported_from_src_whatever_is_installed() {
    let project = TestProject::new()
        .file("pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1\"\ndependencies = []\n")
        .file("src/shop/__init__.py", "from flask import Flask\n\n\ndef create_app():\n    app = Flask(__name__)\n    return app\n");
    let app = AppSetting::Function("shop:create_app()".to_owned());
    for environment in [false, true] {
        if environment {
            make_venv(&project.root().join(".venv"), &[]);
        }
        let found = discover(&project, None).unwrap();
        assert_eq!((matches!(found.dependencies, DependencySource::Environment(_)), &found.app), (environment, &app));
        assert_eq!(discover(&project, Some(app.clone())).unwrap().app, app);
    }
    // Without anything that packages it, the project runs from its root.
    std::fs::remove_file(project.root().join("pyproject.toml")).unwrap();
    assert_eq!(discover(&project, None).unwrap().app, AppSetting::Function("src.shop:create_app()".to_owned()));
}

#[test]
fn a_list_of_dependencies_will_do() {
    let project = TestProject::new();
    let error = survey(&project, &path_only()).unwrap_err();
    assert!(matches!(error, ProjectError::NoDependencies { .. }) && error.is_input(), "{error:?}");
    let shown = text(&error);
    assert!(shown.contains("python3 -m venv .venv") && shown.contains("`requirements.txt`"), "{shown}");

    project.write("pyproject.toml", "[tool.poetry.dependencies]\nflask = '*'\n");
    let shown = text(&survey(&project, &path_only()).unwrap_err());
    assert!(shown.contains("poetry lock"), "{shown}");

    let files = [
        ("pyproject.toml", "[project]\nname = 'shop'\ndependencies = ['flask']\n", DependencyFile::Pyproject),
        ("requirements.txt", "", DependencyFile::Requirements),
        ("poetry.lock", "", DependencyFile::PoetryLock),
        ("uv.lock", "", DependencyFile::UvLock),
    ];
    for (name, content, expected) in files {
        project.write(name, content);
        match survey(&project, &path_only()).unwrap().dependencies {
            DependencySource::File { path, kind } => assert_eq!((path, kind), (project.root().join(name), expected)),
            DependencySource::Environment(installed) => panic!("{installed:?}"),
        }
    }
}

#[test]
fn a_project_directory_has_to_be_one() {
    let project = TestProject::new().file("app.py", "").file("pyproject.toml", "[project\n");
    let error = project::survey(&project.root().join("gone"), None, &path_only()).unwrap_err();
    assert!(matches!(error, ProjectError::Root { .. }) && error.is_input(), "{error:?}");
    let error = project::survey(&project.root().join("app.py"), None, &path_only()).unwrap_err();
    assert!(matches!(error, ProjectError::NotADirectory { .. } | ProjectError::Root { .. }), "{error:?}");
    let error = survey(&project, &path_only()).unwrap_err();
    assert!(matches!(error, ProjectError::Pyproject { .. }), "{error:?}");
}

#[cfg(unix)]
#[test]
fn broken_environments_are_errors_with_a_remedy() {
    let project = TestProject::new().file("requirements.txt", "");
    let gone = variables(&[("VIRTUAL_ENV", &project.outside().join("gone"))]);
    let error = survey(&project, &gone).unwrap_err();
    assert!(text(&error).contains("deactivate"), "{error:?}");

    // The interpreter that it links to was removed.
    std::fs::create_dir_all(project.root().join(".venv/bin")).unwrap();
    std::os::unix::fs::symlink("/nowhere/python3.9", project.root().join(".venv/bin/python")).unwrap();
    let error = survey(&project, &path_only()).unwrap_err();
    let shown = text(&error);
    assert!(shown.contains("`/nowhere/python3.9` is gone") && shown.contains("python3 -m venv --clear"), "{shown}");

    // The interpreter was replaced by a newer one under the environment.
    std::fs::remove_dir_all(project.root().join(".venv")).unwrap();
    make_venv(&project.root().join(".venv"), &[]);
    let cfg = project.root().join(".venv/pyvenv.cfg");
    let content: Vec<String> =
        std::fs::read_to_string(&cfg).unwrap().lines().filter(|line| !line.starts_with("version")).map(str::to_owned).collect();
    std::fs::write(&cfg, format!("{}\nversion = 3.7.1\n", content.join("\n"))).unwrap();
    let error = survey(&project, &path_only()).unwrap_err();
    assert!(error.to_string().contains("made for Python 3.7"), "{error}");

    for given in ["no-such-python", "no/such/python"] {
        let error = project::survey(project.root(), Some(Path::new(given)), &path_only()).unwrap_err();
        assert!(matches!(error, ProjectError::NoSuchPython { .. }), "{error:?}");
    }
    let error = project::survey(project.root(), Some(project.root()), &path_only()).unwrap_err();
    assert!(error.to_string().contains("`--python`") && error.is_input(), "{error}");
}

#[cfg(unix)]
#[test]
fn interpreters_that_misbehave_are_named() {
    let project = TestProject::new();
    let fake = project.outside().join("fake");
    let run = |body: &str, patience: Duration| {
        script(&fake, body);
        python::probe(&[fake.clone().into()], project.root(), "`--python`", patience).unwrap_err()
    };
    let long = Duration::from_secs(60);
    let old = "printf '\\036zappa\\036{\"version\": \"3.8.2\", \"minor\": 8, \"implementation\": \"cpython\"}\\036zappa\\036'";
    let cases = [
        (old, "it is Python 3.8.2, and 3.9 is the oldest that is supported"),
        ("printf '\\036zappa\\036{\"version\": \"3.11.1\", \"minor\": 11, \"implementation\": \"pypy\"}\\036zappa\\036'", "it is `pypy`"),
        ("echo hello", "did not answer as a Python interpreter does: hello"),
        ("printf '\\036zappa\\036{\\036zappa\\036'", "could not understand"),
        ("echo first >&2; echo 'no module named encodings' >&2; exit 3", "no module named encodings"),
    ];
    for (body, expected) in cases {
        let error = run(body, long).to_string();
        assert!(error.contains(expected) && error.contains(fake.to_str().unwrap()), "{error}");
    }
    let error = run("exec sleep 600", Duration::from_millis(50));
    assert!(matches!(error, ProjectError::InterpreterHangs { .. }) && !error.is_input(), "{error:?}");
    std::fs::write(&fake, "\0\0").unwrap();
    let error = python::probe(&[fake.clone().into()], project.root(), "`--python`", long).unwrap_err();
    assert!(matches!(error, ProjectError::Start { .. }), "{error:?}");
}

/// An executable file. Copied by another process: what this one has open for writing, a child of another test may hold at the moment of its
/// start, and a program that is open for writing cannot be run.
#[cfg(unix)]
fn script(path: &Path, body: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = path.with_added_extension("text");
    std::fs::write(&text, format!("#!/bin/sh\n{body}\n")).unwrap();
    assert!(Command::new("install").args(["-m", "755"]).arg(text).arg(path).status().unwrap().success());
}

/// One editable install after the other, each as its tool leaves it behind.
struct Editables {
    project: TestProject,
    site: PathBuf,
}

impl Editables {
    fn new() -> Self {
        let project = TestProject::new();
        make_venv(&project.root().join(".venv"), &[]);
        let site = site_packages(&project.root().join(".venv"));
        Self { project, site }
    }

    /// A source file beside the project; its directory.
    fn source(&self, path: &str) -> PathBuf {
        let file = self.project.outside().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        file.parent().unwrap().to_owned()
    }

    fn site_file(&self, name: &str, content: &str) {
        let path = self.site.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn distribution(&self, name: &str, files: &[&str]) {
        let directory = format!("{name}-1.0.dist-info");
        self.site_file(&format!("{directory}/METADATA"), &format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"));
        let record: String = files.iter().map(|file| format!("{file},sha256=x,1\n")).collect();
        self.site_file(&format!("{directory}/RECORD"), &record);
    }

    /// (directory, distribution, modules), as discovery sees them.
    fn linked(&self) -> Vec<(PathBuf, String, Option<Vec<String>>)> {
        let installed = installed(survey(&self.project, &path_only()).unwrap());
        assert_eq!(installed.site_packages, std::slice::from_ref(&self.site));
        let linked = installed.linked.into_iter();
        linked.map(|link| (link.directory, link.distribution.unwrap_or_default(), link.modules)).collect()
    }
}

#[test]
fn pth_lines_are_followed() {
    let editables = Editables::new();
    let plain = editables.source("plain/thing.py");
    let source = editables.source("billing/src/billing/__init__.py").parent().unwrap().to_owned();
    editables.site_file("a.pth", &format!("# comment\n\n{}\n/nowhere\nimport sys\n", plain.display()));
    // hatch, poetry, pdm, flit and uv write a plain path, and say whose it is in RECORD.
    editables.site_file("_billing.pth", &source.display().to_string());
    editables.distribution("billing", &["_billing.pth", "billing-1.0.dist-info/METADATA"]);
    let expected = [(source, "billing".to_owned(), None), (plain, String::new(), None)];
    assert_eq!(editables.linked(), expected);
}

#[test]
fn only_what_is_installed_is_meant_of_a_flat_project() {
    let editables = Editables::new();
    let flat = editables.source("flat/setup.py");
    for file in ["flat/tool/__init__.py", "flat/tests/test_tool.py", "flat/extra.py", "flat/my-docs/conf.py", "flat/.git/x.py"] {
        editables.source(file);
    }
    editables.site_file("__editable__.tool-1.0.pth", flat.to_str().unwrap());
    editables.distribution("tool", &["__editable__.tool-1.0.pth"]);
    let modules = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(editables.linked(), [(flat.clone(), "tool".to_owned(), modules(&["extra", "tool"]))]);
    editables.site_file("tool-1.0.dist-info/top_level.txt", "tool\n");
    assert_eq!(editables.linked(), [(flat, "tool".to_owned(), modules(&["tool"]))]);
}

#[test]
fn egg_links_are_followed() {
    let editables = Editables::new();
    let listed = editables.source("legacy/setup.py");
    editables.source("legacy/legacy_app/__init__.py");
    editables.source("legacy/tests/__init__.py");
    std::fs::create_dir(listed.join("legacy_app.egg-info")).unwrap();
    std::fs::write(listed.join("legacy_app.egg-info/top_level.txt"), "legacy_app\n").unwrap();
    editables.site_file("legacy-app.egg-link", &format!("{}\n.", listed.display()));
    editables.site_file("easy-install.pth", &format!("{}\n", listed.display()));
    let other = editables.source("other/src/other.py");
    editables.site_file("other.egg-link", &format!("{}\n../", other.display()));
    let expected = [(listed, "legacy-app".to_owned(), Some(vec!["legacy_app".to_owned()])), (other, "other".to_owned(), None)];
    assert_eq!(editables.linked(), expected);
}

#[test]
fn finders_of_editable_installs_are_read() {
    let editables = Editables::new();
    let package = editables.source("mono/lib/cart/__init__.py");
    let directory = package.parent().unwrap().to_owned();
    editables.source("mono/lib/acme/tax/__init__.py");
    editables.source("mono/lib/single.py");
    let mapping = format!(
        "MAPPING: dict[str, str] = {{'cart': {:?}, 'acme.tax': {:?}, 'single': {:?}, 'cart.sub': '/x'}}\ndef install(): pass\n",
        package.to_str().unwrap(),
        directory.join("acme/tax").to_str().unwrap(),
        directory.join("single.py").to_str().unwrap(),
    );
    editables.site_file("__editable___mono_1_0_finder.py", &mapping);
    editables.site_file("__editable__.mono-1.0.pth", "import __editable___mono_1_0_finder; __editable___mono_1_0_finder.install()");
    editables.distribution("mono", &["__editable__.mono-1.0.pth", "__editable___mono_1_0_finder.py"]);
    let modules = ["acme", "cart", "single"].map(str::to_owned).to_vec();
    assert_eq!(editables.linked(), [(directory.clone(), "mono".to_owned(), Some(modules))]);

    // A finder that gives a directory another name: no layout of a bundle can do that.
    let renamed = format!("MAPPING = {{'basket': {:?}}}\ndef install(): pass\n", package.to_str().unwrap());
    editables.site_file("__editable___mono_1_0_finder.py", &renamed);
    let error = survey(&editables.project, &path_only()).unwrap_err();
    assert!(text(&error).contains("install `mono` without `-e`"), "{error}");
}

#[test]
fn other_editable_installs_are_found_by_their_origin() {
    let editables = Editables::new();
    let source = editables.source("native/src/native/__init__.py").parent().unwrap().to_owned();
    let project = source.parent().unwrap();
    editables.distribution("native", &[]);
    let url = format!("file://{}", project.display());
    editables.site_file("native-1.0.dist-info/direct_url.json", &format!("{{\"dir_info\": {{\"editable\": true}}, \"url\": {url:?}}}"));
    assert_eq!(editables.linked(), [(source, "native".to_owned(), None)]);
    editables.site_file("native-1.0.dist-info/direct_url.json", &format!("{{\"dir_info\": {{}}, \"url\": {url:?}}}"));
    assert_eq!(editables.linked(), []);
}

#[test]
fn the_project_itself_is_no_dependency_but_its_src_stays_importable() {
    let editables = Editables::new();
    let root = editables.project.root().to_owned();
    editables.project.write("src/shop/app.py", "from flask import Flask\napp = Flask(__name__)\n");
    editables.site_file("shop.pth", &format!("{}\n{}\n", root.display(), root.join("src").display()));
    assert_eq!(editables.linked(), [(root.join("src"), String::new(), None)]);
    // And the app goes by the name that it is imported under.
    let project = discover(&editables.project, None).unwrap();
    assert_eq!(project.app, AppSetting::Function("shop.app:app".to_owned()));
    discover(&editables.project, Some(AppSetting::Function("shop.app.app".to_owned()))).unwrap();
}
