"""REST API; also an HTTP API that was set to payload format 1.0, which says `version`."""

from __future__ import annotations

from .environ import from_lists, from_values, is_custom, latin, split_prefix, unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .wsgi import Answer

LIMIT = 6_291_556
# The form encoding of every byte, so that `urllib.parse` need not be imported.
QUOTED = [chr(byte) if byte < 128 and (chr(byte).isalnum() or chr(byte) in "_.-~") else f"%{byte:02X}" for byte in range(256)]
QUOTED[32] = "+"


def quote(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text
    return "".join([QUOTED[byte] for byte in text.encode("utf-8", "surrogatepass")])


def split_path(event: dict[str, Any], about: dict[str, Any], base_path: str) -> tuple[str, str]:
    """SCRIPT_NAME and PATH_INFO, still encoded."""
    path: str = event["path"]
    if "version" in event:
        # An HTTP API: `path` includes a named stage, or the mapping key of a custom domain.
        return split_prefix(path, base_path if is_custom(about.get("domainName", "")) else "/" + about.get("stage", "$default"))
    bare = path.rstrip("/")
    if event.get("resource") == "/":
        return bare, "/"  # nothing was left for `{proxy+}`: all of it is the mapping of a custom domain
    # Custom domain: both paths have the mapping, `proxy` has not (nor, at times, the slash at the end).
    proxy = "/" + ((event.get("pathParameters") or {}).get("proxy") or "").rstrip("/")
    if not bare.endswith(proxy):
        return split_prefix(path, base_path)
    cut = len(bare) - len(proxy)
    return path[:cut], path[cut:]


def read(event: dict[str, Any], base_path: str) -> dict[str, Any]:
    lists = event.get("multiValueHeaders")
    environ = from_lists(lists) if lists else from_values(event.get("headers") or {})
    about = event.get("requestContext") or {}
    info: str = event["path"]
    whole: str = about.get("path") or info
    if whole != info and whole.endswith(info) and "version" not in event:
        script = whole[: -len(info)]  # execute-api: only the request context has the stage
    else:
        script, info = split_path(event, about, base_path)
    if "%" in whole or not whole.isascii():
        script, info, whole = unquote(script), unquote(info), latin(whole)
    environ["SCRIPT_NAME"] = script
    environ["PATH_INFO"] = info
    # Decoded by the gateway, so encoded again. The order across different keys is lost before it gets here.
    lists = event.get("multiValueQueryStringParameters")
    if not lists:
        lists = {key: [value] for key, value in (event.get("queryStringParameters") or {}).items()}
    query = "&".join([quote(key) + "=" + quote(value) for key, values in lists.items() for value in values])
    environ["QUERY_STRING"] = query
    environ["REQUEST_URI"] = environ["RAW_URI"] = whole + "?" + query if query else whole
    identity = about.get("identity") or {}
    environ["REQUEST_METHOD"] = event["httpMethod"]
    environ["REMOTE_ADDR"] = identity.get("sourceIp") or ""
    environ["SERVER_NAME"] = about.get("domainName")
    if "protocol" in about:
        environ["SERVER_PROTOCOL"] = about["protocol"]
    if identity.get("userArn"):
        environ["REMOTE_USER"] = identity["userArn"]
    return environ


def payload(event: dict[str, Any], answer: Answer, body: str, encoded: bool) -> dict[str, Any]:
    """Exactly these keys: another one is a malformed response to a REST API."""
    return {"statusCode": answer.code, "multiValueHeaders": answer.headers, "body": body, "isBase64Encoded": encoded}
