"""What the front doors share on the way in. Calls are few and flat, because every request pays for them."""

from __future__ import annotations

import sys
from binascii import a2b_base64
from io import BytesIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Everything that is always there, so that a copy has room for it. A process serves one request at a time.
BASE: dict[str, Any] = dict.fromkeys(
    ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "SERVER_NAME"), ""
)
BASE.update(
    {"SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "HTTPS": "on", "wsgi.url_scheme": "https", "wsgi.version": (1, 0)}
)
BASE.update({"wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False})
BASE.update({"wsgi.input": None, "wsgi.errors": None, "lambda.event": None, "lambda.context": None})
KEYS: dict[str, str] = {}


def latin(text: str) -> str:
    """PEP 3333's native string: the UTF-8 bytes of `text`, one character each."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def unquote(text: str) -> str:
    """Percent-decoding into a native string: bytes that are not UTF-8 survive, and what is not an escape stays."""
    if "%" not in text:
        return latin(text)
    text, *parts = latin(text).split("%")
    for part in parts:
        try:
            text += chr(bytes.fromhex(part[:2])[0]) + part[2:]
        except (ValueError, IndexError):
            text += "%" + part
    return text


def environ_key(name: str) -> str:
    """The environ key of a request header; "" for one that must not get in: with an underscore it would pass for another
    (X_Forwarded_For), and HTTP_PROXY steers HTTP clients."""
    key = name.upper().replace("-", "_")
    if "_" in name or key == "PROXY":
        key = ""
    elif key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = "HTTP_" + key
    if len(KEYS) < 512:  # clients choose the names
        KEYS[name] = key
    return key


def from_values(headers: dict[str, str]) -> dict[str, Any]:
    """The beginning of an environ: what never changes, and the headers."""
    environ = BASE.copy()
    for name, value in headers.items():
        try:
            environ[KEYS[name]] = value
        except KeyError:
            environ[environ_key(name)] = value
    if "" in environ:
        del environ[""]
    if not "".join(headers.values()).isascii():
        for name, value in headers.items():
            key = environ_key(name)
            if key:
                environ[key] = latin(value)
    return environ


def from_lists(headers: dict[str, list[str]]) -> dict[str, Any]:
    """The same for headers that may have several values."""
    environ = BASE.copy()
    for name, values in headers.items():
        try:
            key = KEYS[name]
        except KeyError:
            key = environ_key(name)
        value = values[0]
        if len(values) != 1 or key in environ or not value.isascii():
            comma = "; " if key == "HTTP_COOKIE" else ","
            value = latin(comma.join(values))
            if key in environ:  # a REST API keeps the client's case, so that one header may come under two names
                value = environ[key] + comma + value
        environ[key] = value
    if "" in environ:
        del environ[""]
    return environ


def split_prefix(path: str, prefix: str) -> tuple[str, str]:
    """SCRIPT_NAME and PATH_INFO. Whole segments only: `/devices` does not start with `/dev`."""
    if prefix and (path == prefix or path.startswith(prefix + "/")):
        return prefix, path[len(prefix) :] or "/"
    return "", path


def is_custom(domain: str) -> bool:
    return domain != "" and ".execute-api." not in domain and ".lambda-url." not in domain


def complete(environ: dict[str, Any], event: dict[str, Any], context: Any) -> None:
    body = event.get("body")
    data = b""
    if body:
        data = a2b_base64(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
    if data or "CONTENT_LENGTH" in environ:
        environ["CONTENT_LENGTH"] = str(len(data))
    # The gateway's own headers; those that send none are reached by TLS only.
    port = "443"
    if environ.get("HTTP_X_FORWARDED_PROTO") == "http":
        environ["wsgi.url_scheme"], port = "http", "80"
        del environ["HTTPS"]
    environ["SERVER_PORT"] = environ.get("HTTP_X_FORWARDED_PORT") or port
    if not environ["SERVER_NAME"]:
        host = environ.get("HTTP_HOST", "")
        environ["SERVER_NAME"] = (host if host.endswith("]") else host.rsplit(":", 1)[0]) or "localhost"
    environ["wsgi.input"] = BytesIO(data)
    environ["wsgi.errors"] = sys.stderr
    environ["lambda.event"] = event
    environ["lambda.context"] = context
