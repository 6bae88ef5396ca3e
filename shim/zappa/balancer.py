"""Application load balancer, both modes of its target group: one value a header, or lists of them."""

from __future__ import annotations

from .environ import from_lists, from_values, latin, split_prefix, unquote
from .version_two import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .wsgi import Answer

LIMIT = 1_048_576


def read(event: dict[str, Any], base_path: str) -> dict[str, Any]:
    """Path and query come as the client wrote them, so the query is joined and not encoded again."""
    if event.get("multiValueHeaders") is None:
        environ = from_values(event.get("headers") or {})
        lists = {key: [value] for key, value in (event.get("queryStringParameters") or {}).items()}
    else:
        environ = from_lists(event["multiValueHeaders"])
        lists = event.get("multiValueQueryStringParameters") or {}
    query = latin("&".join([key + "=" + value for key, values in lists.items() for value in values]))
    script, info = split_prefix(event["path"], base_path)
    environ["SCRIPT_NAME"] = unquote(script)
    environ["PATH_INFO"] = unquote(info)
    environ["QUERY_STRING"] = query
    environ["REQUEST_URI"] = environ["RAW_URI"] = latin(event["path"]) + "?" + query if query else latin(event["path"])
    environ["REQUEST_METHOD"] = event["httpMethod"]
    # The balancer appends the address it saw to what the client sent, so only the last entry is vouched for. (Without a header
    # of the client's own the last is also the first.) A target group can be told to add the port.
    address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    environ["REMOTE_ADDR"] = address.partition(":")[0] if address.count(":") == 1 else address
    environ["SERVER_NAME"] = ""
    return environ


def single_payload(answer: Answer, body: str, encoded: bool) -> dict[str, Any]:
    values, cookies = joined(answer.headers)
    for number, cookie in enumerate(cookies):
        # One value a name is all there is room for, so each cookie gets a spelling of the name of its own.
        name = "".join([letter.upper() if number >> place & 1 else letter for place, letter in enumerate("setcookie")])
        values[name[:3] + "-" + name[3:]] = cookie
    result: dict[str, Any] = {"statusCode": answer.code, "statusDescription": answer.status, "headers": values}
    result.update(body=body, isBase64Encoded=encoded)
    return result


def lists_payload(answer: Answer, body: str, encoded: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"statusCode": answer.code, "statusDescription": answer.status}
    result.update(multiValueHeaders=answer.headers, body=body, isBase64Encoded=encoded)
    return result


def payload(event: dict[str, Any], answer: Answer, body: str, encoded: bool) -> dict[str, Any]:
    """In the mode of the request, or the balancer sends a 502."""
    single = event.get("multiValueHeaders") is None
    return (single_payload if single else lists_payload)(answer, body, encoded)
