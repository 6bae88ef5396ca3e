//! The project's files, the shim and the configuration: what goes in, what stays out, and why.

use std::fs;

use expect_test::expect;
use zappa::bundle::{self};
use zappa::model::{Authorizer, AuthorizerFunction, AuthorizerKind, CertificateSource, DomainSettings};
use zappa::project::{DependencySource, InstalledPackages, Project};
use zappa::settings::{AppSetting, Schedule};

use super::fixture::{Fixture, holds, interpreter, paths, skipped, write};

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
        ".app.py.swp",
        "app.py~",
        "web/#app.py#",
        "shop.egg-info/PKG-INFO",
        "env-of-mine/pyvenv.cfg",
        "env-of-mine/lib/python3.11/site-packages/x.py",
        "conda/conda-meta/history",
        "shop-prod.zip",
        "shop-prod-dependencies.zip",
        ".zappa-Ab12.partial",
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
        .app.py.swp (a temporary file of an editor)
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
        .zappa-Ab12.partial (an unfinished archive of this tool)
        .zappa/ (state of the local target)
        .zappaignore (settings of this tool)
        __pycache__/ (byte code)
        app.py~ (a temporary file of an editor)
        conda/ (a virtual environment)
        env-of-mine/ (a virtual environment)
        handler_shop-prod-1719999999.zip (an archive of this tool)
        handler_venv/ (left behind by zappa/Zappa)
        shop-prod-1719999999.zip (an archive of this tool)
        shop-prod-dependencies.zip (an archive of this tool)
        shop-prod.zip (an archive of this tool)
        shop.egg-info/ (packaging metadata of the project)
        stale.pyc (byte code)
        web/#app.py# (a temporary file of an editor)
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
        flask-3.1.3.dist-info/INSTALLER (an installer's bookkeeping)
        flask-3.1.3.dist-info/RECORD (an installer's bookkeeping)
        flask-3.1.3.dist-info/REQUESTED (an installer's bookkeeping)
        flask/debug.log (`exclude` has `*.log`)
        flask/static/ (`exclude_glob` has `flask/static/`)
        setuptools-80.0.dist-info/ (setuptools 80.0: a packaging tool that nothing needs)
        static/a.map (`exclude_glob` has `static/**/*.map`)
        static/deep/b.map (`exclude_glob` has `static/**/*.map`)
        web/node_modules/ (packages of Node.js, but for `include`)
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
fn the_configuration_is_data_for_the_shim() {
    let mut fixture = Fixture::new();
    fixture.settings.domain = Some(DomainSettings {
        name: "shop.example".to_owned(),
        base_path: None,
        edge: false,
        certificate: CertificateSource::Managed,
        route53: true,
        health_checks: true,
    });
    fixture.settings.gateway.authorizer = Some(Authorizer {
        name: "Judge".to_owned(),
        kind: AuthorizerKind::Token(AuthorizerFunction::Own("app.judge".to_owned())),
        token_header: "Authorization".to_owned(),
        result_ttl_seconds: 0,
        validation_expression: None,
    });
    fixture.settings.schedules = vec![Schedule {
        name: "nightly".to_owned(),
        function: "app.nightly".to_owned(),
        expression: "rate(1 day)".to_owned(),
        kwargs: serde_json::from_str(r#"{"dry": "ünicode"}"#).unwrap(),
        description: None,
        enabled: true,
        every_region: false,
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
          "authorizer_function": "app.judge",
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
