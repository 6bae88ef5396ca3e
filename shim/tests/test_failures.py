"""What a failing app leaves in the log, and what it gives away to the client."""

from __future__ import annotations

import json
import re

import apps
import conftest
import pytest

FRONT_DOORS = ("rest", "http", "function-url", "alb", "alb-multi")
SECRET = "s3cr3t"


@pytest.fixture(params=FRONT_DOORS)
def request_event(request, event):
    found = event(f"{request.param}-captured")
    return json.loads(json.dumps(found).replace("abc123", SECRET))


def raises(environ, start_response):
    raise RuntimeError("could not reach the till")


def exits(environ, start_response):
    raise SystemExit(3)


def headers_of(answer):
    return {name: value if isinstance(value, str) else value[0] for name, value in
            (answer.get("headers") or answer.get("multiValueHeaders")).items()}  # fmt: skip


@pytest.mark.parametrize("app", [raises, exits])
def test_client_gets_the_request_id_and_no_more(app, request_event, handle):
    answer = handle(app, request_event)
    assert answer["statusCode"] == 500
    assert headers_of(answer) == {"content-type": "application/json"}
    assert json.loads(answer["body"]) == {"message": "Internal server error", "request_id": conftest.Context.aws_request_id}
    assert answer["isBase64Encoded"] is False


def test_traceback_is_one_event_in_the_log(request_event, handle, capsys):
    handle(raises, request_event)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert re.match(
        r"\[ERROR\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t" + conftest.Context.aws_request_id + "\tRuntimeError: ", out
    )
    lines = out.split("\r")
    assert lines[1] == "Traceback (most recent call last):"
    assert "validate.py" in lines[2], "the shim's own frames are left out"
    assert lines[-1] == "RuntimeError: could not reach the till\n"
    assert SECRET not in out


def test_traceback_in_the_json_log(request_event, handle, capsys, monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    handle(raises, request_event)
    record = json.loads(capsys.readouterr().out)
    assert record["level"] == "ERROR"
    assert record["message"] == "RuntimeError: could not reach the till"
    assert record["requestId"] == conftest.Context.aws_request_id
    assert record["stackTrace"][0] == "Traceback (most recent call last):"


def test_warnings_in_the_json_log_have_no_trace(capsys, monkeypatch):
    from zappa.failure import log

    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    log("WARNING", "look out", None)
    assert "stackTrace" not in json.loads(capsys.readouterr().out)


def test_debug_shows_the_traceback(request_event, handle):
    answer = handle(raises, request_event, debug=True)
    assert answer["statusCode"] == 500
    assert headers_of(answer) == {"content-type": "text/plain; charset=utf-8"}
    assert answer["body"].endswith("RuntimeError: could not reach the till\n")


def test_exception_handler_is_told(request_event, handle, context):
    apps.handled.clear()
    answer = handle(raises, {**request_event, "suppress": True}, exception_handler="apps.handler")
    assert answer["statusCode"] == 500, "for HTTP its result does not matter"
    [(error, event, its_context)] = apps.handled
    assert str(error) == "could not reach the till"
    assert event["suppress"] is True
    assert its_context is context


def test_exception_handler_that_fails(request_event, handle, capsys):
    answer = handle(raises, request_event, exception_handler="apps.broken_handler")
    assert answer["statusCode"] == 500
    out = capsys.readouterr().out
    assert out.count("\n") == 2
    assert "KeyError" in out


@pytest.mark.parametrize("change", [{"body": "%%%", "isBase64Encoded": True}, {"body": "abc", "isBase64Encoded": True}])
def test_event_that_cannot_be_read(change, request_event, handle, capsys):
    assert handle(apps.hello, {**request_event, **change})["statusCode"] in (200, 500)
    assert handle(apps.hello, {**request_event, "body": 5})["statusCode"] == 500
    assert SECRET not in capsys.readouterr().out


def test_keyboard_interrupt_is_not_ours(request_event, handle):
    def app(environ, start_response):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handle(app, request_event)


def test_context_without_request_id(event):
    from zappa.handler import make_handler

    answer = make_handler(raises, conftest.DEFAULTS)(event("rest-root"), None)
    assert json.loads(answer["body"])["request_id"] == ""
