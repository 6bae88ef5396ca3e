//! Why something is in the bundle or not, as `zappa package --explain` says it.

use expect_test::expect;
use zappa::settings::{Origin, ResolvedValue, Slim};

use super::fixture::Fixture;

fn fixture() -> Fixture {
    let mut fixture = Fixture::new()
        .file("shop.py", "import flask\n")
        .file("debug.log", "")
        .file(".zappaignore", "notes/\n")
        .file("notes/a.txt", "")
        .file("requests/views.py", "")
        .distribution("Flask", "3.1.3", &["Werkzeug>=3"], true)
        .distribution("Werkzeug", "3.1.9", &["MarkupSafe"], false)
        .distribution("MarkupSafe", "3.0.4", &[], false)
        .distribution("requests", "2.32", &[], true)
        .distribution("zappa", "0.63.1", &["toml"], true)
        .distribution("toml", "0.10", &[], false)
        .site("markupsafe/tests/__init__.py", "one = 1\n")
        .site("markupsafe/tests/test_x.py", "")
        .site("markupsafe/py.typed", "")
        .site("markupsafe/__pycache__/x.pyc", "")
        .packaging(|packaging| packaging.exclude = vec!["*.log".to_owned()]);
    fixture.settings.values = vec![
        ResolvedValue { key: "slim", value: "safe".into(), origin: Origin::Default },
        ResolvedValue { key: "exclude", value: serde_json::json!(["*.log"]), origin: Origin::Flag { flag: "--exclude".to_owned() } },
    ];
    fixture
}

/// What is said about something, with the temporary directory's name taken out.
fn said(fixture: &Fixture, asked: &str) -> String {
    match fixture.explain(asked) {
        Ok(explanation) => {
            let text = zappa::ui::explain::explained(&explanation) + "\n";
            let directory = fixture.files.outside();
            let text = text.replace(directory.canonicalize().unwrap().to_str().unwrap(), "[DIR]");
            text.replace(directory.to_str().unwrap(), "[DIR]")
        }
        Err(error) => fixture.shown(&error),
    }
}

#[test]
fn files_of_the_project() {
    let fixture = fixture();
    expect![[r#"
        shop.py is in the bundle
          because       project file
          archive       app, as shop.py
          on disk       [DIR]/shop/shop.py
          size          13 bytes
        to change that: add "shop.py" to `exclude_glob`
    "#]]
    .assert_eq(&said(&fixture, "shop.py"));
    expect![[r#"
        debug.log is left out
          because       `exclude` has `*.log`
          setting       `exclude` is ["*.log"] (--exclude)
          on disk       [DIR]/shop/debug.log
          size          0 bytes
        to change that: take that pattern out of `exclude`
    "#]]
    .assert_eq(&said(&fixture, "./debug.log"));
    expect![[r#"
        notes/a.txt is left out
          because       `.zappaignore` has `notes/`, as all of `notes/`
          on disk       [DIR]/shop/notes/a.txt
          size          0 bytes
        to change that: write "!notes/a.txt" below that line of `.zappaignore`
    "#]]
    .assert_eq(&said(&fixture, "notes/a.txt"));
    expect![[r#"
        zappa/handler.py is in the bundle
          because       shim
          archive       app, as zappa/handler.py
          size          1.0 kB
        to change that: it is part of every bundle
    "#]]
    .assert_eq(&said(&fixture, "zappa/handler.py"));
    let absolute = fixture.root().join("shop.py");
    assert_eq!(said(&fixture, absolute.to_str().unwrap()), said(&fixture, "shop.py"));
}

#[test]
fn files_of_the_dependencies() {
    let fixture = fixture();
    expect![[r#"
        markupsafe/__init__.py is in the bundle
          because       MarkupSafe 3.0.4: needed by Werkzeug 3.1.9, needed by Flask 3.1.3 (`app.py` imports it)
          archive       app, as markupsafe/__init__.py
          on disk       [DIR]/site/markupsafe/__init__.py
          size          13 bytes
        to change that: add "markupsafe/__init__.py" to `exclude_glob`
    "#]]
    .assert_eq(&said(&fixture, "markupsafe/__init__.py"));
    expect![[r#"
        markupsafe/tests/test_x.py is left out
          because       MarkupSafe 3.0.4: tests that nothing in the bundle imports, as all of `markupsafe/tests/`
          setting       `slim` is "safe" (default)
          on disk       [DIR]/site/markupsafe/tests/test_x.py
          size          0 bytes
        to change that: add "markupsafe/tests/test_x.py" to `include`, or set `slim = "none"`
    "#]]
    .assert_eq(&said(&fixture, "markupsafe/tests/test_x.py"));
    expect![[r#"
        markupsafe/__pycache__/x.pyc is left out
          because       byte code of this machine, as all of `markupsafe/__pycache__/`
          on disk       [DIR]/site/markupsafe/__pycache__/x.pyc
          size          0 bytes
        to change that: add "markupsafe/__pycache__/x.pyc" to `include`
    "#]]
    .assert_eq(&said(&fixture, "markupsafe/__pycache__/x.pyc"));
    expect![[r#"
        toml/__init__.py is left out
          because       toml 0.10: only zappa/Zappa needs it, as all of `toml/`
          on disk       [DIR]/site/toml/__init__.py
          size          7 bytes
        to change that: add "toml/__init__.py" to `include`, or import the distribution in the project
    "#]]
    .assert_eq(&said(&fixture, "toml/__init__.py"));
    let absolute = fixture.site_packages().join("toml/__init__.py");
    assert_eq!(said(&fixture, absolute.to_str().unwrap()), said(&fixture, "toml/__init__.py"));
}

#[test]
fn a_file_of_which_another_takes_the_place() {
    let fixture = fixture().file("flask/__init__.py", "# mine, and longer than theirs\n");
    let theirs = fixture.site_packages().join("flask/__init__.py");
    expect![[r#"
        flask/__init__.py is left out
          because       `[DIR]/shop/flask/__init__.py` takes its place
          on disk       [DIR]/site/flask/__init__.py
        to change that: rename or leave out `[DIR]/shop/flask/__init__.py`
    "#]]
    .assert_eq(&said(&fixture, theirs.to_str().unwrap()));
}

#[test]
fn distributions_and_directories() {
    let fixture = fixture();
    expect![[r#"
        MarkupSafe 3.0.4 is in the bundle
          because       needed by Werkzeug 3.1.9, needed by Flask 3.1.3 (`app.py` imports it)
          required by   Werkzeug 3.1.9
          archive       app
          on disk       [DIR]/site/markupsafe-3.0.4.dist-info
          in            2 files, 108 bytes (MarkupSafe 3.0.4)
          left out      2 files, 8 bytes (tests that nothing in the bundle imports)
          left out      1 file, 0 bytes (for type checkers)
        to change that: uninstall MarkupSafe 3.0.4, or name its files in `exclude_glob`
    "#]]
    .assert_eq(&said(&fixture, "markupsafe"));
    expect![[r#"
        toml 0.10 is left out
          because       only zappa/Zappa needs it
          required by   zappa 0.63.1
          on disk       [DIR]/site/toml-0.10.dist-info
          left out      4 files, 207 bytes (only zappa/Zappa needs it)
        to change that: import it in the project, or let what needs it require it
    "#]]
    .assert_eq(&said(&fixture, "toml"));
    expect![[r#"
        zappa 0.63.1 is left out
          because       the shim takes its place
          on disk       [DIR]/site/zappa-0.63.1.dist-info
          left out      5 files, 239 bytes (the shim takes its place)
        to change that: nothing does: the shim has its name
    "#]]
    .assert_eq(&said(&fixture, "zappa"));
    expect![[r#"
        markupsafe/ has files in the bundle
          on disk       [DIR]/site/markupsafe
          in            1 file, 13 bytes (MarkupSafe 3.0.4)
          left out      2 files, 8 bytes (MarkupSafe 3.0.4: tests that nothing in the bundle imports)
          left out      1 file, 0 bytes (MarkupSafe 3.0.4: for type checkers)
          left out      byte code of this machine
        to change that: add "markupsafe/**" to `exclude_glob`
    "#]]
    .assert_eq(&said(&fixture, "markupsafe/"));
    expect![[r#"
        notes/ is left out
          because       `.zappaignore` has `notes/`
          on disk       [DIR]/shop/notes
          left out      `.zappaignore` has `notes/`
        to change that: write "!notes" below that line of `.zappaignore`
    "#]]
    .assert_eq(&said(&fixture, "notes/"));
    // The project's own goes before a distribution of its name.
    expect![[r#"
        requests/ has files in the bundle
          on disk       [DIR]/shop/requests
          in            1 file, 11 bytes (requests 2.32)
          in            1 file, 0 bytes (project file)
        to change that: add "requests/**" to `exclude_glob`
    "#]]
    .assert_eq(&said(&fixture, "requests"));
    let fixture = fixture.packaging(|packaging| packaging.slim = Slim::None);
    assert!(!said(&fixture, "MarkupSafe").contains("left out"));
}

#[test]
fn what_is_nowhere_is_refused() {
    expect![[r#"
        error: `nowhere.py` is neither a file of the project or its dependencies nor an installed distribution
        hint: `zappa package --list` shows everything that is in the bundle, and what is left out
    "#]]
    .assert_eq(&said(&fixture(), "nowhere.py"));
    expect![[r#"
        error: `markupsafe/tests/test_y.py` is neither a file of the project or its dependencies nor an installed distribution
        hint: `zappa package --list` shows everything that is in the bundle, and what is left out
    "#]]
    .assert_eq(&said(&fixture(), "markupsafe/tests/test_y.py"));
}
