"""Init: configuration, the app's import, and what is imported along with it."""

from __future__ import annotations

import gc
import hashlib
import json
import logging
import os
import subprocess
import sys
import zipfile

import apps
import conftest
import pytest

from zappa import startup
from zappa.startup import AppImportError, import_app, read_config


@pytest.fixture
def config_file(tmp_path, monkeypatch, configure):
    def write(**changes):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(configure(**changes)), encoding="utf-8")
        monkeypatch.setenv("ZAPPA_CONFIG", str(path))
        return path

    return write


def test_configuration_from_the_named_file(config_file):
    config_file(project="café")
    assert read_config()["project"] == "café"


def test_configuration_of_the_task_root(monkeypatch, config_file, tmp_path):
    path = config_file(project="shop")
    (tmp_path / "zappa").mkdir()
    path.rename(tmp_path / "zappa" / "config.json")
    monkeypatch.delenv("ZAPPA_CONFIG")
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    assert read_config()["project"] == "shop"


def test_configuration_beside_the_module(monkeypatch):
    monkeypatch.delenv("ZAPPA_CONFIG")
    monkeypatch.delenv("LAMBDA_TASK_ROOT", raising=False)
    with pytest.raises(FileNotFoundError) as caught:
        read_config()
    assert caught.value.filename == str(conftest.SHIM / "zappa" / "config.json")


def test_configuration_of_another_format(config_file):
    config_file(format=2)
    with pytest.raises(ValueError, match="another shim"):
        read_config()


@pytest.mark.parametrize("name", ["apps:hello", "apps.hello", "apps:create_app()", "apps.create_app()", "apps:Namespace.app"])
def test_ways_to_name_an_app(name, configure):
    assert import_app(configure(app=name)) is apps.hello


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import missing_dependency", ModuleNotFoundError),
        ("def :", SyntaxError),
        ("x = 1", AttributeError),
    ],
)
def test_app_that_cannot_be_imported(source, cause, configure, tmp_path, monkeypatch):
    name = f"broken_{cause.__name__}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AppImportError, match=f"could not import `{name}:app`: {cause.__name__}") as caught:
        import_app(configure(app=f"{name}:app"))
    assert not isinstance(caught.value, ImportError), "the runtime would drop the traceback"
    assert isinstance(caught.value.__cause__, cause)


def test_other_errors_of_the_app_are_its_own(configure, tmp_path, monkeypatch):
    (tmp_path / "broken_app.py").write_text("raise ZeroDivisionError('early')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ZeroDivisionError, match="early"):
        import_app(configure(app="broken_app:app"))


@pytest.mark.parametrize(
    ("source", "during", "after"), [("", 0, 700), ("gc.set_threshold(555, 5, 5)", 555, 555), ("1 / 0", 0, 700)]
)
def test_no_garbage_is_collected_while_the_app_is_imported(source, during, after, config_file, tmp_path, monkeypatch):
    name = f"app_{after}_{len(source)}"
    (tmp_path / f"{name}.py").write_text(f"import gc\n{source}\napp = gc.get_threshold()[0]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config_file(app=f"{name}:app")
    found = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    try:
        assert startup.start()[0] == during
    except ZeroDivisionError:
        assert source == "1 / 0"
    finally:
        threshold = gc.get_threshold()
        gc.set_threshold(*found)
    assert threshold[0] == after


def test_fetched_dependencies_are_there_before_the_app_is_imported(config_file, tmp_path, monkeypatch):
    archive = tmp_path / "dependencies.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("needed_by_app.py", "app = print")
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("ZAPPA_DEPENDENCIES", f"file://{archive}#sha256={hashlib.sha256(archive.read_bytes()).hexdigest()}")
    config_file(app="needed_by_app:app")
    assert startup.start()[0] is print
    assert sys.modules.pop("needed_by_app").__file__ == str(tmp_path / "dependencies" / "needed_by_app.py")


def test_django(configure, monkeypatch, event, context):
    pytest.importorskip("django")
    from django.conf import settings

    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "django_settings")
    config = configure(app=None, django_settings="django_settings")
    assert type(import_app(config)).__name__ == "WSGIHandler"
    monkeypatch.setattr(settings, "WSGI_APPLICATION", "apps.hello")
    assert import_app(config) is apps.hello
    monkeypatch.setattr(settings, "WSGI_APPLICATION", "apps.missing")
    with pytest.raises(AppImportError, match="could not import `django_settings`"):
        import_app(config)


def test_variables_that_the_app_may_look_at(config_file, monkeypatch):
    for name in ("SERVERTYPE", "FRAMEWORK", "PROJECT", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("STAGE", "from the stage itself")
    startup.prepare({**conftest.DEFAULTS, "django_settings": "site.settings"})
    names = ("SERVERTYPE", "FRAMEWORK", "PROJECT", "STAGE", "DJANGO_SETTINGS_MODULE")
    values = [os.environ[name] for name in names]
    assert values == ["AWS Lambda", "Zappa", "shop", "from the stage itself", "site.settings"]


@pytest.fixture
def root_level(monkeypatch):
    level = logging.root.level
    monkeypatch.delenv("AWS_LAMBDA_LOG_LEVEL", raising=False)
    logging.root.setLevel(logging.WARNING)
    yield logging.root
    logging.root.setLevel(level)


def test_log_level(root_level):
    startup.set_log_level("DEBUG")
    assert root_level.level == logging.DEBUG
    startup.set_log_level("INFO")
    assert root_level.level == logging.DEBUG, "chosen by someone else"


def test_log_level_chosen_for_the_function(root_level, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "ERROR")
    startup.set_log_level("DEBUG")
    assert root_level.level == logging.WARNING


def test_log_level_without_logging(monkeypatch):
    monkeypatch.delitem(sys.modules, "logging")
    startup.set_log_level("DEBUG")
    assert "logging" not in sys.modules


def fresh(code, tmp_path):
    """Runs code in a new interpreter that finds the shim and the test apps."""
    path = os.pathsep.join([str(conftest.SHIM), str(conftest.SHIM / "tests")])
    environment = {"PYTHONPATH": path, "ZAPPA_CONFIG": os.environ["ZAPPA_CONFIG"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()


def test_init_imports_the_app_and_little_else(tmp_path):
    """What awslambdaric has not loaded by the time is named here; an addition is a decision."""
    code = """if True:
        import __future__, binascii, gc, importlib, io, json, os, sys, warnings
        before = set(sys.modules)
        import zappa.handler
        print(*sorted(set(sys.modules) - before))
    """
    shim = ["zappa", "zappa.environ", "zappa.handler", "zappa.startup", "zappa.wsgi"]
    assert fresh(code, tmp_path) == ["apps", *shim]


@pytest.mark.parametrize(
    ("name", "module"), [("rest-captured", "rest"), ("http-captured", "version_two"), ("alb-root", "balancer")]
)
def test_a_request_imports_its_front_door_only(name, module, tmp_path):
    code = f"""if True:
        import json, sys
        import zappa.handler
        with open({str(conftest.EVENTS / name)!r} + ".json", encoding="utf-8") as file:
            event = json.load(file)["event"]
        before = set(sys.modules)
        answer = zappa.handler.lambda_handler(event, None)
        assert answer["body"] == "hello", answer
        print(*sorted(set(sys.modules) - before))
    """
    expected = [f"zappa.{module}"] if module != "balancer" else ["zappa.balancer", "zappa.version_two"]
    assert fresh(code, tmp_path) == expected


def test_tasks_do_not_import_the_handler(tmp_path):
    loaded = fresh("import sys, zappa.asynchronous; print(*sys.modules)", tmp_path)
    assert "zappa.handler" not in loaded
    assert "boto3" not in loaded
