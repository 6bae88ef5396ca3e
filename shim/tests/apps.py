"""Small apps and functions that the tests run by name."""

from __future__ import annotations

import sys

LOADED = "an attribute that is not callable"
calls = []


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def create_app():
    return hello


class Namespace:
    app = staticmethod(hello)


def none():
    calls.append(())
    return "none"


def one(event):
    calls.append((event,))
    return {"got": event.get("number")}


def two(event, context):
    calls.append((event, context))
    return [event.get("number"), context.aws_request_id]


def many(*arguments):
    calls.append(arguments)
    return len(arguments)


def keyword_only(*, flag=True):
    return flag


def fails(event):
    calls.append((event,))
    return None + 1


def judges(event, context):
    """An authorizer, with the words of API Gateway for yes, no and who are you."""
    calls.append((event, context))
    token = event.get("authorizationToken") or next(iter(event.get("identitySource") or [event["headers"]["Authorization"]]))
    if token != "Bearer token-17":
        raise Exception("Unauthorized")
    return {"isAuthorized": True} if "routeArn" in event else {"principalId": "user-17"}


def three(event, context, more):
    raise AssertionError("is never called")


def exits(event):
    sys.exit(event.get("code"))


def not_json():
    return {1, 2}.__class__


def speaks(event):
    print("to standard output")
    print("to standard error", file=sys.stderr)


handled = []


def handler(exception, event, context):
    handled.append((exception, event, context))
    return event.get("suppress") if isinstance(event, dict) else None


def broken_handler(exception, event, context):
    raise KeyError("the handler itself")
