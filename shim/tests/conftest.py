"""Fixtures of the shim's tests. `zappa` is imported from the source tree, whatever is installed and wherever pytest is started."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

SHIM = Path(__file__).resolve().parents[1]
EVENTS = SHIM.parent / "tests" / "fixtures" / "events"
DEFAULTS = {
    "format": 1,
    "app": "apps:hello",
    "django_settings": None,
    "project": "shop",
    "stage": "dev",
    "debug": False,
    "log_level": "INFO",
    "base_path": None,
    "domain": None,
    "binary_support": True,
    "additional_text_mimetypes": [],
    "context_header_mappings": {},
    "exception_handler": None,
    "authorizer_function": None,
    "schedules": {},
    "allow_raw_invoke": False,
}

sys.dont_write_bytecode = True
for path in (SHIM, Path(__file__).resolve().parent):
    sys.path.insert(0, str(path))
# Importing `zappa.handler` is init, so it needs a configuration before any test runs.
with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as _file:
    json.dump(DEFAULTS, _file)
os.environ["ZAPPA_CONFIG"] = _file.name


def pytest_unconfigure() -> None:
    os.unlink(_file.name)


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def event_files() -> list[Path]:
    return sorted(EVENTS.glob("*.json"))


class Context:
    aws_request_id = "11111111-2222-3333-4444-555555555555"
    function_name = "shop-dev"


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def configure():
    def build(**changes):
        return {**DEFAULTS, **changes}

    return build


@pytest.fixture
def event():
    """An event of the shared fixtures by name, fresh on each call."""

    def build(name: str) -> dict:
        return load(EVENTS / f"{name}.json")["event"]

    return build


@pytest.fixture
def handle(configure, context):
    """Sends one event to an app. The app is called through wsgiref.validate unless a test is about what that forbids."""
    from wsgiref.validate import validator

    from zappa.handler import make_handler

    def send(app, event, validate=True, **changes):
        return make_handler(validator(app) if validate else app, configure(**changes))(event, context)

    return send


@pytest.fixture
def django(monkeypatch):
    module = pytest.importorskip("django")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "django_settings")
    module.setup()
    return {"app": None, "django_settings": "django_settings"}
