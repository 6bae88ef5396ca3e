"""Which operation of which service a recorded request is, by botocore's service models."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape

# What the tool talks to, in botocore's names; two of them sign as `apigateway`.
SERVICES = ("lambda", "apigateway", "apigatewayv2", "s3", "events", "iam", "sts", "logs")

_LOADER = botocore.session.Session().get_component("data_loader")


@dataclass
class Request:
    """One recorded request; header names are lower case, the query is in order and decoded."""

    service: str
    operation: str | None
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Request:
        path, _, query = line["path"].partition("?")
        headers = {name.lower(): value for name, value in line["headers"].items()}
        # S3 puts the bucket before the host name where that has a name.
        bucket = re.fullmatch(r"(.+)\.(?:s3[.-].*|localhost(?::\d+)?)", headers.get("host", ""))
        if line["service"] == "s3" and bucket:
            path = f"/{bucket[1]}{path}"
        return cls(
            service=line["service"],
            operation=line.get("operation"),
            method=line["method"].upper(),
            path=path,
            query=parse_qsl(query, keep_blank_values=True),
            headers=headers,
            body=base64.b64decode(line.get("body") or ""),
        )

    @property
    def scope(self) -> tuple[str, str] | None:
        """Region and service that the request was signed for."""
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request", self.headers.get("authorization", ""))
        return (scope[1], scope[2]) if scope else None


@dataclass(frozen=True)
class Route:
    """An operation as HTTP sees it."""

    model: OperationModel
    method: str
    uri: str
    path: re.Pattern[str] = field(compare=False)
    # Query pairs that stand in the URI template.
    literals: tuple[tuple[str, str], ...]
    # Names in the query and among the headers without which it would be another operation.
    query: tuple[str, ...]
    headers: tuple[str, ...]

    def fits(self, request: Request) -> bool:
        return (
            self.method == request.method
            and self.path.fullmatch(request.path) is not None
            and all(pair in request.query for pair in self.literals)
        )

    def rank(self, request: Request) -> tuple[int, bool, int, int]:
        """The most specific one has most literals and has got all of what it requires."""
        names = {name for name, _ in request.query}
        required = all(name in names for name in self.query) and all(name in request.headers for name in self.headers)
        return len(self.literals), required, len(self.query) + len(self.headers), len(re.sub(r"\{.*?\}", "", self.uri))


@dataclass(frozen=True)
class Found:
    """An operation and what its URI template's labels stand for."""

    model: OperationModel
    labels: dict[str, str]
    literals: tuple[tuple[str, str], ...] = ()


@cache
def service_model(name: str) -> ServiceModel:
    return ServiceModel(_LOADER.load_service_model(name, "service-2"), name)


@cache
def services(name: str) -> tuple[ServiceModel, ...]:
    """The services that sign with that name, or the one that botocore calls so; all are looked through for a name that is neither."""
    available = _LOADER.list_available_services("service-2")
    for names in (SERVICES, [name] if name in available else available):
        if known := tuple(model for model in map(service_model, names) if name in (model.signing_name, model.service_name)):
            return known
    return ()


def located(shape: Shape | None, location: str) -> Iterator[tuple[str, str, Shape]]:
    """The members that travel there: name, name on the wire, shape."""
    for name, member in shape.members.items() if shape else ():
        if member.serialization.get("location") == location:
            yield name, member.serialization.get("name", name), member


def route(model: OperationModel) -> Route:
    uri = model.http.get("requestUri", "/")
    path, _, query = uri.partition("?")
    pattern = "".join(
        (r"(?P<%s>.+)" if part.endswith("+}") else r"(?P<%s>[^/]+)") % group_name(part.strip("{+}"))
        if part.startswith("{")
        else re.escape(part)
        for part in re.split(r"(\{[^}]+\})", path)
        if part
    )
    # The Rust SDK has a bucket's name in the endpoint, and a slash after it.
    if model.service_model.service_name == "s3" and path == "/{Bucket}":
        pattern += "/?"
    # Nor has it a slash at the end of a path.
    if pattern.endswith("/"):
        pattern += "?"
    shape = model.input_shape
    required = set(shape.required_members) if shape else set()
    return Route(
        model=model,
        method=model.http.get("method", "POST"),
        uri=uri,
        path=re.compile(pattern),
        literals=tuple(parse_qsl(query, keep_blank_values=True)),
        query=tuple(wire for name, wire, _ in located(shape, "querystring") if name in required),
        headers=tuple(wire.lower() for name, wire, _ in located(shape, "header") if name in required),
    )


def group_name(label: str) -> str:
    """A label as the name of a group of a regular expression."""
    return "label_" + re.sub(r"\W", "_", label)


@cache
def routes(model: ServiceModel) -> tuple[Route, ...]:
    """All but the deprecated ones, some of which look like what replaced them."""
    models = map(model.operation_model, model.operation_names)
    return tuple(route(one) for one in models if not one.deprecated)


def find(request: Request) -> Found | None:
    """The operation, or nothing if no model of the service knows such a request."""
    models = services(request.service)
    target = request.headers.get("x-amz-target")
    if target is not None:
        prefix, _, name = target.rpartition(".")
        named = [model for model in models if model.metadata.get("targetPrefix") == prefix and name in model.operation_names]
        return Found(named[0].operation_model(name), {}) if named else None
    if any(model.protocol in ("query", "ec2") for model in models):
        name = dict(parse_qsl(request.body.decode("utf-8", "replace"))).get("Action", "")
        named = [model for model in models if name in model.operation_names]
        return Found(named[0].operation_model(name), {}) if named else None
    fitting = [route for model in models for route in routes(model) if route.fits(request)]
    if not fitting:
        return None
    best = max(fitting, key=lambda route: route.rank(request))
    match = best.path.fullmatch(request.path)
    labels = {name: unquote(text) for name, text in match.groupdict().items()} if match else {}
    return Found(best.model, labels, best.literals)
