"""What the gateway's authorizer found out, as the app sees it. Imported when a request comes with such a finding."""

from __future__ import annotations

import json

from .environ import environ_key, latin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def look_up(source: Any, *path: str) -> Any:
    for step in path:
        source = source.get(step) if isinstance(source, dict) else None
    return source


def add_authorizer(environ: dict[str, Any], event: dict[str, Any], mappings: dict[str, str]) -> None:
    about = event.get("requestContext")
    authorizer = look_up(about, "authorizer")
    if authorizer:
        # Text, because PEP 3333 allows no other CGI variable. The object itself is under a server's key.
        environ["API_GATEWAY_AUTHORIZER"] = json.dumps(authorizer, separators=(",", ":"))
        environ["lambda.authorizer"] = authorizer
        user = (
            look_up(authorizer, "principalId")  # REST API: Lambda
            or look_up(authorizer, "claims", "sub")  # REST API: user pool, JWT
            or look_up(authorizer, "lambda", "principalId")  # HTTP API, likewise
            or look_up(authorizer, "jwt", "claims", "sub")
            or look_up(authorizer, "iam", "userArn")
        )
        if user:
            environ["REMOTE_USER"] = latin(str(user))
    for name, path in mappings.items():
        key = environ_key(name.replace("_", "-"))
        # Whatever the client sent under that name is not what the gateway says.
        environ.pop(key, None)
        value = look_up(about, *path.split("."))
        if value is not None:
            environ[key] = latin(value if isinstance(value, str) else json.dumps(value))
