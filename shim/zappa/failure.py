"""What happens when the app fails: one event in the log, the exception handler, and a 500 that gives nothing away."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback

from .wsgi import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def request_id(context: Any) -> str:
    return str(getattr(context, "aws_request_id", None) or "")


def format_trace(error: BaseException) -> list[str]:
    """The lines of the traceback, the shim's own frames at its beginning left out."""
    trace = error.__traceback__
    here = os.path.dirname(os.path.abspath(__file__))
    while trace is not None and trace.tb_next is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == here:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip().split("\n")


def log(level: str, message: str, context: Any, trace: list[str] | None = None) -> None:
    """Writes one event, in the format of the runtime's own.

    Not through `logging`: the app may have replaced its handlers, or raised its level. Lambda ends an event at a line feed, so
    lines within are ended by a carriage return, as the runtime does it.
    """
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        record: dict[str, Any] = {"timestamp": stamp + "Z", "level": level, "message": message, "requestId": request_id(context)}
        if trace:
            record["stackTrace"] = trace
        line = json.dumps(record)
    else:
        lines = "\n".join([message, *(trace or [])]).splitlines()
        line = f"[{level}]\t{stamp}.{int(now % 1 * 1000):03d}Z\t{request_id(context)}\t" + "\r".join(lines)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def log_error(error: BaseException, context: Any) -> None:
    log("ERROR", f"{type(error).__name__}: {error}", context, format_trace(error))


def call_exception_handler(error: BaseException, event: Any, context: Any, config: dict[str, Any]) -> Any:
    """The app's own handler; one that fails itself is logged and taken for one that did nothing."""
    if config["exception_handler"] is None:
        return None
    try:
        from .startup import import_object

        return import_object(config["exception_handler"])(error, event, context)
    except Exception as failure:
        log_error(failure, context)
        return None


def error_answer(context: Any, trace: list[str] | None = None) -> Answer:
    answer = Answer()
    body = json.dumps({"message": "Internal server error", "request_id": request_id(context)})
    kind = "application/json"
    if trace is not None:
        body, kind = "\n".join(trace) + "\n", "text/plain; charset=utf-8"
    answer.start_response("500 Internal Server Error", [("Content-Type", kind)])
    answer.write(body.encode("utf-8", "backslashreplace"))
    return answer


def failed(error: BaseException, event: Any, context: Any, config: dict[str, Any]) -> Answer:
    log_error(error, context)
    call_exception_handler(error, event, context, config)
    return error_answer(context, format_trace(error) if config["debug"] else None)
