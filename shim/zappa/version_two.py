"""HTTP API and Function URL, payload format 2.0."""

from __future__ import annotations

from .environ import from_values, is_custom, latin, split_prefix, unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .wsgi import Answer

LIMIT = 6_291_556


def read(event: dict[str, Any], base_path: str) -> dict[str, Any]:
    environ = from_values(event.get("headers") or {})
    if event.get("cookies"):
        # A Function URL gives the header as well: replaced, not joined, or each cookie would be there twice.
        environ["HTTP_COOKIE"] = latin("; ".join(event["cookies"]))
    about = event["requestContext"]
    http = about["http"]
    domain = about.get("domainName") or ""
    query = latin(event.get("rawQueryString") or "")
    path: str = http["path"]
    raw: str = event.get("rawPath") or path
    if raw != path or ".lambda-url." in domain:
        # Only a Function URL leaves `rawPath` as it was sent. Its `http.path` is decoded, but not to bytes.
        environ["REQUEST_URI"] = environ["RAW_URI"] = latin(raw) + "?" + query if query else latin(raw)
        info = unquote(raw)
    else:
        info = latin(path)  # an HTTP API has decoded both; doing it again would turn a literal %25 into %
    script = ""
    stage = about.get("stage")
    if stage and stage != "$default":
        script, info = split_prefix(info, "/" + stage)
    if is_custom(domain):
        # The stage is delivered although no client wrote it; the mapping key was written, but is not delivered.
        script, info = base_path, split_prefix(info, base_path)[1]
    environ["SCRIPT_NAME"] = script
    environ["PATH_INFO"] = info
    environ["QUERY_STRING"] = query
    environ["REQUEST_METHOD"] = http["method"]
    environ["REMOTE_ADDR"] = http.get("sourceIp") or ""
    environ["SERVER_NAME"] = domain
    if "protocol" in http:
        environ["SERVER_PROTOCOL"] = http["protocol"]
    return environ


def joined(headers: dict[str, list[str]]) -> tuple[dict[str, str], list[str]]:
    """One value for each name, repeated headers joined; apart from them the cookies, which cannot be."""
    values = {name: several[0] if len(several) == 1 else ", ".join(several) for name, several in headers.items()}
    values.pop("set-cookie", None)
    return values, headers.get("set-cookie", [])


def payload(event: dict[str, Any], answer: Answer, body: str, encoded: bool) -> dict[str, Any]:
    values, cookies = joined(answer.headers)
    result = {"statusCode": answer.code, "headers": values, "body": body, "isBase64Encoded": encoded}
    if cookies:
        result["cookies"] = cookies
    return result
