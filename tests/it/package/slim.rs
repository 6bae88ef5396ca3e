//! What `slim` leaves out of the dependencies, what speaks for a file, and that what is left is imported as before.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use zappa::bundle::{By, Manifest};
use zappa::project::{DependencySource, InstalledPackages, Project};
use zappa::settings::{AppSetting, Slim};

use super::fixture::{Fixture, holds, interpreter, settings, skipped, write};
use crate::support::python;
use crate::support::wheels::{unpack, wheel};

/// What `slim` took, and why.
fn slimmed(manifest: &Manifest) -> String {
    let ours = manifest.skipped.iter().filter(|skipped| skipped.by == By::Slim);
    ours.fold(String::new(), |text, skipped| text + &format!("{} ({}; {} files)\n", skipped.path, skipped.reason, skipped.files))
}

/// With a distribution that has a compiled module, which nobody looks into.
fn native(fixture: Fixture) -> Fixture {
    let fixture = fixture.packaging(|packaging| packaging.use_precompiled_packages = false);
    fixture.distribution("fast", "1.0", &[], true).site("fast/_speed.cpython-311-x86_64-linux-gnu.so", "\x7fELF")
}

#[test]
fn each_rule_takes_what_it_says_and_nothing_beside() {
    let mut fixture = native(Fixture::new()).distribution("plain", "2.0", &[], true);
    for path in [
        "fast/tests/__init__.py",
        "fast/tests/test_speed.py",
        "fast/tests/data/big.bin",
        "fast/inner/test/test_inner.py",
        "fast/inner/tests.py",
        "fast/conftest.py",
        "fast/docs/index.rst",
        "fast/examples/hello.py",
        "fast/__init__.pyi",
        "fast/py.typed",
        "fast/_speed.c",
        "fast/include/speed.h",
        "fast/_speed.pyx",
        "fast/libspeed.a",
        "fast/launcher.exe",
        "fast/LICENSE",
        "fast/data.json",
        "fast/templates/tests/page.html",
        "fast/latest.py",
        "fast-stubs/__init__.pyi",
        "share/man/man1/fast.1",
        "botocore/data/s3/2006-03-01/examples-1.json",
        "plain/grammar.c",
        "tests/test_nobodys.py",
        "botocore-1.dist-info/licenses/docs/LICENSE",
    ] {
        fixture = fixture.site(path, "");
    }
    let fixture = fixture
        .site("botocore-1.dist-info/METADATA", "Name: botocore\nVersion: 1\n")
        .site("botocore-1.dist-info/RECORD", "botocore/__init__.py,,\n")
        .site("fast-1.0.dist-info/RECORD", "fast/__init__.py,,\nfast-stubs/__init__.pyi,,\nshare/man/man1/fast.1,,\n");
    let safe = fixture.manifest();
    expect![[r#"
        fast-stubs/ (fast 1.0: for type checkers; 1 files)
        fast/__init__.pyi (fast 1.0: for type checkers; 1 files)
        fast/_speed.c (fast 1.0: sources of native code that is compiled already; 1 files)
        fast/_speed.pyx (fast 1.0: sources of native code that is compiled already; 1 files)
        fast/conftest.py (fast 1.0: tests that nothing in the bundle imports; 1 files)
        fast/docs/ (fast 1.0: documentation that nothing in the bundle refers to; 1 files)
        fast/examples/ (fast 1.0: examples that nothing in the bundle refers to; 1 files)
        fast/include/speed.h (fast 1.0: sources of native code that is compiled already; 1 files)
        fast/inner/test/ (fast 1.0: tests that nothing in the bundle imports; 1 files)
        fast/inner/tests.py (fast 1.0: tests that nothing in the bundle imports; 1 files)
        fast/launcher.exe (fast 1.0: a program for Windows; 1 files)
        fast/libspeed.a (fast 1.0: for linking other native code; 1 files)
        fast/py.typed (fast 1.0: for type checkers; 1 files)
        fast/tests/ (fast 1.0: tests that nothing in the bundle imports; 3 files)
        share/man/ (fast 1.0: manuals; 1 files)
    "#]]
    .assert_eq(&slimmed(&safe));
    let kept: BTreeSet<&str> = safe.entries.iter().map(|entry| entry.path.as_str()).collect();
    for path in [
        "fast/__init__.py",
        "fast/LICENSE",
        "fast/data.json",
        "fast/latest.py",
        "fast/templates/tests/page.html",
        "plain/grammar.c",
        "tests/test_nobodys.py",
        "botocore-1.dist-info/licenses/docs/LICENSE",
        "botocore/data/s3/2006-03-01/examples-1.json",
    ] {
        assert!(kept.contains(path), "{path}");
    }
    let fixture = fixture.packaging(|packaging| packaging.slim = Slim::Max);
    assert!(!holds(&fixture.manifest(), "botocore/data/s3/2006-03-01/examples-1.json"));
    let fixture = fixture.packaging(|packaging| packaging.slim = Slim::None);
    assert_eq!(slimmed(&fixture.manifest()), "");
}

/// Sources that stay, and whether `fast/tests` does for their sake.
#[test]
fn what_a_source_that_stays_refers_to_stays() {
    let sources = [
        ("fast/a.py", "import fast.tests.helpers\n", true),
        ("fast/a.py", "    from fast.tests import helpers\n", true),
        ("fast/a.py", "try: from fast.tests import helpers\nexcept ImportError: pass\n", true),
        ("fast/a.py", "from .tests.helpers import x\n", true),
        ("fast/a.py", "from . import b, tests\n", true),
        ("fast/a.py", "from . import (\n    b,\n    # more\n    tests,\n)\n", true),
        ("fast/sub/a.py", "from .. import tests\n", true),
        ("fast/sub/a.py", "from ..tests import x\n", true),
        ("plain/a.py", "from fast import tests\n", true),
        ("plain/a.py", "import_module('fast.tests.helpers')\n", true),
        ("plain/a.py", "open(f'{here}/tests/data.json')\n", false),
        ("fast/a.py", "open(f'{here}/tests/data.json')\n", true),
        ("fast/sub/a.py", "join(dirname(dirname(__file__)), \"tests\", \"data.json\")\n", true),
        ("fast/a.py", "here / 'tests' / 'data.json'\n", true),
        ("fast-1.0.dist-info/entry_points.txt", "[pytest11]\nx = fast.tests.plugin\n", true),
        ("fast/a.py", "# from . import tests\n", false),
        ("fast/a.py", "\"\"\"See fast.tests and fast/tests/.\"\"\"\n", false),
        ("fast/a.py", "tests = ['tests', \"test\"]\nself.tests = latest.fast_tests\n", false),
        ("fast/sub/a.py", "from . import tests\n", false),
        ("fast/a.py", "from fast.tests_of_speed import x\n", false),
        ("fast/more/tests/__init__.py", "from fast import tests\n", false),
    ];
    for (path, source, stays) in sources {
        let fixture = Fixture::new()
            .distribution("fast", "1.0", &[], true)
            .distribution("plain", "1.0", &[], true)
            .site("fast/tests/__init__.py", "")
            .site(path, source);
        assert_eq!(holds(&fixture.manifest(), "fast/tests/__init__.py"), stays, "{path}: {source}");
    }
    let of_project = Fixture::new().distribution("fast", "1.0", &[], true).site("fast/tests/__init__.py", "");
    let of_project = of_project.file("shop.py", "from fast.tests import client\n");
    assert!(holds(&of_project.manifest(), "fast/tests/__init__.py"));
}

#[test]
fn what_stays_may_refer_to_more() {
    let fixture = Fixture::new()
        .distribution("fast", "1.0", &[], true)
        .site("fast/a.py", "from .tests import helpers\n")
        .site("fast/tests/__init__.py", "from fast.inner import tests, conftest\n")
        .site("fast/inner/conftest.py", "")
        .site("fast/inner/tests/__init__.py", "")
        .site("fast/other/tests/__init__.py", "from fast.third import tests\n")
        .site("fast/third/tests/__init__.py", "");
    let manifest = fixture.manifest();
    expect![[r#"
        fast/other/tests/ (fast 1.0: tests that nothing in the bundle imports; 1 files)
        fast/third/tests/ (fast 1.0: tests that nothing in the bundle imports; 1 files)
    "#]]
    .assert_eq(&slimmed(&manifest));
    assert!(holds(&manifest, "fast/inner/conftest.py"));
    // Remembered, and seen when it changes.
    assert_eq!(slimmed(&fixture.manifest()), slimmed(&manifest));
    let fixture = fixture.site("fast/a.py", "from .other.tests import helpers\n");
    assert!(holds(&fixture.manifest(), "fast/third/tests/__init__.py"));
    assert!(!holds(&fixture.manifest(), "fast/tests/__init__.py"));
}

#[test]
fn sources_and_stubs_that_are_read_at_run_time_stay() {
    let fixture = native(Fixture::new())
        .site("fast/__init__.py", "compile('template.c')\n# see other.c\nload('another.c')")
        .site("fast/template.c", "")
        .site("fast/other.c", "")
        .site("fast/x.pyi", "")
        .distribution("lazy", "1", &[], true)
        .site("lazy/__init__.py", "import lazy_loader as lazy\n__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)\n")
        .site("lazy/__init__.pyi", "from . import filters\n")
        .distribution("cffi", "1", &[], true)
        .site("cffi/_embedding.h", "")
        .site("cffi/_cffi_backend.so", "");
    let manifest = fixture.manifest();
    expect![[r#"
        fast/other.c (fast 1.0: sources of native code that is compiled already; 1 files)
        fast/x.pyi (fast 1.0: for type checkers; 1 files)
    "#]]
    .assert_eq(&slimmed(&manifest));
}

#[test]
fn include_brings_back_and_what_is_brought_back_counts() {
    let fixture = Fixture::new()
        .distribution("fast", "1.0", &[], true)
        .site("fast/x.pyi", "")
        .site("fast/tests/__init__.py", "")
        .site("fast/tests/client.py", "from fast.more import tests\n")
        .site("fast/more/tests/__init__.py", "")
        .packaging(|packaging| packaging.include = vec!["fast/tests/client.py".to_owned(), "fast/*.pyi".to_owned()]);
    let manifest = fixture.manifest();
    for path in ["fast/tests/client.py", "fast/x.pyi", "fast/more/tests/__init__.py"] {
        assert!(holds(&manifest, path), "{path}");
    }
    assert!(!holds(&manifest, "fast/tests/__init__.py"), "{}", skipped(&manifest));
    let fixture = fixture.packaging(|packaging| packaging.exclude = vec!["*.pyi".to_owned()]);
    assert!(!holds(&fixture.manifest(), "fast/x.pyi"), "`exclude` is the last word");
}

#[test]
fn setuptools_stays_for_whoever_imports_pkg_resources() {
    let environment = |source: &str| {
        Fixture::new()
            .distribution("setuptools", "80", &[], false)
            .site(
                "setuptools-80.dist-info/RECORD",
                "setuptools/__init__.py,,\npkg_resources/__init__.py,,\n_distutils_hack/__init__.py,,\n",
            )
            .site("pkg_resources/__init__.py", "")
            .site("_distutils_hack/__init__.py", "")
            .distribution("old", "1", &[], true)
            .site("old/version.py", source)
    };
    for (source, stays) in [
        ("import pkg_resources\n", true),
        ("from pkg_resources import get_distribution\n", true),
        ("__import__('pkg_resources').declare_namespace(__name__)\n", true),
        ("def version():\n    import pkg_resources\n", true),
        ("try:\n    import pkg_resources\nexcept ImportError:\n    pkg_resources = None\n", false),
        ("try:\n    x = 1\nexcept ImportError:\n    import pkg_resources\n", false),
        ("if \"pkg_resources\" in sys.modules:\n    import pkg_resources\n", false),
        ("if \"pkg_resources\" not in sys.modules:\n    import pkg_resources\n", true),
        ("# import pkg_resources\n", false),
        ("\"\"\"Like this:\n\nimport pkg_resources\n\"\"\"\n", false),
        ("import pkg_resources_of_mine\n", false),
        ("", false),
    ] {
        for level in [Slim::None, Slim::Safe] {
            let manifest = environment(source).packaging(|packaging| packaging.slim = level).manifest();
            assert_eq!(holds(&manifest, "pkg_resources/__init__.py"), stays, "{source}");
            assert_eq!(holds(&manifest, "_distutils_hack/__init__.py"), stays, "setuptools imports it: {source}");
        }
    }
    let manifest = environment("import pkg_resources\n").manifest();
    let why: Vec<_> = manifest.distributions.iter().map(|installed| format!("{}: {}", installed.label, installed.why)).collect();
    expect![[r#"
        old 1: it was installed by name
        setuptools 80: old 1 imports its `pkg_resources` without requiring it"#]]
    .assert_eq(&why.join("\n"));
}

/// Every module of the environment of the tests that can be imported before can be imported from the bundle.
#[test]
fn what_is_left_of_flask_django_and_its_rest_framework_is_imported_as_before() {
    let importable = |root: &Path, names: &str| {
        let list = root.with_extension("modules");
        fs::write(&list, names).unwrap();
        let output = Command::new(python::interpreter()).args(["-I", "-S", "-c", IMPORT]).arg(root).arg(&list).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let mut fixture = Fixture::new().file("app.py", "import django, flask, rest_framework\n");
    fixture.app = AppSetting::Function("app.app".to_owned());
    let site = python::environment().join("lib");
    let site = walkdir::WalkDir::new(site).max_depth(2).into_iter().map(Result::unwrap).find(|entry| entry.file_name() == "site-packages");
    let site = site.unwrap().into_path();
    unpack(&wheel("djangorestframework-3.16.1-py3-none-any.whl"), &fixture.site_packages());
    let manifest = |level: Slim| {
        let packages =
            InstalledPackages { site_packages: vec![site.clone(), fixture.site_packages()], linked: vec![], source: String::new() };
        let project = Project {
            root: fixture.root().to_owned(),
            interpreter: interpreter(Path::new("not-run")),
            app: fixture.app.clone(),
            dependencies: DependencySource::Environment(packages),
        };
        let mut settings = settings();
        settings.packaging.slim = level;
        let options = zappa::bundle::PlanOptions { search_path: Some("".into()), ..Default::default() };
        zappa::bundle::plan_with(&project, &settings, &fixture.cache(), &options, &fixture.said).unwrap()
    };
    // One tree that becomes smaller: what was compiled for the first run is there for the next.
    let root = fixture.files.outside().join("tree");
    let shrink = |manifest: &Manifest| {
        for entry in walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
            let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
            if !path.contains("__pycache__") && !holds(manifest, &path) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    };
    let (whole, safe, max) = (manifest(Slim::None), manifest(Slim::Safe), manifest(Slim::Max));
    assert!(holds(&safe, "django/test/__init__.py") && holds(&safe, "jinja2/tests.py"), "{}", slimmed(&safe));
    assert!(safe.unpacked_size() < whole.unpacked_size() && !holds(&safe, "simplejson/tests/__init__.py"));
    for entry in &whole.entries {
        if let zappa::bundle::Source::File(source) = &entry.source {
            write(&root.join(&entry.path), fs::read(source).unwrap());
        }
    }
    let names: BTreeSet<String> = max.entries.iter().filter_map(|entry| module(&entry.path)).collect();
    let names: Vec<String> = names.into_iter().collect();
    let before = importable(&root, &names.join("\n"));
    assert!(before.len() > 200, "{before:?}");
    for module in ["views", "routers", "serializers", "test", "authtoken.models", "schemas.openapi"] {
        assert!(before.contains(&format!("rest_framework.{module}")), "{module}: {before:?}");
    }
    for slim in [&safe, &max] {
        shrink(slim);
        let lost: Vec<_> = before.difference(&importable(&root, &names.join("\n"))).cloned().collect();
        assert_eq!(lost, Vec::<String>::new(), "{}", slimmed(slim));
    }
}

fn module(path: &str) -> Option<String> {
    let stem = path.strip_suffix(".py")?;
    let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
    // Many, slow, and nothing that an app has of Flask or Django.
    if ["_pytest/", "coverage/", "pip/", "pygments/", "setuptools/", "django/conf/locale/"].iter().any(|above| path.starts_with(above)) {
        return None;
    }
    let is_name = stem.split('/').all(|part| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    (is_name && !stem.ends_with("__main__") && !stem.starts_with("zappa/")).then(|| stem.replace('/', "."))
}

/// Prints which of the listed modules can be imported with nothing but the directory and the standard library.
const IMPORT: &str = r#"
import contextlib, importlib, io, sys, warnings
root, names = sys.argv[1:]
sys.path.insert(0, root)
warnings.simplefilter("ignore")
names = open(names).read().split()
good = []
from django.conf import settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "rest_framework.authtoken"]
settings.configure(INSTALLED_APPS=apps)
import django
django.setup()
for name in names:
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            importlib.import_module(name)
    except BaseException:
        continue
    good.append(name)
print("\n".join(good))
"#;
