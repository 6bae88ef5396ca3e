//! The bundle through the library: what goes in and why, what stays out, what is refused, and that the same input gives the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use expect_test::expect;
use zappa::bundle::{self, BundleError, Manifest, Part};
use zappa::hint::Hint as _;
use zappa::model::{Architecture, FrontDoor, Runtime, StageId, Target};
use zappa::observe::{Observer, TaskId};
use zappa::project::{DependencyFile, DependencySource, InstalledPackages, Interpreter, LinkedSource, Project};
use zappa::settings::{AppSetting, Packaging, Schedule, Settings, ShimSettings};

use crate::support::{TestProject, python};

/// A project with an app, an environment made by hand beside it, and settings: change what a test is about.
struct Fixture {
    files: TestProject,
    settings: Settings,
    app: AppSetting,
    linked: Vec<LinkedSource>,
    list: Option<(&'static str, DependencyFile)>,
    python: PathBuf,
    /// Where uv is looked for.
    tools: PathBuf,
    said: Said,
}

impl Fixture {
    fn new() -> Self {
        let files = TestProject::new().file("app.py", "from flask import Flask\napp = Flask(__name__)\n");
        fs::create_dir(files.outside().join("site")).unwrap();
        Self {
            files,
            settings: settings(),
            app: AppSetting::Function("app.app".to_owned()),
            linked: Vec::new(),
            list: None,
            python: PathBuf::from("python-is-not-run"),
            tools: PathBuf::new(),
            said: Said::default(),
        }
    }

    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.write(path, content);
        self
    }

    fn site(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        write(&self.site_packages().join(path), content);
        self
    }

    /// Installs a distribution with one package of its own name: metadata, `RECORD` and all.
    fn distribution(self, name: &str, version: &str, requires: &[&str], requested: bool) -> Self {
        let module = name.to_lowercase().replace('-', "_");
        let metadata = format!("{module}-{version}.dist-info");
        let mut headers = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        for requirement in requires {
            writeln!(headers, "Requires-Dist: {requirement}").unwrap();
        }
        let record = format!("{module}/__init__.py,sha256=x,1\n{metadata}/METADATA,,\n{metadata}/RECORD,,\n../../../bin/{module},,\n");
        let fixture = self
            .site(&format!("{module}/__init__.py"), format!("# {name}\n"))
            .site(&format!("{metadata}/METADATA"), headers + "\nRequires-Dist: description-is-no-header\n")
            .site(&format!("{metadata}/RECORD"), record)
            .site(&format!("{metadata}/INSTALLER"), "pip\n");
        if requested { fixture.site(&format!("{metadata}/REQUESTED"), "") } else { fixture }
    }

    fn packaging(mut self, change: impl FnOnce(&mut Packaging)) -> Self {
        change(&mut self.settings.packaging);
        self
    }

    fn root(&self) -> &Path {
        self.files.root()
    }

    fn site_packages(&self) -> PathBuf {
        self.files.outside().join("site")
    }

    fn cache(&self) -> PathBuf {
        self.files.outside().join("cache")
    }

    fn plan(&self) -> Result<Manifest, BundleError> {
        let dependencies = match &self.list {
            None => DependencySource::Environment(InstalledPackages {
                site_packages: vec![self.site_packages()],
                linked: self.linked.clone(),
                source: "`.venv`".to_owned(),
            }),
            Some((name, kind)) => DependencySource::File { path: self.root().join(name), kind: *kind },
        };
        let project = Project { root: self.root().to_owned(), interpreter: interpreter(&self.python), app: self.app.clone(), dependencies };
        let options = bundle::PlanOptions { search_path: Some(self.tools.clone().into()), ..Default::default() };
        bundle::plan_with(&project, &self.settings, &self.cache(), &options, &self.said)
    }

    #[track_caller]
    fn manifest(&self) -> Manifest {
        self.plan().unwrap_or_else(|error| panic!("{}", text(&error)))
    }

    /// Message, causes and hints of the refusal, with the temporary directory's name taken out.
    #[track_caller]
    fn refused(&self) -> String {
        self.shown(&self.plan().map(|manifest| paths(&manifest)).unwrap_err())
    }

    fn shown(&self, error: &BundleError) -> String {
        text(error).replace(self.files.outside().canonicalize().unwrap().to_str().unwrap(), "[DIR]")
    }
}

/// Remembers warnings.
#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl Observer for Said {
    fn begin(&self, task: &str, _total: Option<u64>) -> TaskId {
        self.0.lock().unwrap().push(format!("task: {task}"));
        TaskId(0)
    }
    fn advance(&self, _id: TaskId, _done: u64) {}
    fn end(&self, _id: TaskId, _outcome: Result<&str, ()>) {}
    fn note(&self, _message: &str) {}
    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
    fn detail(&self, _message: &str) {}
}

fn settings() -> Settings {
    Settings {
        id: StageId { project: "shop".to_owned(), stage: "prod".to_owned() },
        file: None,
        target: Target::Local,
        app: None,
        runtime: None,
        architecture: Architecture::X86_64,
        memory_size: 512,
        timeout_seconds: 30,
        ephemeral_storage: 512,
        lambda_concurrency: None,
        lambda_description: String::new(),
        environment: BTreeMap::from([("SECRET".to_owned(), "do-not-bundle".to_owned())]),
        front_door: FrontDoor::Rest,
        local_port: None,
        domain: None,
        base_path: None,
        shim: ShimSettings {
            debug: false,
            log_level: "INFO".to_owned(),
            binary_support: true,
            additional_text_mimetypes: vec!["application/x-text".to_owned()],
            context_header_mappings: BTreeMap::new(),
            exception_handler: None,
            allow_raw_invoke: false,
        },
        packaging: Packaging::default(),
        schedules: Vec::new(),
        keep_warm: None,
        touch_path: None,
        num_retained_versions: None,
        tags: BTreeMap::new(),
        values: Vec::new(),
    }
}

fn interpreter(executable: &Path) -> Interpreter {
    Interpreter {
        executable: executable.to_owned(),
        base_executable: executable.to_owned(),
        runtime: Runtime { minor: 11 },
        version: "3.11.7".to_owned(),
        cache_tag: "cpython-311".to_owned(),
        platform: "linux-x86_64".to_owned(),
        prefix: PathBuf::from("/nowhere"),
        found_by: "the test".to_owned(),
    }
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn text(error: &BundleError) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        writeln!(text, "  Caused by: {inner}").unwrap();
        cause = inner.source();
    }
    for hint in error.hints() {
        writeln!(text, "hint: {hint}").unwrap();
    }
    text
}

/// Everything but the shim, one per line.
fn paths(manifest: &Manifest) -> String {
    let ours = manifest.entries.iter().filter(|entry| !matches!(entry.part, Part::Shim | Part::Configuration));
    ours.fold(String::new(), |text, entry| text + &format!("{} ({})\n", entry.path, entry.reason))
}

fn skipped(manifest: &Manifest) -> String {
    manifest.skipped.iter().fold(String::new(), |text, skipped| text + &format!("{} ({})\n", skipped.path, skipped.reason))
}

fn holds(manifest: &Manifest, path: &str) -> bool {
    manifest.entries.iter().any(|entry| entry.path == path)
}

/// Runs Python source with arguments; its standard output.
fn run_python(source: &str, arguments: &[&Path]) -> String {
    let output = Command::new(python::interpreter()).arg("-c").arg(source).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_shim_is_complete() {
    let directory = crate::support::project::repository().join("shim/zappa");
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut expected: Vec<String> = names.filter(|name| name.ends_with(".py")).collect();
    expected.sort();
    let embedded: Vec<&str> = bundle::SHIM_FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(embedded, expected, "the list in src/bundle/shim.rs and the directory shim/zappa differ");
}

#[test]
fn project_and_dependencies_stand_side_by_side() {
    let fixture = Fixture::new().file("static/a.css", "a").file("data.sqlite3", "x").distribution("Flask", "3.1.3", &[], true);
    let manifest = fixture.site("loose.py", "").site("flask/__pycache__/x.pyc", "").site("old.pth", "import x").manifest();
    expect![[r#"
        app.py (project file)
        data.sqlite3 (project file)
        flask-3.1.3.dist-info/METADATA (Flask 3.1.3)
        flask/__init__.py (Flask 3.1.3)
        loose.py (site-packages)
        static/a.css (project file)
    "#]]
    .assert_eq(&paths(&manifest));
    assert!(holds(&manifest, "zappa/handler.py") && holds(&manifest, "zappa/config.json"));
    assert_eq!(manifest.dependencies, "`.venv`");
    let mut sorted = manifest.entries.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>();
    sorted.sort();
    assert!(manifest.entries.iter().map(|entry| &entry.path).eq(&sorted));
}

#[test]
fn defaults_leave_out_what_no_deployment_needs() {
    let mut fixture = Fixture::new();
    for path in [
        ".git/HEAD",
        ".gitignore",
        ".github/workflows/ci.yml",
        ".hg/x",
        ".env",
        ".env.production",
        "web/.env",
        "zappa_settings.toml",
        "zappa_settings.json",
        ".zappa/state.json",
        ".zappaignore",
        "__pycache__/app.cpython-311.pyc",
        "stale.pyc",
        "web/node_modules/x/index.js",
        ".tox/x",
        ".nox/x",
        ".mypy_cache/x",
        ".pytest_cache/x",
        ".ruff_cache/x",
        ".idea/x",
        ".vscode/x",
        ".DS_Store",
        "shop.egg-info/PKG-INFO",
        "env-of-mine/pyvenv.cfg",
        "env-of-mine/lib/python3.11/site-packages/x.py",
        "conda/conda-meta/history",
        "shop-prod.zip",
        "shop-prod-1719999999.zip",
        "handler_shop-prod-1719999999.zip",
        "handler_venv/zappa/handler.py",
    ] {
        fixture = fixture.file(path, "");
    }
    let manifest = fixture.file("other.zip", "").file("web/shop-prod.zip", "").file("environment.py", "").manifest();
    expect![[r#"
        app.py (project file)
        environment.py (project file)
        other.zip (project file)
        web/shop-prod.zip (project file)
    "#]]
    .assert_eq(&paths(&manifest));
    expect![[r#"
        .DS_Store (of a file manager)
        .env (secrets of this machine)
        .env.production (secrets of this machine)
        .git/ (version control)
        .github/ (version control)
        .gitignore (version control)
        .hg/ (version control)
        .idea/ (settings of an editor)
        .mypy_cache/ (a cache)
        .nox/ (a cache)
        .pytest_cache/ (a cache)
        .ruff_cache/ (a cache)
        .tox/ (a cache)
        .vscode/ (settings of an editor)
        .zappa/ (state of the local target)
        .zappaignore (settings of this tool)
        __pycache__/ (byte code)
        conda/ (a virtual environment)
        env-of-mine/ (a virtual environment)
        handler_shop-prod-1719999999.zip (an archive of this tool)
        handler_venv/ (left behind by zappa/Zappa)
        shop-prod-1719999999.zip (an archive of this tool)
        shop-prod.zip (an archive of this tool)
        shop.egg-info/ (packaging metadata of the project)
        stale.pyc (byte code)
        web/.env (secrets of this machine)
        web/node_modules/ (packages of Node.js)
        zappa_settings.json (settings of this tool)
        zappa_settings.toml (settings of this tool)
    "#]]
    .assert_eq(&skipped(&manifest));
}

#[test]
fn the_output_and_the_cache_may_lie_in_the_project() {
    let fixture = Fixture::new().file("build/out.zip", "old").file("build/keep.txt", "");
    let project = Project {
        root: fixture.root().to_owned(),
        interpreter: interpreter(&fixture.python),
        app: fixture.app.clone(),
        dependencies: DependencySource::Environment(InstalledPackages { site_packages: vec![], linked: vec![], source: String::new() }),
    };
    let cache = fixture.root().join("cache");
    write(&cache.join("dependencies/x/y.py"), "");
    let options = bundle::PlanOptions { outputs: vec![fixture.root().join("build/out.zip")], ..Default::default() };
    let manifest = bundle::plan_with(&project, &fixture.settings, &cache, &options, &fixture.said).unwrap();
    assert_eq!(paths(&manifest), "app.py (project file)\nbuild/keep.txt (project file)\n");
}

#[test]
fn exclude_and_exclude_glob_reach_project_and_dependencies_and_include_wins_over_defaults() {
    let fixture = Fixture::new()
        .file("debug.log", "")
        .file("docs/index.md", "")
        .file("static/a.map", "")
        .file("static/deep/b.map", "")
        .file("static/deep/b.js", "")
        .file("web/node_modules/kept/dist/x.js", "")
        .file("web/node_modules/kept/src/x.js", "")
        .file("web/node_modules/other/x.js", "")
        .file(".env.example", "")
        .distribution("Flask", "3.1.3", &[], true)
        .site("flask/debug.log", "")
        .site("flask/static/c.map", "")
        .distribution("setuptools", "80.0", &[], false)
        .packaging(|packaging| {
            packaging.exclude = ["*.log", "docs"].map(str::to_owned).to_vec();
            packaging.exclude_glob = ["static/**/*.map", "flask/static/"].map(str::to_owned).to_vec();
            packaging.include = ["web/node_modules/kept/dist/**", ".env.example", "setuptools"].map(str::to_owned).to_vec();
        });
    let manifest = fixture.manifest();
    expect![[r#"
        .env.example (`include`)
        app.py (project file)
        flask-3.1.3.dist-info/METADATA (Flask 3.1.3)
        flask/__init__.py (Flask 3.1.3)
        setuptools/__init__.py (setuptools 80.0)
        static/deep/b.js (project file)
        web/node_modules/kept/dist/x.js (`include`)
    "#]]
    .assert_eq(&paths(&manifest));
    expect![[r#"
        debug.log (`exclude` has `*.log`)
        docs/ (`exclude` has `docs`)
        flask/debug.log (`exclude` has `*.log`)
        flask/static/ (`exclude_glob` has `flask/static/`)
        setuptools-80.0.dist-info/ (setuptools 80.0: a packaging tool that nothing needs)
        static/a.map (`exclude_glob` has `static/**/*.map`)
        static/deep/b.map (`exclude_glob` has `static/**/*.map`)
    "#]]
    .assert_eq(&skipped(&manifest));
}

#[test]
fn zappaignore_has_the_syntax_of_gitignore() {
    let fixture = Fixture::new()
        .file(".gitignore", "built.css\n")
        .file("built.css", "")
        .file(".zappaignore", "# comment\n*.txt\n!keep.txt\n/only-root\nlogs/\n")
        .file("a.txt", "")
        .file("keep.txt", "")
        .file("only-root", "")
        .file("sub/only-root", "")
        .file("sub/a.txt", "")
        .file("sub/b.txt", "")
        .file("sub/.zappaignore", "!b.txt\n*.csv\n")
        .file("sub/c.csv", "")
        .file("c.csv", "")
        .file("sub/logs/x", "");
    let manifest = fixture.manifest();
    expect![[r#"
        app.py (project file)
        built.css (project file)
        c.csv (project file)
        keep.txt (project file)
        sub/b.txt (project file)
        sub/only-root (project file)
    "#]]
    .assert_eq(&paths(&manifest));
    assert!(skipped(&manifest).contains("sub/c.csv (`sub/.zappaignore` has `*.csv`)\n"), "{}", skipped(&manifest));
}

#[test]
fn patterns_that_are_none_or_match_nothing_are_told() {
    let fixture = Fixture::new().packaging(|packaging| packaging.exclude = vec!["a[".to_owned()]);
    expect![[r#"
        error: `exclude` holds `a[`, which is not a pattern
          Caused by: error parsing glob 'a[': unclosed character class; missing ']'
        hint: `exclude` holds shell patterns for base names: `*.log`, `tests`
    "#]]
    .assert_eq(&fixture.refused());
    let fixture = Fixture::new().packaging(|packaging| packaging.exclude = vec!["static/*.map".to_owned()]);
    fixture.manifest();
    let said = fixture.said.0.lock().unwrap().join("\n");
    assert_eq!(said, "`exclude` is compared with names, never with paths: `static/*.map` matches nothing (use `exclude_glob`)");
}

#[test]
fn the_old_tool_and_what_only_it_pulled_in_stay_out() {
    let fixture = Fixture::new()
        .file("shop.py", "try:\n    import yaml_ish\nexcept ImportError: import other\n")
        .distribution("zappa", "0.63.1", &["boto3>=1.17", "requests", "yaml-ish", "Click ; python_version < '4'", "kept-too"], true)
        .distribution("boto3", "1.40", &["botocore", "jmespath"], false)
        .distribution("botocore", "1.40", &["jmespath", "urllib3"], false)
        .distribution("jmespath", "1.0", &[], false)
        .distribution("urllib3", "2.0", &[], false)
        .distribution("requests", "2.32", &["urllib3", "socks ; extra == 'socks'"], false)
        .distribution("socks", "1", &[], false)
        .distribution("yaml-ish", "6.0", &[], false)
        .distribution("Click", "8.3", &["only-on-windows ; sys_platform == 'win32'"], false)
        .distribution("kept-too", "1", &[], true)
        .distribution("Flask", "3.1.3", &["click>=8", "urllib3[brotli]"], true)
        .distribution("pip", "25", &[], true)
        .distribution("wheel", "1", &["packaging"], false)
        .distribution("packaging", "25", &[], false)
        .site("zappa/left_over.py", "");
    let manifest = fixture.manifest();
    let names: Vec<&str> = manifest
        .entries
        .iter()
        .filter(|entry| entry.part == Part::Dependencies && entry.path.ends_with("/__init__.py"))
        .map(|entry| entry.reason.as_str())
        .collect();
    assert_eq!(names, ["Click 8.3", "Flask 3.1.3", "kept-too 1", "socks 1", "urllib3 2.0", "yaml-ish 6.0"]);
    expect![[r#"
        boto3-1.40.dist-info/ (boto3 1.40: only zappa/Zappa needs it)
        botocore-1.40.dist-info/ (botocore 1.40: only zappa/Zappa needs it)
        jmespath-1.0.dist-info/ (jmespath 1.0: only zappa/Zappa needs it)
        packaging-25.dist-info/ (packaging 25: only packaging tools need it)
        pip-25.dist-info/ (pip 25: a packaging tool that nothing needs)
        requests-2.32.dist-info/ (requests 2.32: only zappa/Zappa needs it)
        wheel-1.dist-info/ (wheel 1: a packaging tool that nothing needs)
        zappa-0.63.1.dist-info/ (zappa 0.63.1: the shim takes its place)
    "#]]
    .assert_eq(&skipped(&manifest));
}

#[test]
fn a_frozen_list_asks_for_nothing_by_name() {
    let fixture = Fixture::new().distribution("zappa", "0.63.1", &["boto3"], true).distribution("boto3", "1.40", &[], true).distribution(
        "Flask",
        "3.1.3",
        &[],
        true,
    );
    assert!(!holds(&fixture.manifest(), "boto3/__init__.py"));
}

#[test]
fn packaging_tools_stay_where_something_needs_them() {
    let fixture = Fixture::new().distribution("setuptools", "80", &[], false).distribution("old", "1", &["setuptools"], true);
    assert!(holds(&fixture.manifest(), "setuptools/__init__.py"));
}

#[test]
fn boto3_can_be_left_to_the_runtime() {
    let fixture = Fixture::new()
        .file("shop.py", "import boto3\n")
        .distribution("boto3", "1.40", &["botocore", "jmespath", "s3transfer"], true)
        .distribution("botocore", "1.40", &["jmespath", "urllib3"], false)
        .distribution("s3transfer", "0.1", &[], false)
        .distribution("jmespath", "1.0", &[], false)
        .distribution("urllib3", "2.0", &[], false)
        .distribution("requests", "2.32", &["urllib3"], true);
    assert!(holds(&fixture.manifest(), "boto3/__init__.py"));
    let manifest = fixture.packaging(|packaging| packaging.use_runtime_boto3 = true).manifest();
    expect![[r#"
        app.py (project file)
        requests-2.32.dist-info/METADATA (requests 2.32)
        requests/__init__.py (requests 2.32)
        shop.py (project file)
        urllib3-2.0.dist-info/METADATA (urllib3 2.0)
        urllib3/__init__.py (urllib3 2.0)
    "#]]
    .assert_eq(&paths(&manifest));
}

#[test]
fn the_first_site_packages_directory_wins_and_the_project_wins_over_all() {
    let fixture = Fixture::new().distribution("Flask", "3.1.3", &[], true).file("flask/__init__.py", "# mine, and longer than theirs\n");
    let manifest = fixture.manifest();
    assert!(paths(&manifest).contains("flask/__init__.py (project file)\n"));
    let said = fixture.said.0.lock().unwrap().join("\n");
    assert_eq!(said, "`flask/__init__.py` of the project takes the place of the file of Flask 3.1.3");
}

#[test]
fn linked_sources_go_to_the_root() {
    let mut fixture = Fixture::new()
        .file("src/shop/__init__.py", "")
        .file("src/shop/data.json", "{}")
        .file("src/setup.py", "")
        .distribution("Flask", "3.1.3", &[], true);
    let library = fixture.files.outside().join("library");
    write(&library.join("tools/__init__.py"), "");
    write(&library.join("tools/__pycache__/x.pyc"), "");
    write(&library.join("unrelated/__init__.py"), "");
    fixture.linked = vec![
        LinkedSource { directory: fixture.root().to_owned(), distribution: Some("root".to_owned()), modules: None },
        LinkedSource { directory: fixture.root().join("src"), distribution: Some("shop".to_owned()), modules: None },
        LinkedSource { directory: library, distribution: Some("library".to_owned()), modules: Some(vec!["tools".to_owned()]) },
    ];
    fixture.app = AppSetting::Function("shop:create_app()".to_owned());
    let manifest = fixture.manifest();
    expect![[r#"
        app.py (project file)
        flask-3.1.3.dist-info/METADATA (Flask 3.1.3)
        flask/__init__.py (Flask 3.1.3)
        shop/__init__.py (shop)
        shop/data.json (shop)
        src/setup.py (project file)
        src/shop/__init__.py (project file)
        src/shop/data.json (project file)
        tools/__init__.py (library)
    "#]]
    .assert_eq(&paths(&manifest));
    let part = |path: &str| manifest.entries.iter().find(|entry| entry.path == path).unwrap().part;
    assert_eq!((part("shop/__init__.py"), part("tools/__init__.py")), (Part::App, Part::Dependencies));
}

#[test]
fn the_configuration_is_data_for_the_shim() {
    let mut fixture = Fixture::new();
    fixture.settings.domain = Some("shop.example".to_owned());
    fixture.settings.schedules = vec![Schedule {
        name: "nightly".to_owned(),
        function: "app.nightly".to_owned(),
        expression: "rate(1 day)".to_owned(),
        kwargs: serde_json::from_str(r#"{"dry": "ünicode"}"#).unwrap(),
        description: None,
        enabled: true,
    }];
    let configuration = |fixture: &Fixture| {
        let entries = fixture.manifest().entries;
        let entry = entries.into_iter().find(|entry| entry.path == "zappa/config.json").unwrap();
        let bundle::Source::Bytes(bytes) = entry.source else { panic!("generated") };
        String::from_utf8(bytes).unwrap()
    };
    expect![[r#"
        {
          "format": 1,
          "app": "app:app",
          "django_settings": null,
          "project": "shop",
          "stage": "prod",
          "debug": false,
          "log_level": "INFO",
          "base_path": null,
          "domain": "shop.example",
          "binary_support": true,
          "additional_text_mimetypes": [
            "application/x-text"
          ],
          "context_header_mappings": {},
          "exception_handler": null,
          "schedules": {
            "nightly": {
              "function": "app.nightly",
              "kwargs": {
                "dry": "ünicode"
              }
            }
          },
          "allow_raw_invoke": false
        }
    "#]]
    .assert_eq(&configuration(&fixture));
    fixture.app = AppSetting::Function("app:make.it()".to_owned());
    assert!(configuration(&fixture).contains(r#""app": "app:make.it()""#));
    fixture = fixture.file("site/settings.py", "");
    fixture.app = AppSetting::Django("site.settings".to_owned());
    let django = configuration(&fixture);
    assert!(django.contains("\"app\": null,\n  \"django_settings\": \"site.settings\""), "{django}");
}

#[test]
fn a_missing_app_module_is_refused_with_what_is_known_about_it() {
    let mut fixture = Fixture::new().file("src/shop/wsgi.py", "").file("hidden/wsgi.py", "");
    fixture.app = AppSetting::Function("shop.wsgi.app".to_owned());
    expect![[r#"
        error: the bundle does not hold the module `shop.wsgi` of the app `shop.wsgi.app` (looked for `shop/wsgi.py` and `shop/wsgi/__init__.py`)
        hint: there is `src/shop/wsgi.py`: install the project into its environment (`pip install -e .`), or name the app as it is seen from the root (`src.shop.wsgi`)
    "#]]
    .assert_eq(&fixture.refused());
    fixture = fixture.packaging(|packaging| packaging.exclude = vec!["hidden".to_owned()]);
    fixture.app = AppSetting::Function("hidden.wsgi:app".to_owned());
    expect![[r#"
        error: the bundle does not hold the module `hidden.wsgi` of the app `hidden.wsgi:app` (looked for `hidden/wsgi.py` and `hidden/wsgi/__init__.py`)
        hint: `hidden/` is left out: `exclude` has `hidden`
    "#]]
    .assert_eq(&fixture.refused());
    fixture.app = AppSetting::Function("app".to_owned());
    expect![[r#"
        error: `app` does not name an app: `module:callable` or `module.callable`
        hint: set `app_function` to where the app is, like `shop.wsgi:app`
    "#]]
    .assert_eq(&fixture.refused());
}

#[test]
fn a_package_with_the_shims_name_is_refused() {
    expect![[r#"
        error: `zappa/__init__.py` of the project would hide the package `zappa` of the bundle, which holds the handler
        hint: rename it, or leave it out with `exclude_glob` or `.zappaignore`
    "#]]
    .assert_eq(&Fixture::new().file("zappa/__init__.py", "").refused());
}

#[test]
fn metadata_still_answers_in_the_bundle() {
    let fixture = Fixture::new()
        .distribution("Shop-Tool", "1.2", &[], true)
        .site("shop_tool-1.2.dist-info/entry_points.txt", "[shop.plugins]\nfirst = shop_tool:run\n");
    let bundle = bundle::write(&fixture.manifest(), &fixture.files.outside().join("out"), &fixture.said).unwrap();
    let seen = run_python(
        "import sys; sys.path.insert(0, sys.argv[1])\n\
         from importlib import metadata\n\
         points = metadata.entry_points()\n\
         points = points.select(group='shop.plugins') if hasattr(points, 'select') else points['shop.plugins']\n\
         print(metadata.version('shop-tool'), [point.value for point in points])",
        &[&bundle.code().unwrap().path],
    );
    assert_eq!(seen.trim(), "1.2 ['shop_tool:run']");
}

#[test]
fn a_real_environment_works_out_of_its_bundle() {
    let fixture = Fixture::new();
    let site = run_python("import sysconfig; print(sysconfig.get_path('purelib'))", &[]);
    let project = Project {
        root: fixture.root().to_owned(),
        interpreter: interpreter(&python::interpreter()),
        app: fixture.app.clone(),
        dependencies: DependencySource::Environment(InstalledPackages {
            site_packages: vec![PathBuf::from(site.trim())],
            linked: vec![],
            source: "the tests' own".to_owned(),
        }),
    };
    let manifest = bundle::plan(&project, &fixture.settings, &fixture.cache(), &fixture.said).unwrap();
    assert!(!manifest.entries.iter().any(|entry| entry.path.starts_with("pip/") || entry.path.contains("__pycache__")));
    let bundle = bundle::write(&manifest, &fixture.files.outside().join("out"), &fixture.said).unwrap();
    let task_root = fixture.files.outside().join("task");
    // A process that sees the standard library and the bundle, nothing of the environment.
    let seen = run_python(
        "import subprocess, sys, zipfile\n\
         zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])\n\
         code = 'import sys; sys.path.insert(0, sys.argv[1]); import app, flask, django, zappa.handler, importlib.metadata as m; print(app.app.name, m.version(\"Flask\"), flask.__file__.startswith(sys.argv[1]))'\n\
         print(subprocess.run([sys._base_executable, '-I', '-S', '-B', '-c', code, sys.argv[2]], check=True, capture_output=True, text=True).stdout)",
        &[&bundle.code().unwrap().path, &task_root],
    );
    assert_eq!(seen.trim(), "app 3.1.3 True");
}

#[test]
fn more_than_lambda_takes_is_refused_before_anything_is_written() {
    let fixture = Fixture::new().file("media/small", "x").distribution("numpy", "2.0", &[], true);
    let sparse = |path: PathBuf, length: u64| fs::File::create(path).unwrap().set_len(length).unwrap();
    sparse(fixture.root().join("media/film.mp4"), 200 << 20);
    sparse(fixture.site_packages().join("numpy/core.so"), 100 << 20);
    let refused = fixture.refused();
    // The shim weighs what it weighs.
    let refused: String = refused.lines().filter(|line| !line.contains("shim and")).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        error: the bundle would be 314.6 MB unpacked, and Lambda takes at most 262.1 MB
          Caused by: the heaviest are
         209.7 MB  media/
         104.9 MB  numpy 2.0
             46 B  app.py
        hint: leave out what the app does not need with `exclude`, `exclude_glob` or `.zappaignore`; `zappa package --list` shows every file
        hint: `use_runtime_boto3 = true` leaves boto3 and botocore to the runtime
    "#]]
    .assert_eq(&refused);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let make = || {
        Fixture::new()
            .file("static/ünïcode.css", "body {}\n".repeat(500))
            .file("empty.txt", "")
            .file("B.py", "")
            .file("a/b.py", "x = 1\n")
            .distribution("Flask", "3.1.3", &[], true)
    };
    let (first, second) = (make(), make());
    let file = fs::File::open(second.root().join("a/b.py")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
    #[cfg(unix)]
    for (fixture, mode) in [(&first, 0o700), (&second, 0o775)] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(fixture.root().join("B.py"), fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(fixture.root().join("empty.txt"), fs::Permissions::from_mode(mode & 0o666)).unwrap();
    }
    let one = bundle::write(&first.manifest(), &first.files.outside().join("out"), &first.said).unwrap();
    let other = bundle::write(&second.manifest(), &second.files.outside().join("out"), &second.said).unwrap();
    let (one, other) = (one.code().unwrap(), other.code().unwrap());
    assert_eq!(fs::read(&one.path).unwrap(), fs::read(&other.path).unwrap());
    assert_eq!(one.code_sha256, other.code_sha256);
    assert_eq!(one.size, fs::metadata(&one.path).unwrap().len());

    let seen = run_python(
        "import sys, zipfile, hashlib, base64\n\
         z = zipfile.ZipFile(sys.argv[1])\n\
         assert z.testzip() is None\n\
         names = [i.filename for i in z.infolist()]\n\
         assert names == sorted(names, key=lambda n: n.encode()) and len(set(names)) == len(names)\n\
         assert sum(i.file_size for i in z.infolist()) == int(sys.argv[2]) and len(names) == int(sys.argv[3])\n\
         assert {i.date_time for i in z.infolist()} == {(1980, 1, 1, 0, 0, 0)}\n\
         assert not any(i.extra or i.comment for i in z.infolist()) and not z.comment\n\
         assert z.read('static/ünïcode.css') == b'body {}\\n' * 500\n\
         for i in z.infolist():\n    \
             if not i.filename.startswith('zappa/'): print(i.filename, oct(i.external_attr >> 16), i.create_system)\n\
         print(base64.b64encode(hashlib.sha256(open(sys.argv[1], 'rb').read()).digest()).decode() == sys.argv[4])",
        &[&one.path, Path::new(&one.unpacked_size.to_string()), Path::new(&one.files.to_string()), Path::new(&one.code_sha256)],
    );
    if cfg!(unix) {
        expect![[r#"
            B.py 0o100755 3
            a/b.py 0o100644 3
            app.py 0o100644 3
            empty.txt 0o100644 3
            flask-3.1.3.dist-info/METADATA 0o100644 3
            flask/__init__.py 0o100644 3
            static/ünïcode.css 0o100644 3
            True
        "#]]
        .assert_eq(&seen);
    }
    let left: Vec<_> = fs::read_dir(first.files.outside().join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["code.zip"], "nothing half-written stays");
}

#[test]
fn many_and_large_members_come_out_in_order() {
    let mut fixture = Fixture::new();
    for number in 0..300 {
        fixture = fixture.file(&format!("data/{number:03}.txt"), format!("{number}\n").repeat(number * 7));
    }
    // Larger than what is read ahead.
    fs::File::create(fixture.root().join("data/100-large.bin")).unwrap().set_len(70 << 20).unwrap();
    let bundle = bundle::write(&fixture.manifest(), &fixture.files.outside().join("out"), &fixture.said).unwrap();
    let path = &bundle.code().unwrap().path;
    let checked = run_python(
        "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
         print(all(z.read(f'data/{n:03}.txt').decode() == f'{n}\\n' * (n * 7) for n in range(300)))",
        &[path],
    );
    assert_eq!(checked.trim(), "True");
}

#[test]
fn a_file_that_changes_is_noticed_and_nothing_half_written_stays() {
    let fixture = Fixture::new().file("growing.log", "one\n");
    let manifest = fixture.manifest();
    fixture.files.write("growing.log", "one\ntwo\n");
    let out = fixture.files.outside().join("out");
    let error = bundle::write(&manifest, &out, &fixture.said).unwrap_err();
    expect![[r#"
        error: `[DIR]/shop/growing.log` changed while it was read
        hint: run the command again once nothing writes to it
    "#]]
    .assert_eq(&fixture.shown(&error));
    assert!(!error.is_input());
    fs::remove_file(fixture.root().join("growing.log")).unwrap();
    let error = bundle::write(&manifest, &out, &fixture.said).unwrap_err();
    assert!(matches!(error, BundleError::Read { .. }), "{error:?}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let fixture = Fixture::new();
    let missing = fixture.files.outside().join("missing/x.zip");
    let error = bundle::write_to(&fixture.manifest(), &missing, &fixture.said).unwrap_err();
    assert!(fixture.shown(&error).starts_with("error: could not write `[DIR]/missing/x.zip`\n  Caused by: "), "{}", fixture.shown(&error));
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn links_are_followed() {
        let fixture = Fixture::new().file("real/a.txt", "a");
        let outside = fixture.files.outside().join("shared");
        write(&outside.join("b.txt"), "b");
        symlink("real/a.txt", fixture.root().join("file-link")).unwrap();
        symlink("real", fixture.root().join("directory-link")).unwrap();
        symlink(&outside, fixture.root().join("outside-link")).unwrap();
        expect![[r#"
            app.py (project file)
            directory-link/a.txt (project file)
            file-link (project file)
            outside-link/b.txt (project file)
            real/a.txt (project file)
        "#]]
        .assert_eq(&paths(&fixture.manifest()));
    }

    #[test]
    fn loops_and_dangling_links_are_named_unless_excluded() {
        let fixture = Fixture::new().file("a/b/c.txt", "");
        symlink("../..", fixture.root().join("a/b/up")).unwrap();
        expect![[r#"
            error: the symbolic link `[DIR]/shop/a/b/up` leads back to `[DIR]/shop`, a directory that it is in
            hint: remove the link, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`
        "#]]
        .assert_eq(&fixture.refused());
        let fixture = fixture.packaging(|packaging| packaging.exclude = vec!["up".to_owned()]);
        fixture.manifest();
        fs::create_dir(fixture.root().join("x")).unwrap();
        fs::create_dir(fixture.root().join("y")).unwrap();
        symlink("../y", fixture.root().join("x/to-y")).unwrap();
        symlink("../x", fixture.root().join("y/to-x")).unwrap();
        assert!(fixture.refused().contains("leads back to"), "{}", fixture.refused());
        fs::remove_file(fixture.root().join("y/to-x")).unwrap();
        symlink("itself", fixture.root().join("itself")).unwrap();
        assert!(fixture.refused().starts_with("error: the symbolic link `[DIR]/shop/itself` leads back to"), "{}", fixture.refused());
        fs::remove_file(fixture.root().join("itself")).unwrap();
        symlink("nowhere", fixture.root().join("dangling")).unwrap();
        expect![[r#"
            error: the symbolic link `[DIR]/shop/dangling` leads to `nowhere`, which does not exist
            hint: remove the link, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`
        "#]]
        .assert_eq(&fixture.refused());
        let fixture = fixture.file(".zappaignore", "dangling\n");
        fixture.manifest();
    }

    #[test]
    fn sockets_pipes_and_names_that_are_no_text_are_named() {
        let fixture = Fixture::new();
        let path = fixture.root().join("app.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        expect![[r#"
            error: `[DIR]/shop/app.sock` is a socket: it cannot be deployed
            hint: remove it, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`
        "#]]
        .assert_eq(&fixture.refused());
        let fixture = fixture.packaging(|packaging| packaging.exclude = vec!["*.sock".to_owned()]);
        fixture.manifest();
        // macOS allows no such names.
        if fs::write(fixture.root().join(OsStr::from_bytes(b"bad-\xff.txt")), "").is_ok() {
            expect![[r#"
                error: the name of `[DIR]/shop/bad-�.txt` is not valid UTF-8
                hint: rename one, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`
            "#]]
            .assert_eq(&fixture.refused());
            fixture.packaging(|packaging| packaging.exclude.push("bad-*".to_owned())).manifest();
        }
    }

    #[test]
    fn names_that_differ_only_in_case_are_named() {
        let fixture = Fixture::new().file("docs/README", "").file("docs/readme", "").site("Lib/x.py", "").site("lib/x.py", "");
        // Where the file system itself knows no such difference there is nothing to refuse.
        if fs::read_dir(fixture.root().join("docs")).unwrap().count() < 2 {
            return;
        }
        expect![[r#"
            error: `docs/README` and `docs/readme` differ only in upper and lower case
            hint: rename one, or leave it out with `exclude`, `exclude_glob` or `.zappaignore`
        "#]]
        .assert_eq(&fixture.refused());
        let fixture = fixture.file(".zappaignore", "/docs/readme\n");
        assert!(holds(&fixture.manifest(), "lib/x.py"), "dependencies are not the user's to rename");
        let fixture = fixture.file("Static/a.css", "").file("static/b.css", "");
        assert!(fixture.refused().starts_with("error: `Static` and `static` differ only in upper and lower case"), "{}", fixture.refused());
    }

    #[test]
    fn unreadable_files_and_directories_are_named() {
        let fixture = Fixture::new().file("secret/key.pem", "k");
        let path = fixture.root().join("secret/key.pem");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read(&path).is_ok() {
            return; // permissions do not bind this user
        }
        let error = bundle::write(&fixture.manifest(), &fixture.files.outside().join("out"), &fixture.said).unwrap_err();
        let shown = fixture.shown(&error);
        assert!(shown.starts_with("error: could not read `[DIR]/shop/secret/key.pem`\n  Caused by: Permission denied"), "{shown}");
        fs::set_permissions(fixture.root().join("secret"), fs::Permissions::from_mode(0o000)).unwrap();
        let refused = fixture.refused();
        fs::set_permissions(fixture.root().join("secret"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refused.starts_with("error: could not read `[DIR]/shop/secret`"), "{refused}");
    }
}

/// Lists of dependencies instead of an environment.
mod lists {
    use super::*;

    fn listed(name: &'static str, kind: DependencyFile, content: &str) -> Fixture {
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
        let mut fixture = listed("requirements.txt", DependencyFile::Requirements, "-r more/pinned.txt\n-e ./local  # ours\n")
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
        assert!(!paths(&manifest).contains("RECORD") && !paths(&manifest).contains("bin/"), "{}", paths(&manifest));
        let tasks = || fixture.said.0.lock().unwrap().iter().filter(|said| said.starts_with("task: install")).count();
        assert_eq!(tasks(), 1);
        let first = bundle::write(&manifest, &fixture.files.outside().join("out"), &fixture.said).unwrap();
        let again = bundle::write(&fixture.manifest(), &fixture.files.outside().join("out2"), &fixture.said).unwrap();
        assert_eq!(tasks(), 1, "the second time everything is in the cache");
        assert_eq!(first.code().unwrap().code_sha256, again.code().unwrap().code_sha256);
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

    /// Installers that install the list they are given as a file, and say how they were called.
    #[cfg(unix)]
    mod fake {
        use std::os::unix::fs::symlink;

        use super::*;
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
            assert_eq!(asked(&fixture), "flask==3.1.3 --hash=sha256:aa\n./member\nuv complete\n");
            fixture.list = Some(("requirements.txt", DependencyFile::Requirements));
            assert_eq!(asked(&fixture.file("requirements.txt", "flask")), "flask\nuv\n");
        }

        #[test]
        fn pyproject_lists_what_the_project_needs() {
            let content = "[project]\nname = \"shop\"\ndependencies = [\"flask>=3\", \"rich ; extra == 'x'\"]\n";
            let fixture = with_pip(listed("pyproject.toml", DependencyFile::Pyproject, content));
            let fixture = fixture.file("src/shop/__init__.py", "");
            assert_eq!(asked(&fixture), "flask>=3\nrich ; extra == 'x'\npip\n");
            assert!(holds(&fixture.manifest(), "shop/__init__.py"), "a project in `src` layout is installed with its dependencies");
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
                --extra-index-url https://packages.example/simple
                flask==3.1.3 --hash=sha256:f0 --hash=sha256:f1
                click==8.3 --hash=sha256:c0
                asgiref==3.0 --hash=sha256:a0
                numpy==2.0 --hash=sha256:20
                pip complete
            "#]]
            .assert_eq(&asked(&with_pip(listed("uv.lock", DependencyFile::UvLock, lock))));
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
            assert_eq!(asked(&fixture), "Flask==3.1.3 --hash=sha256:f0\ntyping-extensions==4 --hash=sha256:t0\npip complete\n");

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
            let pyproject =
                "[tool.poetry.dependencies]\npython = \"^3.9\"\nFlask = \"^2\"\n[tool.poetry.group.dev.dependencies]\npytest = \"*\"\n";
            let fixture = with_pip(listed("poetry.lock", DependencyFile::PoetryLock, old)).file("pyproject.toml", pyproject);
            assert_eq!(asked(&fixture), "flask==2.0 --hash=sha256:f0\nwerkzeug==2.0 --hash=sha256:e0\npip complete\n");
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
    }
}
