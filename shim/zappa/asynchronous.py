"""Runs functions later, in another invocation of the same Lambda function: `@task` and `run`.

Apps import this module, so it knows nothing of the handler, and boto3 is imported when the first task is sent. Outside Lambda
a task runs where it is called.
"""

from __future__ import annotations

import functools
import inspect
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

ROUTE = "zappa.asynchronous.route_lambda_task"
LIMIT = 1_000_000  # Lambda takes 1 MB in an asynchronous invocation; the envelope is ours


class AsyncException(Exception):  # noqa: N818 (the name that apps catch)
    """A task could not be sent."""


class LambdaAsyncResponse:
    """What sending a task gives back: `sent` says whether Lambda took it."""

    def __init__(self, status: int) -> None:
        self.sent = status == 202
        self.response_id = None


def get_func_task_path(func: Callable[..., Any]) -> str:
    module = inspect.getmodule(func)
    if module is None:
        raise AsyncException(f"`{func.__name__}` has no module to find it by")
    return f"{module.__name__}.{func.__name__}"


def run(
    func: Callable[..., Any],
    args: Any = (),
    kwargs: dict[str, Any] | None = None,
    service: str = "lambda",
    capture_response: bool = False,
    remote_aws_lambda_function_name: str | None = None,
    remote_aws_region: str | None = None,
    **task_kwargs: Any,
) -> Any:
    """Calls `func` later, if this is Lambda, else now."""
    refuse_unsupported(service, capture_response)
    kwargs = {**(kwargs or {}), **task_kwargs}
    function_name = remote_aws_lambda_function_name or os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    payload = encode(get_func_task_path(func), args, kwargs)
    if not function_name or os.environ.get("ZAPPA_TASKS") == "inline":
        return getattr(func, "sync", func)(*args, **kwargs)
    return send(payload, function_name, remote_aws_region, own=remote_aws_lambda_function_name is None)


def encode(path: str, args: Any, kwargs: dict[str, Any]) -> bytes:
    message = {"command": ROUTE, "task_path": path, "capture_response": False, "response_id": None, "args": list(args)}
    try:
        payload = json.dumps({**message, "kwargs": kwargs}).encode()
    except TypeError as error:
        raise AsyncException(f"the arguments of `{path}` cannot be sent as JSON: {error}") from error
    if len(payload) > LIMIT:
        raise AsyncException(f"the arguments of `{path}` are too large: {len(payload)} bytes, and {LIMIT} can be sent")
    return payload


@functools.cache
def client(region: str | None) -> Any:
    import boto3

    return boto3.client("lambda", region_name=region)


def send(payload: bytes, function_name: str, region: str | None, own: bool) -> LambdaAsyncResponse:
    arguments = {"FunctionName": function_name, "InvocationType": "Event", "Payload": payload}
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    if own and version != "$LATEST":
        # The same code that sends runs the task, whatever is deployed meanwhile.
        arguments["Qualifier"] = version
    response = client(region or os.environ.get("AWS_REGION")).invoke(**arguments)
    return LambdaAsyncResponse(response.get("StatusCode", 0))


def refuse_unsupported(service: str, capture_response: bool) -> None:
    if service != "lambda":
        raise AsyncException(f"tasks through `{service}` are not supported yet; use the service `lambda`")
    if capture_response:
        raise AsyncException("capture_response is not supported yet")


def task(*args: Any, **kwargs: Any) -> Any:
    """`@task` or `@task(...)`: the function runs later; `.sync` is the function itself."""
    service = kwargs.get("service", "lambda")
    refuse_unsupported(service, kwargs.get("capture_response", False))
    remote = kwargs.get("remote_aws_lambda_function_name")
    region = kwargs.get("remote_aws_region")

    def wrap(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def run_later(*args: Any, **kwargs: Any) -> Any:
            return run(func, args, kwargs, remote_aws_lambda_function_name=remote, remote_aws_region=region)

        run_later.service = service  # type: ignore[attr-defined]
        run_later.sync = func  # type: ignore[attr-defined]
        return run_later

    if len(args) == 1 and callable(args[0]):
        return wrap(args[0])
    return wrap


def task_sns(*args: Any, **kwargs: Any) -> Any:
    raise AsyncException("tasks through SNS are not supported yet; use `@task`")


def get_async_response(response_id: str) -> Any:
    raise AsyncException("captured responses are not supported yet")


def route_lambda_task(event: dict[str, Any], context: Any) -> Any:
    """The command in the message: runs the task that it names."""
    return run_message(event)


def run_message(message: dict[str, Any]) -> Any:
    from .events import import_function

    function = import_function(message["task_path"])
    return getattr(function, "sync", function)(*message["args"], **message["kwargs"])
