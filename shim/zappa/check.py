"""The health check of a release: proves that the app is imported, and asks it for one page as a front door would."""

from __future__ import annotations

import logging
from base64 import b64decode
from urllib.parse import parse_qs, unquote

from .failure import format_trace
from .wsgi import front_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

KEPT = 2000  # characters of a message or body
LINES = 100


def synthetic_event(front: str, target: str, host: str) -> dict[str, Any]:
    """A GET in the shape that the front door named would send."""
    path, _, query = target.partition("?")
    path = "/" + path.lstrip("/")
    headers = {"host": host, "user-agent": "zappa-check", "accept": "*/*", "x-forwarded-proto": "https", "x-forwarded-port": "443"}
    if front == "alb":
        pairs = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
        about: dict[str, Any] = {"elb": {"targetGroupArn": ""}}
        return {"requestContext": about, "httpMethod": "GET", "path": path, "queryStringParameters": pairs, "headers": headers}
    if front == "rest":
        lists = parse_qs(query, keep_blank_values=True)
        about = {"path": path, "stage": "", "domainName": host, "identity": {"sourceIp": "127.0.0.1"}, "protocol": "HTTP/1.1"}
        event = {
            "resource": "/{proxy+}",
            "httpMethod": "GET",
            "path": path,
            "multiValueQueryStringParameters": lists,
            "headers": headers,
        }
        return {**event, "pathParameters": {"proxy": path.lstrip("/")}, "requestContext": about}
    raw = path if front == "function-url" else unquote(path)  # an HTTP API has decoded both
    http = {"method": "GET", "path": unquote(path), "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
    about = {"http": http, "domainName": host, "stage": "$default"}
    return {"version": "2.0", "rawPath": raw, "rawQueryString": query, "headers": headers, "requestContext": about}


class Listener(logging.Handler):
    """Flask and Django answer 500 themselves and log the exception; this is how the check comes to know it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])


def describe(error: BaseException) -> dict[str, Any]:
    return {"type": type(error).__name__, "message": str(error)[:KEPT], "trace": format_trace(error)[-LINES:]}


def check(event: dict[str, Any], context: Any, config: dict[str, Any], serve: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {"zappa": "checked", "status": None, "error": None}
    if event.get("path") is None:
        return result
    host = event.get("host") or config["domain"] or "localhost"
    request = synthetic_event(event.get("front_door") or "rest", event["path"], host)
    listener = Listener()
    logging.root.addHandler(listener)
    errors: list[BaseException] = []
    try:
        answer = serve(request, context, front_door(request), errors)
    finally:
        logging.root.removeHandler(listener)
    result["status"] = answer["statusCode"]
    if answer["statusCode"] >= 500:
        body = b64decode(answer["body"]).decode("utf-8", "replace") if answer["isBase64Encoded"] else answer["body"]
        result["body"] = body[:KEPT]
        for error in (errors + listener.errors)[:1]:
            result["error"] = describe(error)
    return result
