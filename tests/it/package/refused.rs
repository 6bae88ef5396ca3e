//! What is refused, and with which words.

use std::fs;
use std::path::PathBuf;

use expect_test::expect;
use zappa::settings::AppSetting;

use super::fixture::{Fixture, holds, paths, write};

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
fn more_than_lambda_takes_is_refused_before_anything_is_written() {
    let fixture = Fixture::new().file("media/small", "x").distribution("numpy", "2.0", &[], true);
    let sparse = |path: PathBuf, length: u64| fs::File::create(path).unwrap().set_len(length).unwrap();
    sparse(fixture.root().join("media/film.mp4"), 200 << 20);
    sparse(fixture.site_packages().join("numpy/core.so"), 100 << 20);
    let refused = fixture.refused();
    // They weigh what they weigh.
    let refused: String = refused
        .lines()
        .filter(|line| !line.ends_with("  shim") && !line.ends_with("  configuration"))
        .map(|line| format!("{line}\n"))
        .collect();
    expect![[r#"
        error: the bundle would be 314.6 MB unpacked, and Lambda takes at most 262.1 MB (250 MiB)
          Caused by: the heaviest are
         209.7 MB  media/
         104.9 MB  numpy 2.0
         46 bytes  app.py
        hint: leave out what the app does not need with `exclude`, `exclude_glob` or `.zappaignore`; `zappa package --list` shows every file
        hint: `slim = "max"` leaves out more of the dependencies, debug symbols above all
        hint: `slim_handler = true` has the function fetch its dependencies when it starts: then 209.8 MB count
    "#]]
    .assert_eq(&refused);
}

#[test]
fn what_is_fetched_has_to_fit_the_functions_storage() {
    let mut fixture = Fixture::new().distribution("numpy", "2.0", &[], true);
    let path = fixture.site_packages().join("numpy/core.so");
    let sparse = |length: u64| fs::File::create(&path).unwrap().set_len(length).unwrap();
    sparse(600 << 20);
    fixture.settings.packaging.layout = zappa::model::Layout::Fetched;
    fixture.settings.ephemeral_storage = 512;
    let first = |refused: String| refused.lines().filter(|line| line.contains(':')).map(|line| format!("{line}\n")).collect::<String>();
    expect![[r#"
        error: the dependencies need 601 MB of `/tmp` to be fetched to, and the function has 512 MB (`ephemeral_storage`)
          Caused by: the heaviest are
        hint: set `ephemeral_storage = { Size = 601 }`, or more
        hint: leave out what the app does not need with `exclude`, `exclude_glob` or `slim = "max"`
    "#]]
    .assert_eq(&first(fixture.refused()));
    sparse(11 << 30);
    expect![[r#"
        error: the dependencies need 11265 MB of `/tmp` to be fetched to, and the function has 512 MB (`ephemeral_storage`)
          Caused by: the heaviest are
        hint: Lambda has 10240 MB at most: leave out what the app does not need with `exclude`, `exclude_glob` or `slim = "max"`
    "#]]
    .assert_eq(&first(fixture.refused()));
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
        let error = fixture.write(&fixture.manifest(), "out").unwrap_err();
        let shown = fixture.shown(&error);
        assert!(shown.starts_with("error: could not read `[DIR]/shop/secret/key.pem`\n  Caused by: Permission denied"), "{shown}");
        fs::set_permissions(fixture.root().join("secret"), fs::Permissions::from_mode(0o000)).unwrap();
        let refused = fixture.refused();
        fs::set_permissions(fixture.root().join("secret"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refused.starts_with("error: could not read `[DIR]/shop/secret`"), "{refused}");
    }
}
