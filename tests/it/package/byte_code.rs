//! Byte code beside every Python file: taken as it is from a tree that cannot be written to, the same from everywhere, and never a reason to fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;
use zappa::bundle::{MAX_UNPACKED, Manifest, Source};
use zappa::model::{Layout, Runtime};

use super::fixture::{Fixture, holds, paths, run_python, write};
use crate::support::python;

/// A project whose interpreter is real, with what code objects are made of.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new()
        .file("app.py", APP)
        .file("shop/__init__.py", "")
        .file("shop/models.py", "class Kind:\n    name: str = 'ünïcode'\n    big = 10 ** 30, 1.5, 2j, ..., b'x' * 40\n")
        .site("loose.py", "from app import numbers\r\n")
        .distribution("Flask", "3.1.3", &[], true);
    fixture.python = python::interpreter();
    fixture.minor = run_python("import sys; print(sys.version_info[1])", &[]).trim().parse().unwrap();
    fixture
}

const APP: &str = "import flask, shop.models\n\napp = flask.__name__\n\ndef numbers(name='self', close=None):\n    \
    def append(items): return [name, close, items.append, 'self', (1, 2, (name, 'close'))]\n    \
    return name in {'read', 'write', 'close', 'self', 'items'}, append, numbers.__doc__\n";

fn archive(fixture: &Fixture) -> PathBuf {
    fixture.write(&fixture.manifest(), "out").unwrap().app().unwrap().path.clone()
}

fn byte_code(manifest: &Manifest) -> usize {
    manifest.entries.iter().filter(|entry| entry.path.contains("__pycache__")).count()
}

fn sources(manifest: &Manifest) -> usize {
    manifest.entries.iter().filter(|entry| Path::new(&entry.path).extension().is_some_and(|extension| extension == "py")).count()
}

/// How often something was compiled.
fn compilations(fixture: &Fixture) -> usize {
    fixture.said.0.lock().unwrap().iter().filter(|said| *said == "task: compile byte code").count()
}

fn told(fixture: &Fixture) -> String {
    fixture.said.1.lock().unwrap().join("\n")
}

#[test]
fn every_python_file_has_byte_code_and_says_of_what() {
    let fixture = fixture();
    let tag = format!("cpython-3{}", fixture.minor);
    let manifest = fixture.manifest();
    assert_eq!(byte_code(&manifest), sources(&manifest));
    expect![[r#"
        __pycache__/app.TAG.pyc (byte code of app.py)
        __pycache__/loose.TAG.pyc (byte code of site-packages)
        app.py (project file)
        flask-3.1.3.dist-info/METADATA (Flask 3.1.3)
        flask/__init__.py (Flask 3.1.3)
        flask/__pycache__/__init__.TAG.pyc (byte code of Flask 3.1.3)
        loose.py (site-packages)
        shop/__init__.py (project file)
        shop/__pycache__/__init__.TAG.pyc (byte code of shop/__init__.py)
        shop/__pycache__/models.TAG.pyc (byte code of shop/models.py)
        shop/models.py (project file)
    "#]]
    .assert_eq(&paths(&manifest).replace(&tag, "TAG"));
    let weights = manifest.heaviest();
    let weight = |name: &str| weights.iter().find(|weight| weight.name == name).map(|weight| weight.files);
    assert_eq!((weight("app.py"), weight("shop/"), weight("Flask 3.1.3")), (Some(2), Some(4), Some(3)), "{weights:?}");
}

#[test]
fn nothing_is_compiled_where_it_runs() {
    for layout in [Layout::Together, Layout::Layer] {
        let fixture = fixture().packaging(|packaging| packaging.layout = layout);
        let bundle = fixture.write(&fixture.manifest(), "out").unwrap();
        let (task_root, opt) = (fixture.files.outside().join("var/task"), fixture.files.outside().join("opt"));
        let unpack = "import os, sys, zipfile\n\
             zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])\n\
             for directory, _, names in os.walk(sys.argv[2]):\n    \
                 for name in names: os.chmod(os.path.join(directory, name), 0o444)\n    \
                 os.chmod(directory, 0o555)\n";
        run_python(unpack, &[&bundle.app().unwrap().path, &task_root]);
        bundle.dependencies().iter().for_each(|layer| drop(run_python(unpack, &[&layer.path, &opt])));
        let import = "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2] + '/python']; import app, loose, zappa.handler, zappa.wsgi, zappa.events\n\
                      app.numbers(); print(app.flask.__file__)";
        // Neither `-B` nor a cache elsewhere: what were compiled would be written, or at least be tried to.
        let mut python = Command::new(python::interpreter());
        let output =
            python.args(["-I", "-S", "-v", "-c", import]).args([&task_root, &opt]).env("LAMBDA_TASK_ROOT", &task_root).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let writable = "import os, sys\nfor root in sys.argv[1:]:\n    for directory, _, _ in os.walk(root): os.chmod(directory, 0o755)";
        run_python(writable, &[&task_root, &opt]);
        assert!(output.status.success(), "{said}");
        let dependencies = if layout == Layout::Layer { opt.join("python") } else { task_root.clone() };
        let flask = dependencies.join("flask/__init__.py");
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), flask.to_str().unwrap());
        let roots = [&task_root, &opt].map(|root| root.to_str().unwrap());
        let ours: Vec<&str> = said.lines().filter(|line| roots.iter().any(|root| line.contains(root))).collect();
        let count = |begin: &str, end: &str| ours.iter().filter(|line| line.starts_with(begin) && line.ends_with(end)).count();
        assert!(count("# code object from ", ".pyc'") >= 8, "{ours:#?}");
        assert_eq!(count("# code object from ", ".py'"), 0, "{ours:#?}");
        assert!(!said.contains("# wrote ") && !said.contains("could not create"), "{said}");
        assert!(!ours.iter().any(|line| line.contains("bad magic") || line.contains("is stale")), "{ours:#?}");
    }
}

/// By Python's own means: the header, and that the code is what compiling the source gives, under the name that it will have.
#[test]
fn the_byte_code_is_that_of_the_source() {
    let checked = run_python(
        "import importlib.util as util, marshal, sys, zipfile\n\
         archive = zipfile.ZipFile(sys.argv[1])\n\
         names = [name for name in archive.namelist() if name.endswith('.py')]\n\
         for name in names:\n    \
             source, pyc = archive.read(name), archive.read(util.cache_from_source(name))\n    \
             assert pyc[:16] == util.MAGIC_NUMBER + b'\\x01\\0\\0\\0' + util.source_hash(source), name\n    \
             code = marshal.loads(pyc[16:])\n    \
             assert code == compile(source, '/var/task/' + name, 'exec', dont_inherit=True), name\n    \
             assert code.co_filename == '/var/task/' + name\n\
         print(len(names) > 15)",
        &[&archive(&fixture())],
    );
    assert_eq!(checked.trim(), "True");
}

#[test]
fn it_is_the_same_from_everywhere_cold_and_warm() {
    let (one, other) = (fixture(), fixture());
    let cold = fs::read(archive(&one)).unwrap();
    assert_eq!(compilations(&one), 1);
    assert_eq!(cold, fs::read(archive(&other)).unwrap(), "from another directory, with a cache of its own");
    let mut again = one;
    // Whatever is in the cache needs no interpreter.
    again.python = PathBuf::from("python-is-not-run");
    assert_eq!(cold, fs::read(archive(&again)).unwrap());
    assert_eq!(compilations(&again), 1);
    again.python = python::interpreter();
    again.files.write("shop/models.py", "changed = True\n");
    assert_ne!(cold, fs::read(archive(&again)).unwrap());
    assert_eq!(compilations(&again), 2);
}

/// What else holds an object shows in how it is marshalled; before Python 3.11, any module that has a name in common with the code does.
#[cfg(unix)]
#[test]
fn it_does_not_depend_on_what_else_its_interpreter_holds() {
    let (plain, mut other) = (fixture(), fixture());
    let wrapper = other.files.outside().join("python");
    let python = other.python.display();
    write_executable(
        &wrapper,
        &format!(
            "#!/bin/sh\nexec '{python}' -s -S -B -W ignore -c \"import http.client, marshal, unittest.mock\n\
             held, real = [], marshal.dumps\n\
             def dumps(code):\n    \
                 held.extend(code.co_consts)\n    \
                 return real(code)\n\
             marshal.dumps = dumps\n$7\"\n"
        ),
    );
    other.python = wrapper;
    assert_eq!(fs::read(archive(&plain)).unwrap(), fs::read(archive(&other)).unwrap());
}

#[cfg(unix)]
fn write_executable(path: &Path, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    write(path, content);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_does_not_compile_goes_without() {
    let fixture = fixture()
        .file("template.py", "class {{ name }}:\n    pass\n")
        .file("old/two.py", "print 'hello'\n")
        .file("null.py", b"x = 1\0")
        .site("flask/py2.py", "exec 'x'\n");
    for _ in 0..2 {
        let manifest = fixture.manifest();
        assert_eq!(byte_code(&manifest) + 4, sources(&manifest));
        assert!(holds(&manifest, "template.py") && holds(&manifest, "flask/py2.py"));
        let warnings: Vec<String> = fixture.said.0.lock().unwrap().drain(..).filter(|said| !said.starts_with("task: ")).collect();
        let minor = fixture.minor;
        assert_eq!(warnings, [format!("`null.py`, `old/two.py`, `template.py` do not compile with Python 3.{minor}")]);
        let told = std::mem::take(&mut *fixture.said.1.lock().unwrap()).join("\n");
        assert!(told.contains("detail: no byte code of `flask/py2.py`: SyntaxError: "), "{told}");
        assert!(told.contains("detail: no byte code of `template.py`: SyntaxError: "), "{told}");
    }
}

#[test]
fn a_cache_that_takes_nothing_is_done_without() {
    let fixture = fixture();
    write(&fixture.cache(), "a file");
    let manifest = fixture.manifest();
    assert_eq!(byte_code(&manifest), sources(&manifest));
    assert_eq!(told(&fixture).matches("detail: byte code is not kept for the next time: ").count(), 1);
    assert!(fixture.write(&manifest, "out").is_ok(), "{}", told(&fixture));
}

#[test]
fn without_an_interpreter_of_that_version_there_is_none_and_it_says_so() {
    let mut fixture = fixture();
    fixture.settings.runtime = Some(Runtime { minor: fixture.minor + 1 });
    assert_eq!(byte_code(&fixture.manifest()), 0);
    let minor = fixture.minor + 1;
    assert_eq!(told(&fixture), format!("note: no byte code in the bundle: there is no Python 3.{minor} here that could compile it"));
    assert_eq!(compilations(&fixture), 0);
}

#[test]
fn an_interpreter_that_is_not_what_it_was_compiles_nothing() {
    let mut fixture = fixture();
    fixture.minor += 1;
    assert_eq!(byte_code(&fixture.manifest()), 0);
    let (python, minor) = (fixture.python.display(), fixture.minor - 1);
    assert_eq!(told(&fixture), format!("note: no byte code in the bundle: `{python}` cannot compile it (it is cpython 3.{minor})"));
}

#[cfg(unix)]
#[test]
fn another_interpreter_is_found_on_path_or_by_uv() {
    for by_uv in [false, true] {
        let mut fixture = fixture();
        let real = fixture.minor;
        let path = |directory: &str| fixture.files.outside().join(directory);
        let (tools, more) = (path("tools"), path("more"));
        // In front of it, as version managers have it: one that starts nothing.
        write_executable(&tools.join(format!("python3.{real}")), "#!/bin/sh\nexit 127\n");
        let python = fixture.python.display();
        let uv = format!("#!/bin/sh\n[ \"$*\" = 'python find 3.{real}' ] && [ $UV_PYTHON_DOWNLOADS = never ] && echo '{python}'\n");
        let found = if by_uv { ("uv".to_owned(), uv) } else { (format!("python3.{real}"), format!("#!/bin/sh\nexec '{python}' \"$@\"\n")) };
        write_executable(&more.join(found.0), &found.1);
        fixture.tools = std::env::join_paths([tools, more]).unwrap().into();
        // The project's own is of another version.
        fixture.minor = real + 1;
        fixture.settings.runtime = Some(Runtime { minor: real });
        let manifest = fixture.manifest();
        assert_eq!(byte_code(&manifest), sources(&manifest), "{}", told(&fixture));
        assert!(holds(&manifest, &format!("__pycache__/app.cpython-3{real}.pyc")));
    }
}

#[test]
fn byte_code_never_makes_a_bundle_too_large() {
    let fixture = fixture();
    let room = MAX_UNPACKED
        - fixture.manifest().entries.iter().filter(|entry| !entry.path.contains("__pycache__")).map(|entry| entry.size).sum::<u64>();
    fs::File::create(fixture.root().join("large.bin")).unwrap().set_len(room - 10).unwrap();
    assert_eq!(byte_code(&fixture.manifest()), 0);
    assert!(told(&fixture).starts_with("note: no byte code in the bundle: with "), "{}", told(&fixture));
}

#[test]
fn byte_code_that_somebody_includes_is_theirs() {
    let theirs = format!("shop/__pycache__/models.cpython-3{}.pyc", fixture().minor);
    let fixture = fixture().file(&theirs, "theirs").packaging(|packaging| packaging.include = vec![theirs.clone()]);
    let manifest = fixture.manifest();
    let entry = manifest.entries.iter().find(|entry| entry.path == theirs).unwrap();
    assert!(matches!(entry.source, Source::File(_)), "{entry:?}");
    assert_eq!(byte_code(&manifest), sources(&manifest));
}
