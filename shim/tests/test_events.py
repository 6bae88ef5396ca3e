"""Events that are not HTTP."""

from __future__ import annotations

import json
import sys
from decimal import Decimal

import apps
import conftest
import pytest

from zappa.events import UnknownEventError
from zappa.handler import make_handler

SECRET = "s3cr3t"
SCHEDULES = {
    "nightly": {"function": "apps.one", "kwargs": {"depth": 2}},
    "the-nightly": {"function": "apps.two", "kwargs": {}},
    "broken": {"function": "apps.fails", "kwargs": {}},
}


@pytest.fixture(autouse=True)
def no_calls():
    apps.calls.clear()
    apps.handled.clear()


@pytest.fixture
def send(configure, context):
    def run(event, **changes):
        def app(environ, start_response):
            raise AssertionError("this event must not reach the web app")

        return make_handler(app, configure(**changes))(event, context)

    return run


# ---------------------------------------------------------------- keep-warm


def test_keep_warm_touches_nothing_else(context):
    handler = make_handler(None, {**conftest.DEFAULTS, "schedules": None})
    assert handler({"zappa": "keep-warm", "requestContext": {"http": {}}, "Records": []}, context) == {"zappa": "warm"}


# ---------------------------------------------------------------- schedules


def scheduled(rule, **keys):
    return {
        "version": "0",
        "id": "1",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-24T00:00:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:events:eu-west-1:123456789012:rule/{rule}"],
        "detail": {},
        **keys,
    }


def test_schedule_of_ours(send):
    event = scheduled("anything", zappa="schedule", name="nightly", kwargs={"depth": 3}, number=7)
    assert send(event, schedules=SCHEDULES) == {"got": 7}
    assert apps.calls[0][0]["kwargs"] == {"depth": 3}


def test_schedule_of_ours_that_is_younger_than_the_release(send):
    event = scheduled("anything", zappa="schedule", name="new", function="apps.one", kwargs={}, number=8)
    assert send(event, schedules=SCHEDULES) == {"got": 8}
    with pytest.raises(UnknownEventError, match="no schedule is called `new`"):
        send(scheduled("new", function="apps.one"), schedules=SCHEDULES)


@pytest.mark.parametrize("rule", ["nightly", "shop-dev-nightly"])
def test_schedule_by_rule_name(rule, send):
    assert send(scheduled(rule), schedules=SCHEDULES) == {"got": None}
    assert apps.calls[0][0]["kwargs"] == {"depth": 2}, "as configured"


def test_longest_name_wins(send):
    assert send(scheduled("shop-dev-the-nightly", number=1), schedules=SCHEDULES) == [1, conftest.Context.aws_request_id]


@pytest.mark.parametrize(
    "event",
    [
        scheduled("shop-dev-unknown"),
        scheduled("daynightly"),
        {"detail-type": "Scheduled Event"},
        {"zappa": "schedule", "name": "unknown"},
        {"zappa": "schedule"},
    ],
)
def test_unknown_schedules(event, send):
    with pytest.raises(UnknownEventError, match="broken, nightly, the-nightly"):
        send(event, schedules=SCHEDULES)
    with pytest.raises(UnknownEventError, match="has: none"):
        send(event)


def test_schedule_that_fails_is_raised(send):
    with pytest.raises(TypeError, match="NoneType"):
        send(scheduled("broken"), schedules=SCHEDULES)
    assert len(apps.calls) == 1, "a TypeError within is no reason to call again"


def test_result_that_is_not_json(send):
    assert send({"command": "apps.not_json"}) == "<class 'set'>"


@pytest.mark.parametrize("result", [None, 1, {"a": [Decimal("1.5")]}, "text"])
def test_results_that_are_json(result):
    from zappa.events import serialisable

    assert serialisable(result) == result


# ---------------------------------------------------------------- direct invocation


def test_command(send, context):
    assert send({"command": "apps.none"}) == "none"
    assert send({"command": "apps:one", "number": 5}) == {"got": 5}
    assert send({"command": "apps.two", "number": 5}) == [5, context.aws_request_id]
    assert send({"command": "apps.many"}) == 2
    assert send({"command": "apps.keyword_only"}) is True


def test_command_that_exits(send):
    assert send({"command": "apps.exits"}) is None
    assert send({"command": "apps.exits", "code": 0}) is None
    with pytest.raises(RuntimeError, match="exited with 3"):
        send({"command": "apps.exits", "code": 3})


def test_command_that_takes_too_much(send):
    with pytest.raises(TypeError, match="more"):
        send({"command": "apps.three"})


def test_function_without_a_signature():
    from zappa.events import call

    assert call(max, 1, 2) == 2
    with pytest.raises(TypeError):
        call(next, {}, None)


def test_command_output_goes_to_the_log(send, capsys):
    assert send({"command": "apps.speaks"}) is None
    captured = capsys.readouterr()
    assert captured.out == "to standard output\n"
    assert captured.err == "to standard error\n"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("os.system", ValueError, "belongs to Python"),
        ("builtins:exec", ValueError, "belongs to Python"),
        ("sys.exit", ValueError, "belongs to Python"),
        ("apps", ValueError, "not of the form"),
        (".x", ValueError, "not of the form"),
        ("apps:", ValueError, "not of the form"),
        ("apps.LOADED", TypeError, "not a function"),
        ("apps.missing", AttributeError, "missing"),
        ("missing_module.f", ModuleNotFoundError, "missing_module"),
        (5, TypeError, "must be text, not int"),
        (None, TypeError, "must be text"),
    ],
)
def test_commands_that_are_refused(name, error, message, send):
    if name == "os.system" and sys.version_info < (3, 10):
        pytest.skip("3.9 does not know the names of its standard library")
    with pytest.raises(error, match=message):
        send({"command": name})


# ---------------------------------------------------------------- what is not configured

RECORDS = {
    "`aws:s3`": {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": SECRET}}}]},
    "`aws:sns`": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps({"command": "apps.none"})}}]},
    "`aws:sqs`": {"Records": [{"eventSource": "aws:sqs", "body": json.dumps({"raw_command": "1"})}], "command": "apps.none"},
    "`aws:dynamodb`": {"Records": [{"eventSource": "aws:dynamodb"}], "manage": "migrate"},
    "`aws:kinesis`": {"Records": [{"eventSource": "aws:kinesis"}], "raw_command": "1", "zappa": "schedule"},
    "a stream, queue, topic or bucket": {"Records": [], "command": "apps.none"},
    "CloudWatch Logs": {"awslogs": {"data": SECRET}},
    "Cognito": {"triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "request": {"password": SECRET}},
    "an API Gateway authorizer": {"type": "TOKEN", "authorizationToken": SECRET, "methodArn": "arn"},
    "Lex": {"bot": {"name": "b"}, "currentIntent": {}},
    "a WebSocket API": {"requestContext": {"eventType": "MESSAGE", "routeKey": "$default"}, "body": SECRET},
    "EventBridge": {"detail-type": "Object Created", "source": "aws.s3", "detail": {"key": SECRET}},
}


@pytest.mark.parametrize("source", RECORDS)
def test_sources_that_are_not_configured(source, send):
    with pytest.raises(UnknownEventError) as caught:
        send(RECORDS[source], allow_raw_invoke=True, django_settings="django_settings")
    assert f"no function is configured for events from {source}" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert apps.calls == []


def test_odd_records(send):
    for records in (None, 5, [5], [{}], [{"eventSource": 5}]):
        event = {"Records": records, "command": "apps.none"}
        if records is None:
            assert send(event) == "none"
        else:
            with pytest.raises(UnknownEventError, match="bucket"):
                send(event)


# ---------------------------------------------------------------- the authorizer

JUDGE = "apps.judges"


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("rest-token", {"principalId": "user-17"}),
        ("rest-request", {"principalId": "user-17"}),
        ("http-request", {"isAuthorized": True}),
    ],
)
def test_authorizer(name, answer, event, send, context):
    request = event(f"authorizers/{name}")
    assert send(request, authorizer_function=JUDGE) == answer
    assert apps.calls == [(request, context)]
    with pytest.raises(UnknownEventError, match="authorizer"):
        send(request)


def test_authorizer_that_refuses_is_seen_to(event, send):
    request = {**event("authorizers/rest-token"), "authorizationToken": SECRET, "suppress": True}
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        send(request, authorizer_function=JUDGE, exception_handler="apps.handler")
    assert len(apps.handled) == 1, "told, though not asked"


def test_result_of_an_authorizer_is_not_put_into_words(event, send):
    assert send(event("authorizers/rest-token"), authorizer_function="apps.not_json") is set


def test_nothing_from_a_queue_reaches_the_authorizer(event, send):
    with pytest.raises(UnknownEventError, match="`aws:sqs`"):
        send({**event("authorizers/rest-token"), "Records": [{"eventSource": "aws:sqs"}]}, authorizer_function=JUDGE)
    assert apps.calls == []


@pytest.mark.parametrize("name", ["rest-root", "http-root"])
def test_request_authorizer_is_not_a_web_request(name, event, send):
    request = {**event(name), "type": "REQUEST"}
    request["methodArn" if name == "rest-root" else "routeArn"] = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/dev/GET/"
    with pytest.raises(UnknownEventError, match="authorizer"):
        send(request)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({}, "keys: none"),
        ({"secret": SECRET, "other": 1}, "keys: `other`, `secret`"),
        ({"zappa": "dance"}, "keys: `zappa`"),
        ({"zappa": "dance", "command": "apps.none"}, "`command`, `zappa`"),
        ({"requestContext": SECRET}, "`requestContext`"),
        ({"version": "2.0", "path": "/", "method": "GET"}, "`method`, `path`, `version`"),
        ([1], "is a list"),
        ("text", "is a str"),
        (None, "is a NoneType"),
    ],
)
def test_what_is_not_recognised_names_its_keys(event, words, send):
    with pytest.raises(UnknownEventError) as caught:
        send(event)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


# ---------------------------------------------------------------- the exception handler


def test_exception_handler_may_suppress(send, context):
    assert send({"command": "apps.fails", "suppress": True}, exception_handler="apps.handler") is None
    [(error, event, its_context)] = apps.handled
    assert isinstance(error, TypeError)
    assert event["suppress"] is True
    assert its_context is context


def test_exception_handler_that_does_not_suppress(send):
    with pytest.raises(TypeError, match="NoneType"):
        send({"command": "apps.fails"}, exception_handler="apps.handler")
    with pytest.raises(TypeError, match="NoneType"):
        send({"command": "apps.fails"}, exception_handler="apps.broken_handler")


# ---------------------------------------------------------------- source


def test_raw_is_off_by_default(send):
    with pytest.raises(PermissionError, match="allow_raw_invoke = true"):
        send({"raw_command": "print(1)"})


def test_raw(send, capsys):
    answer = send({"raw_command": "import os\nprint('here', event['number'])", "number": 4}, allow_raw_invoke=True)
    assert answer == {"zappa": "ran", "status": 0, "output": "here 4\n"}
    assert capsys.readouterr().out == "here 4\n"
    answer = send({"raw_command": "1 / 0"}, allow_raw_invoke=True)
    assert answer["status"] == 1
    assert answer["output"].endswith("ZeroDivisionError: division by zero\n")


# ---------------------------------------------------------------- management commands


def test_management_command(django, send, capsys):
    answer = send({"manage": ["speak", "a b", "c"]}, **django)
    assert answer == {"zappa": "managed", "status": 0, "output": "a b | c\nprinted\nto standard error\nFalse True\n"}
    captured = capsys.readouterr()
    assert captured.out == "a b | c\nprinted\nFalse True\n"
    assert captured.err == "to standard error\n"


def test_management_command_as_text(django, send):
    assert send({"manage": "speak 'a b' --how=lines"}, **django)["output"].startswith("a b\nprinted\nto ")


@pytest.mark.parametrize(
    ("words", "status", "end"),
    [
        ("speak --how=badly", 3, "CommandError: cannot speak\n"),
        ("speak --how=not", 1, "ZeroDivisionError: lost for words\n"),
        ("speak --how=exit", 1, "gone\n"),
        ("speak --how=leave", 0, ""),
        ("speak --nonsense", 2, "unrecognized arguments: --nonsense\n"),
        ("nonsense", 1, "Type 'manage.py help' for usage.\n"),
    ],
)
def test_management_commands_that_fail(words, status, end, django, send, capsys):
    answer = send({"manage": words}, **django)
    assert answer["status"] == status
    assert answer["output"].endswith(end)
    assert ("Traceback" in answer["output"]) is ("ZeroDivisionError" in end)
    captured = capsys.readouterr()
    assert (captured.out + captured.err).endswith(end)
    assert not isinstance(sys.stdout, type(None))


def test_long_output_keeps_its_end(django, send):
    answer = send({"manage": "speak --how=long"}, **django)
    assert 3_900_000 < len(json.dumps(answer)) < 4_100_000
    assert answer["output"].startswith("[the beginning is left out")
    assert "printed\n" in answer["output"][-100:]


@pytest.mark.parametrize("character", ["\x01", "é", "\U0001f600", '"'])
def test_long_output_fits_with_its_escapes(character):
    from zappa.management import NOTICE, shortened

    output = shortened("start" + character * 3_000_000 + "end")
    assert 3_900_000 < len(json.dumps(output)) < 4_000_100
    assert output.startswith(NOTICE + character)
    assert output.endswith("end")


def test_much_output_that_is_not_too_much(send):
    answer = send({"raw_command": "print('x' * 2_000_000)"}, allow_raw_invoke=True)
    assert len(answer["output"]) == 2_000_001


def test_output_written_as_lines(send):
    answer = send(
        {"raw_command": "import sys; sys.stdout.writelines(['a', 'b']); sys.stderr.writelines(['c'])"}, allow_raw_invoke=True
    )
    assert answer["output"] == "abc"


def test_management_needs_django(send):
    with pytest.raises(ValueError, match="django_settings"):
        send({"manage": "migrate"})
