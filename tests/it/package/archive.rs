//! Archives: the same input gives the same bytes, readable by Python, whole or not there.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use zappa::bundle::{self, BundleError, Place};
use zappa::hint::Hint as _;
use zappa::project::{DependencySource, InstalledPackages, Project};

use super::fixture::{Fixture, interpreter, run_python};

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
    let one = first.write(&first.manifest(), "out").unwrap();
    let other = second.write(&second.manifest(), "out").unwrap();
    let (one, other) = (one.app().unwrap(), other.app().unwrap());
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
    assert_eq!(left, ["app.zip"], "nothing half-written stays");
}

#[test]
fn many_and_large_members_come_out_in_order() {
    let mut fixture = Fixture::new();
    for number in 0..300 {
        fixture = fixture.file(&format!("data/{number:03}.txt"), format!("{number}\n").repeat(number * 7));
    }
    // Larger than what is read ahead.
    fs::File::create(fixture.root().join("data/100-large.bin")).unwrap().set_len(70 << 20).unwrap();
    let bundle = fixture.write(&fixture.manifest(), "out").unwrap();
    let path = &bundle.app().unwrap().path;
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
    let error = fixture.write(&manifest, "out").unwrap_err();
    expect![[r#"
        error: `[DIR]/shop/growing.log` changed while it was read
        hint: run the command again once nothing writes to it
    "#]]
    .assert_eq(&fixture.shown(&error));
    assert!(!error.is_input());
    fs::remove_file(fixture.root().join("growing.log")).unwrap();
    let error = fixture.write(&manifest, "out").unwrap_err();
    assert!(matches!(error, BundleError::Read { .. }), "{error:?}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let fixture = Fixture::new();
    let missing = fixture.files.outside().join("missing/x.zip");
    let error = bundle::write(
        &fixture.manifest(),
        Place { path: &missing, scratch: missing.parent().unwrap(), cache: &fixture.cache() },
        &fixture.said,
    )
    .unwrap_err();
    assert!(fixture.shown(&error).starts_with("error: could not write `[DIR]/missing/x.zip`\n  Caused by: "), "{}", fixture.shown(&error));
}

#[test]
fn metadata_still_answers_in_the_bundle() {
    let fixture = Fixture::new()
        .distribution("Shop-Tool", "1.2", &[], true)
        .site("shop_tool-1.2.dist-info/entry_points.txt", "[shop.plugins]\nfirst = shop_tool:run\n");
    let bundle = fixture.write(&fixture.manifest(), "out").unwrap();
    let seen = run_python(
        "import sys; sys.path.insert(0, sys.argv[1])\n\
         from importlib import metadata\n\
         points = metadata.entry_points()\n\
         points = points.select(group='shop.plugins') if hasattr(points, 'select') else points['shop.plugins']\n\
         print(metadata.version('shop-tool'), [point.value for point in points])",
        &[&bundle.app().unwrap().path],
    );
    assert_eq!(seen.trim(), "1.2 ['shop_tool:run']");
}

#[test]
fn a_real_environment_works_out_of_its_bundle() {
    let fixture = Fixture::new();
    let site = run_python("import sysconfig; print(sysconfig.get_path('purelib'))", &[]);
    let project = Project {
        root: fixture.root().to_owned(),
        interpreter: interpreter(&fixture.python),
        app: fixture.app.clone(),
        dependencies: DependencySource::Environment(InstalledPackages {
            site_packages: vec![PathBuf::from(site.trim())],
            linked: vec![],
            source: "the tests' own".to_owned(),
        }),
    };
    let manifest = bundle::plan(&project, &fixture.settings, &fixture.cache(), &fixture.said).unwrap();
    assert!(!manifest.entries.iter().any(|entry| entry.path.starts_with("pip/") || entry.path.contains("__pycache__")));
    let bundle = fixture.write(&manifest, "out").unwrap();
    let task_root = fixture.files.outside().join("task");
    // A process that sees the standard library and the bundle, nothing of the environment; Django would only make it slow.
    let seen = run_python(
        "import subprocess, sys, zipfile\n\
         archive = zipfile.ZipFile(sys.argv[1])\n\
         archive.extractall(sys.argv[2], [name for name in archive.namelist() if not name.startswith('django/')])\n\
         code = 'import sys; sys.path.insert(0, sys.argv[1]); import flask, zappa.handler, app, importlib.metadata as m; print(app.app.name, m.version(\"Flask\"), flask.__file__.startswith(sys.argv[1]))'\n\
         print(subprocess.run([sys._base_executable, '-I', '-S', '-B', '-c', code, sys.argv[2]], check=True, capture_output=True, text=True).stdout)",
        &[&bundle.app().unwrap().path, &task_root],
    );
    assert_eq!(seen.trim(), "app 3.1.3 True");
}
