"""Everything that is not HTTP. Sorts such an event and runs the function that it names, or says what is wrong with it.

Messages name the keys of an event and never its values: events carry secrets.
"""

from __future__ import annotations

import inspect
import json
from decimal import Decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


AUTHORIZER = "an API Gateway authorizer"


class UnknownEventError(Exception):
    """Nothing in this deployment is meant for the event."""


def dispatch(event: Any, context: Any, config: dict[str, Any], serve: Callable[..., dict[str, Any]]) -> Any:
    """The exception handler may take over what is raised here; otherwise the runtime logs it, once."""
    try:
        return _dispatch(event, context, config, serve)
    except Exception as error:
        from .failure import call_exception_handler

        handled = call_exception_handler(error, event, context, config)
        # Of an authorizer the gateway takes an error for an answer: 401 if it says `Unauthorized`, else 500.
        if handled and not (isinstance(event, dict) and source_of(event) == AUTHORIZER):
            return None
        raise


def _dispatch(event: Any, context: Any, config: dict[str, Any], serve: Callable[..., dict[str, Any]]) -> Any:
    if not isinstance(event, dict):
        raise UnknownEventError(f"the event is a {type(event).__name__}, not an object")
    # First, so that nothing a queue, topic or bucket delivers can reach what is below.
    source = source_of(event)
    if source == AUTHORIZER and config["authorizer_function"]:
        # The gateway reads its result as it stands: what is not JSON must be an error, not a text.
        return call(import_function(config["authorizer_function"]), event, context)
    if source is not None:
        raise UnknownEventError(f"no function is configured for events from {source} (keys: {keys_of(event)})")
    marker = event.get("zappa")
    if marker == "check":
        from .check import check

        return check(event, context, config, serve)
    if marker == "schedule" or event.get("detail-type") == "Scheduled Event":
        return run_schedule(event, context, config)
    if marker is None:
        if "command" in event:
            return serialisable(call(import_function(event["command"]), event, context))
        if "manage" in event:
            from .management import manage

            return manage(event["manage"], config)
        if "raw_command" in event:
            from .management import run_source

            return run_source(event["raw_command"], event, context, config)
    if "detail-type" in event:
        raise UnknownEventError(f"no function is configured for events from EventBridge (keys: {keys_of(event)})")
    raise UnknownEventError(f"this event is not one that the deployment knows (keys: {keys_of(event)})")


def keys_of(event: dict[str, Any]) -> str:
    return ", ".join(sorted(f"`{key}`" for key in event)) or "none"


def source_of(event: dict[str, Any]) -> str | None:
    """The service that sent an event of a kind that must be configured, None for other events."""
    about = event.get("requestContext") or {}
    records = event.get("Records")
    kinds = {
        AUTHORIZER: "methodArn" in event or "routeArn" in event or event.get("type") in ("TOKEN", "REQUEST"),
        "a WebSocket API": isinstance(about, dict) and about.get("eventType") in ("CONNECT", "MESSAGE", "DISCONNECT"),
        "CloudWatch Logs": "awslogs" in event,
        "Cognito": "triggerSource" in event and "userPoolId" in event,
        "Lex": "bot" in event and ("currentIntent" in event or "sessionState" in event),
        "a stream, queue, topic or bucket": records is not None,
    }
    if isinstance(records, list) and records and isinstance(records[0], dict):
        # SNS is the one that spells it with a capital.
        name = records[0].get("eventSource") or records[0].get("EventSource")
        if isinstance(name, str):
            return f"`{name}`"
    return next((name for name, found in kinds.items() if found), None)


def run_schedule(event: dict[str, Any], context: Any, config: dict[str, Any]) -> Any:
    schedules = config["schedules"]
    name = event.get("name")
    if event.get("zappa") is None:
        # A rule that has no input of ours: its name ends in the schedule's.
        resources = event.get("resources") or [""]
        rule = str(resources[0]).rpartition("/")[2]
        name = max((known for known in schedules if rule == known or rule.endswith("-" + known)), key=len, default=rule)
    if name in schedules:
        event.setdefault("kwargs", schedules[name]["kwargs"])
        function = schedules[name]["function"]
    elif event.get("zappa") is not None and "function" in event:
        # Made since the release, by `zappa schedule`.
        function = event["function"]
    else:
        raise UnknownEventError(f"no schedule is called `{name}`; this deployment has: {', '.join(sorted(schedules)) or 'none'}")
    return serialisable(call(import_function(function), event, context))


def import_function(name: object) -> Callable[..., Any]:
    """A function of the deployment. Names arrive in events, so what belongs to Python itself (`os.system`) is refused."""
    import sys

    from .startup import import_object

    if not isinstance(name, str):
        raise TypeError(f"the name of a function must be text, not {type(name).__name__}")
    top = name.replace(":", ".").partition(".")[0]
    # Python 3.9 knows only the modules that are compiled in.
    if top in getattr(sys, "stdlib_module_names", sys.builtin_module_names):
        raise ValueError(f"`{name}` belongs to Python itself, and only functions of the deployed bundle are run by name")
    found = import_object(name)
    if not callable(found):
        raise TypeError(f"`{name}` is not a function")
    return found  # type: ignore[no-any-return]


def call(function: Callable[..., Any], event: Any, context: Any) -> Any:
    """With as many of event and context as it takes. Found out beforehand: a TypeError from within is the function's own."""
    arguments = (event, context)
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return function(*arguments)
    if not any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        arguments = arguments[: sum(parameter.kind in positional for parameter in parameters)]
    try:
        return function(*arguments)
    except SystemExit as error:
        # It would end the process, and the runtime with it. A script that says so has done its work.
        if error.code in (None, 0):
            return None
        raise RuntimeError(f"the function exited with {error.code!r}") from error


def serialisable(result: Any) -> Any:
    """A result that is not JSON must not turn a run that went well into an error, after which it would be run again."""
    try:
        json.dumps(result, default=_number)
    except (TypeError, ValueError, RecursionError):
        return repr(result)
    return result


def _number(value: Any) -> float:
    if isinstance(value, Decimal):  # the runtime's encoder knows these
        return float(value)
    raise TypeError(type(value).__name__)
