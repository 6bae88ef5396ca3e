"""Tasks: run here, or sent to the function itself."""

from __future__ import annotations

import json
import sys
import types

import conftest
import pytest

from zappa import asynchronous
from zappa.asynchronous import AsyncException, get_async_response, route_lambda_task, run, task, task_sns
from zappa.handler import make_handler

done = []


@task
def plain(*args, **kwargs):
    """What it does."""
    done.append((args, kwargs))
    return len(done)


@task(remote_aws_lambda_function_name="other", remote_aws_region="us-east-1")
def remote(*args):
    done.append((args, {}))


def undecorated(*args, **kwargs):
    done.append((args, kwargs))
    return "undecorated"


class Client:
    def __init__(self, status=202):
        self.status = status
        self.calls = []

    def invoke(self, **arguments):
        self.calls.append(arguments)
        return {"StatusCode": self.status}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    done.clear()
    asynchronous.client.cache_clear()
    for name in ("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_REGION", "ZAPPA_TASKS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def aws(monkeypatch):
    """Stands in for boto3, and for being in Lambda."""
    client = Client()
    client.made = []
    boto3 = types.ModuleType("boto3")
    boto3.client = lambda service, region_name: client.made.append((service, region_name)) or client
    monkeypatch.setitem(sys.modules, "boto3", boto3)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-dev")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    return client


def test_outside_lambda_tasks_run_at_once():
    assert plain(1, a=2) == 1
    assert done == [((1,), {"a": 2})]
    assert run(undecorated, [3], {"b": 4}, c=5) == "undecorated"
    assert done[1] == ((3,), {"b": 4, "c": 5})
    assert run(plain) == 3


def test_emulator_may_ask_for_it(aws, monkeypatch):
    monkeypatch.setenv("ZAPPA_TASKS", "inline")
    assert plain(1) == 1
    assert aws.calls == []


def test_decorated_function_keeps_itself():
    assert plain.__name__ == "plain"
    assert plain.__doc__ == "What it does."
    assert plain.service == "lambda"
    assert plain.sync(9) == 1
    assert done == [((9,), {})]


def test_in_lambda_tasks_are_sent(aws):
    response = plain(1, "é", a=[2])
    assert response.sent is True
    assert response.response_id is None
    assert done == []
    [call] = aws.calls
    assert call["FunctionName"] == "shop-dev"
    assert call["Qualifier"] == "7", "the code that sends is the code that runs"
    assert call["InvocationType"] == "Event"
    assert aws.made == [("lambda", "eu-west-1")]
    assert json.loads(call["Payload"]) == {
        "command": "zappa.asynchronous.route_lambda_task",
        "task_path": "test_asynchronous.plain",
        "capture_response": False,
        "response_id": None,
        "args": [1, "é"],
        "kwargs": {"a": [2]},
    }


def test_what_is_sent_runs_the_task(aws, context):
    plain(1, a=2)
    event = json.loads(aws.calls[0]["Payload"])
    assert make_handler(None, conftest.DEFAULTS)(event, context) == 1
    assert done == [((1,), {"a": 2})]
    event["task_path"] = "test_asynchronous.undecorated"
    assert route_lambda_task(event, context) == "undecorated"


def test_unqualified_when_the_version_is_unknown(aws, monkeypatch):
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_VERSION")
    run(undecorated)
    assert "Qualifier" not in aws.calls[0]


def test_other_function(aws):
    remote(1)
    assert aws.calls[0]["FunctionName"] == "other"
    assert "Qualifier" not in aws.calls[0]
    assert aws.made == [("lambda", "us-east-1")]
    run(undecorated, remote_aws_lambda_function_name="other")
    assert aws.made[1] == ("lambda", "eu-west-1")


def test_not_taken(aws):
    aws.status = 500
    assert plain().sent is False


def test_arguments_that_cannot_be_sent(aws):
    with pytest.raises(AsyncException, match="JSON"):
        plain({1, 2})
    with pytest.raises(AsyncException, match="too large"):
        plain("x" * 1_000_001)
    assert aws.calls == []


def test_arguments_are_checked_outside_lambda_too():
    with pytest.raises(AsyncException, match="JSON"):
        plain(object())


def test_what_is_not_supported_says_so():
    with pytest.raises(AsyncException, match="SNS"):
        task_sns(undecorated)
    with pytest.raises(AsyncException, match="sns"):
        task(service="sns")
    with pytest.raises(AsyncException, match="capture_response"):
        run(undecorated, capture_response=True)
    with pytest.raises(AsyncException, match="captured responses"):
        get_async_response("1")


def test_function_without_a_module():
    namespace = {"__name__": "nowhere"}
    exec("def f(): pass", namespace)
    with pytest.raises(AsyncException, match="`f` has no module"):
        run(namespace["f"])


def test_standard_library_is_not_a_task(context):
    with pytest.raises(ValueError, match="belongs to Python"):
        route_lambda_task({"task_path": "sys.exit", "args": [], "kwargs": {}}, context)
