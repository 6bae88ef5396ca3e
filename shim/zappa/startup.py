"""Init: reads the configuration, prepares the process, imports the app. Runs once, before the first event."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class AppImportError(Exception):
    """No ImportError: of those the runtime drops the traceback, and with it the line that matters."""


def read_config() -> dict[str, Any]:
    """The generated file, which travels with the app, as this module may not. It is data: nothing in it is ever evaluated."""
    path = os.environ.get("ZAPPA_CONFIG") or os.path.join(task_root(), "zappa", "config.json")
    with open(path, encoding="utf-8") as file:
        config: dict[str, Any] = json.load(file)
    if config["format"] != 1:
        raise ValueError(f"{path} has format {config['format']!r}, not 1: it was written for another shim")
    return config


def task_root() -> str:
    return os.environ.get("LAMBDA_TASK_ROOT") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def prepare(config: dict[str, Any]) -> None:
    """Variables of the stage are real Lambda variables, so they are there already and win."""
    variables = {"SERVERTYPE": "AWS Lambda", "FRAMEWORK": "Zappa", "PROJECT": config["project"], "STAGE": config["stage"]}
    if config["django_settings"]:
        variables["DJANGO_SETTINGS_MODULE"] = config["django_settings"]
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def set_log_level(level: str) -> None:
    """Never imports `logging`: in Lambda the runtime has. A level that anyone else chose (30 is the default) stays."""
    logging = sys.modules.get("logging")
    if logging is not None and "AWS_LAMBDA_LOG_LEVEL" not in os.environ and logging.root.level == 30:
        logging.root.setLevel(level)


def import_object(name: str) -> Any:
    """`module:attribute.attribute` or `module.attribute`."""
    module, colon, attributes = name.partition(":")
    if not colon:
        module, _, attributes = name.rpartition(".")
    if not module or not attributes:
        raise ValueError(f"`{name}` is not of the form `module.function` or `module:function`")
    found: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def django_app() -> Any:
    """As Django's own server finds it, without importing that server."""
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    return import_object(settings.WSGI_APPLICATION) if settings.WSGI_APPLICATION else get_wsgi_application()


def import_app(config: dict[str, Any]) -> Callable[..., Any]:
    name: str | None = config["app"]
    try:
        if name is None:
            app = django_app()
        elif name.endswith("()"):
            app = import_object(name[:-2])()
        else:
            app = import_object(name)
    except (ImportError, SyntaxError, AttributeError) as error:
        message = f"could not import `{name or config['django_settings']}`: {type(error).__name__}: {error}"
        raise AppImportError(message).with_traceback(error.__traceback__) from error
    return app  # type: ignore[no-any-return]


def start() -> tuple[Callable[..., Any], dict[str, Any]]:
    config = read_config()
    prepare(config)
    set_log_level(config["log_level"])
    if os.environ.get("ZAPPA_DEPENDENCIES"):
        from .dependencies import provide

        provide(os.environ["ZAPPA_DEPENDENCIES"])
    # What an import makes, stays: looking through it for garbage over and over costs several per cent of a cold start.
    threshold = gc.get_threshold()
    gc.set_threshold(0)
    try:
        app = import_app(config)
    finally:
        if gc.get_threshold()[0] == 0:  # the app has not chosen for itself
            gc.set_threshold(*threshold)
    gc.freeze()
    set_log_level(config["log_level"])  # the app may be the one that imported `logging`
    return app, config
