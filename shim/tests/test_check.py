"""The health check of a new version."""

from __future__ import annotations

import json

import pytest

from zappa.handler import make_handler


@pytest.fixture
def check(configure, context):
    def run(app, validate=True, config=None, **keys):
        from wsgiref.validate import validator

        handler = make_handler(validator(app) if validate else app, configure(**(config or {})))
        return handler({"zappa": "check", **keys}, context)

    return run


def test_check_without_a_path(check):
    def app(environ, start_response):
        raise AssertionError("is not asked")

    assert check(app, path=None) == {"zappa": "checked", "status": None, "error": None}


@pytest.mark.parametrize("front", ["rest", "http", "function-url", "alb", None])
def test_check_of_a_page(front, check):
    seen = {}

    def app(environ, start_response):
        seen.update(environ)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no"]

    keys = {"front_door": front} if front else {}
    answer = check(app, path="/healthz/?deep=1&x", host="example.org", **keys)
    assert answer == {"zappa": "checked", "status": 404, "error": None}
    assert seen["REQUEST_METHOD"] == "GET"
    assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("", "/healthz/")
    assert seen["QUERY_STRING"].rstrip("=") == "deep=1&x"
    assert seen["HTTP_HOST"] == seen["SERVER_NAME"] == "example.org"
    assert seen["HTTP_USER_AGENT"] == "zappa-check"
    assert seen["wsgi.url_scheme"] == "https"
    check(app, path="deep/%C3%A9?q=a%20b", **keys)
    assert seen["PATH_INFO"] == "/deep/é".encode().decode("latin-1")
    assert seen["QUERY_STRING"] in ("q=a%20b", "q=a+b")


def test_check_host(check):
    hosts = []

    def app(environ, start_response):
        hosts.append(environ["HTTP_HOST"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    check(app, path="/")
    check(app, path="/", config={"domain": "api.example.com"})
    assert hosts == ["localhost", "api.example.com"]


def test_check_of_an_app_that_raises(check, capsys):
    def app(environ, start_response):
        return 1 // 0

    answer = check(app, path="/")
    assert answer["status"] == 500
    assert answer["error"]["type"] == "ZeroDivisionError"
    assert answer["error"]["message"].endswith("by zero")
    assert answer["error"]["trace"][0] == "Traceback (most recent call last):"
    assert json.loads(answer["body"])["message"] == "Internal server error"
    assert capsys.readouterr().out.count("\n") == 1


def test_check_of_a_binary_error(check):
    def app(environ, start_response):
        start_response("503 Unavailable", [("Content-Type", "image/png")])
        return [b"\xff" + b"x" * 5000]

    answer = check(app, path="/")
    assert answer["status"] == 503
    assert answer["error"] is None
    assert len(answer["body"]) == 2000
    assert answer["body"].startswith("\ufffdx")


def test_check_of_flask(check):
    """It answers by itself; what it raised is known from its log."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")

    @app.get("/")
    def index():
        app.logger.error("look out")
        raise LookupError("no such thing")

    answer = check(app, path="/")
    assert answer["status"] == 500
    assert answer["error"]["type"] == "LookupError"
    assert answer["error"]["message"] == "no such thing"
    assert answer["error"]["trace"][-1] == "LookupError: no such thing"


def test_check_of_django(django, check):
    from django.core.wsgi import get_wsgi_application

    app = get_wsgi_application()
    assert check(app, path="/")["status"] == 200
    answer = check(app, path="/?fail=1", front_door="http")
    assert answer["status"] == 500
    assert answer["error"]["type"] == "LookupError"


def test_django_pages(django, handle, event):
    from django.core.wsgi import get_wsgi_application

    answer = handle(get_wsgi_application(), event("http-root"))
    assert answer["body"] == "203.0.113.7"
    assert len(answer["cookies"]) == 2
