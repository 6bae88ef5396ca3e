"""Which operation a request is: by the scope that it is signed for, and by botocore's own models."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import operations


class Names:
    """The tables of the services, each made when it is first needed."""

    def __init__(self) -> None:
        self.services = operations.services()
        # Those of a service that a method may mean, each with the segments of its path.
        self.by_method: dict[tuple[str, str], list[tuple[dict[str, Any], list[str]]]] = {}
        for service, described in self.services.items():
            for found in described.get("operations", []):
                self.by_method.setdefault((service, found["method"]), []).append((found, segments(found["path"])))

    def of(self, environ: dict[str, Any], body: bytes) -> str:
        path = path_of(environ)
        scope = re.search(r"Credential=[^,]+/([^/,]+)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
        service = scope[1] if scope else "unsigned"
        if service == "apigateway" and path.startswith("/v2/"):
            service = "apigatewayv2"
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            return f"{service}:{target.rpartition('.')[2]}"
        query, given = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True), segments(path)
        known = self.by_method.get((service, environ["REQUEST_METHOD"]), [])
        rest = [found for found, template in known if reaches(template, given) and fits(found, query, environ)]
        if rest:
            return f"{service}:{max(rest, key=precision)['name']}"
        action = parse_qs(body.decode(errors="replace")).get("Action")
        return f"{service}:{action[0] if action else environ['REQUEST_METHOD'] + ' ' + path}"


def path_of(environ: dict[str, Any]) -> str:
    """As it was sent: a slash within a segment is still encoded."""
    return environ["REQUEST_URI"].partition("?")[0]


def segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def fits(operation: dict[str, Any], query: dict[str, list[str]], environ: dict[str, Any]) -> bool:
    wanted = (parameter.partition("=") for parameter in operation["query"])
    if not all(name in query and value in ("", *query[name]) for name, _, value in wanted):
        return False
    return all("HTTP_" + name.upper().replace("-", "_") in environ for name in operation["headers"])


def reaches(template: list[str], given: list[str]) -> bool:
    open_ended = bool(template) and template[-1].endswith("+}")
    if len(given) < len(template) or (len(given) > len(template) and not open_ended):
        return False
    return all(part.startswith("{") or part == actual for part, actual in zip(template, given))


def precision(operation: dict[str, Any]) -> tuple[int, int, int]:
    """How much of an operation a request has met; one that asks for more fits better."""
    template = segments(operation["path"])
    fixed = sum(not part.startswith("{") for part in template)
    return fixed, len(template), len(operation["query"]) + len(operation["headers"])
