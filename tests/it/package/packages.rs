//! Dependencies: which distributions stay out, who wins where two want one path, code that is only linked.

use expect_test::expect;
use zappa::bundle::Part;
use zappa::project::LinkedSource;
use zappa::settings::AppSetting;

use super::fixture::{Fixture, holds, paths, skipped, write};

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
        boto3/ (boto3 1.40: only zappa/Zappa needs it)
        botocore-1.40.dist-info/ (botocore 1.40: only zappa/Zappa needs it)
        botocore/ (botocore 1.40: only zappa/Zappa needs it)
        click-8.3.dist-info/INSTALLER (an installer's bookkeeping)
        click-8.3.dist-info/RECORD (an installer's bookkeeping)
        flask-3.1.3.dist-info/INSTALLER (an installer's bookkeeping)
        flask-3.1.3.dist-info/RECORD (an installer's bookkeeping)
        flask-3.1.3.dist-info/REQUESTED (an installer's bookkeeping)
        jmespath-1.0.dist-info/ (jmespath 1.0: only zappa/Zappa needs it)
        jmespath/ (jmespath 1.0: only zappa/Zappa needs it)
        kept_too-1.dist-info/INSTALLER (an installer's bookkeeping)
        kept_too-1.dist-info/RECORD (an installer's bookkeeping)
        kept_too-1.dist-info/REQUESTED (an installer's bookkeeping)
        packaging-25.dist-info/ (packaging 25: only packaging tools need it)
        packaging/ (packaging 25: only packaging tools need it)
        pip-25.dist-info/ (pip 25: a packaging tool that nothing needs)
        pip/ (pip 25: a packaging tool that nothing needs)
        requests-2.32.dist-info/ (requests 2.32: only zappa/Zappa needs it)
        requests/ (requests 2.32: only zappa/Zappa needs it)
        socks-1.dist-info/INSTALLER (an installer's bookkeeping)
        socks-1.dist-info/RECORD (an installer's bookkeeping)
        urllib3-2.0.dist-info/INSTALLER (an installer's bookkeeping)
        urllib3-2.0.dist-info/RECORD (an installer's bookkeeping)
        wheel-1.dist-info/ (wheel 1: a packaging tool that nothing needs)
        wheel/ (wheel 1: a packaging tool that nothing needs)
        yaml_ish-6.0.dist-info/INSTALLER (an installer's bookkeeping)
        yaml_ish-6.0.dist-info/RECORD (an installer's bookkeeping)
        zappa-0.63.1.dist-info/ (zappa 0.63.1: the shim takes its place)
        zappa/ (zappa 0.63.1: the shim takes its place)
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
