"""A request's wire form, read back into the parameters of its operation: rest-json, json, query and rest-xml."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from botocore.model import Shape

from catalogue import Found, Request, group_name, located

# Headers of the protocol itself; any other `x-amz-*` has to be a member.
PROTOCOL_HEADERS = re.compile(
    r"x-amz-(date|content-sha256|security-token|user-agent|target|decoded-content-length|trailer|trailer-signature|api-version)|x-amzn-query-mode|x-amzn-trace-id"
)
TIMESTAMPS = {
    "iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "rfc822": r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(\.\d+)? GMT",
    "unixTimestamp": r"-?\d+(\.\d+)?",
}
Report = Callable[[str], None]


def unchunk(request: Request, report: Report) -> None:
    """Takes the `aws-chunked` framing off a body; what trails it counts as headers."""
    if "aws-chunked" not in request.headers.get("content-encoding", ""):
        return
    rest, body = request.body, b""
    while True:
        head, found, rest = rest.partition(b"\r\n")
        size = head.partition(b";")[0]
        if not found or not re.fullmatch(rb"[0-9a-fA-F]+", size):
            report("body: is not aws-chunked")
            return
        if int(size, 16) == 0:
            break
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    for line in rest.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            request.headers[name.strip().lower()] = value.strip()
    for trailer in filter(None, request.headers.get("x-amz-trailer", "").split(",")):
        if trailer.strip() not in request.headers:
            report(f"x-amz-trailer: `{trailer.strip()}` does not trail the body")
    if request.headers.get("x-amz-decoded-content-length") != str(len(body)):
        report(f"x-amz-decoded-content-length: is not {len(body)}")
    request.body = body


def parameters(request: Request, found: Found, report: Report) -> dict[str, Any]:
    """The parameters as far as they can be read; the rest is reported. A value of the wrong type stays what it is: types are checked later."""
    protocol = found.model.service_model.protocol
    shape = found.model.input_shape
    if protocol in ("query", "ec2"):
        return _form(request, found, report)
    if protocol == "json":
        content_type = f"application/x-amz-json-{found.model.service_model.metadata['jsonVersion']}"
        if request.headers.get("content-type", "").partition(";")[0] != content_type:
            report(f"content-type: is not `{content_type}`")
        return _as_json(shape, _document(request.body or b"{}", report), "", report) if shape else {}
    unchunk(request, report)
    values = _located(request, found, report)
    values.update(_body(request, found, protocol, report))
    return values


def _located(request: Request, found: Found, report: Report) -> dict[str, Any]:
    """What travels in path, query and headers."""
    shape, values = found.model.input_shape, dict[str, Any]()
    for name, wire, member in located(shape, "uri"):
        if (text := found.labels.get(group_name(wire))) is not None:
            values[name] = scalar(member, text, "iso8601")
    query = list(request.query)
    for pair in found.literals:
        query.remove(pair)
    for operation in [text for key, text in query if key == "x-id" and text != found.model.name]:
        report(f"x-id: is `{operation}`")
    query = [pair for pair in query if pair[0] != "x-id"]
    for name, wire, member in located(shape, "querystring"):
        if member.type_name != "map" and (texts := [text for key, text in query if key == wire]):
            query = [pair for pair in query if pair[0] != wire]
            if member.type_name == "list":
                values[name] = [scalar(member.member, text, "iso8601") for text in texts]
            else:
                values[name] = scalar(member, texts[0], "iso8601")
                if len(texts) > 1:
                    report(f"{name}: stands {len(texts)} times in the query")
    for name, _, member in located(shape, "querystring"):
        if member.type_name == "map" and query:
            values[name], query = dict(query), []
    for key, _ in query:
        report(f"{key}: is not known in the query")

    headers = {
        key: text for key, text in request.headers.items() if key.startswith("x-amz") and not PROTOCOL_HEADERS.fullmatch(key)
    }
    for name, wire, member in located(shape, "header"):
        headers.pop(wire.lower(), None)
        if (text := request.headers.get(wire.lower())) is not None:
            if member.type_name == "list":
                values[name] = [scalar(member.member, part.strip(), "rfc822") for part in text.split(",")]
            elif wire.lower() != "content-encoding" or text != "aws-chunked":
                values[name] = scalar(member, text, "rfc822")
    for name, wire, _ in located(shape, "headers"):
        if prefixed := {key.removeprefix(wire): text for key, text in headers.items() if key.startswith(wire)}:
            values[name] = prefixed
            headers = {key: text for key, text in headers.items() if not key.startswith(wire)}
    for key in headers:
        if not (found.model.http_checksum and re.fullmatch(r"x-amz-(checksum-\w+|sdk-checksum-algorithm)", key)):
            report(f"{key}: is not a header that the operation knows")
    return values


def _body(request: Request, found: Found, protocol: str, report: Report) -> dict[str, Any]:
    shape, body = found.model.input_shape, request.body
    members = [name for name, member in shape.members.items() if not member.serialization.get("location")] if shape else []
    payload = shape.serialization.get("payload") if shape else None
    if not members:
        if body and body != b"{}":
            report(f"body: {len(body)} bytes where the operation has none")
        return {}
    if payload is None and protocol == "rest-xml":
        return _as_root(shape, body, "", report) if body else {}
    if payload is None:
        return _as_json(shape, _document(body, report), "", report) if body else {}
    member = shape.members[payload]
    if member.type_name == "blob":
        return {payload: body} if body or payload in shape.required_members else {}
    if not body:
        return {}
    if member.type_name == "string":
        return {payload: body.decode("utf-8", "replace")}
    if protocol == "rest-json":
        return {payload: _as_json(member, _document(body, report), payload, report)}
    return {payload: _as_root(member, body, payload, report)}


def _as_root(shape: Shape, body: bytes, at: str, report: Report) -> Any:
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        report(f"body: is not XML: {error}")
        return {}
    namespace = (shape.serialization.get("xmlNamespace") or {}).get("uri")
    wanted = (f"{{{namespace}}}" if namespace else "") + shape.serialization.get("name", shape.name)
    if root.tag != wanted:
        report(f"{at or 'body'}: the element is `{root.tag}`, not `{wanted}`")
    return _as_xml(shape, root, at, report)


def _document(body: bytes, report: Report) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        report(f"body: is not JSON: {error}")
        return {}


def scalar(shape: Shape, text: str, timestamps: str) -> Any:
    """A value that is text on the wire; the text itself if it is not of the shape's type."""
    kind = shape.type_name
    if kind in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind in ("float", "double") and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "timestamp":
        return timestamp(shape, text, timestamps)
    if kind == "blob" or shape.serialization.get("jsonvalue"):
        return blob(text)
    return text


def timestamp(shape: Shape, value: Any, default: str) -> Any:
    """A tuple stands for a time that is written as it has to be."""
    form = shape.serialization.get("timestampFormat", default)
    written_as_number = isinstance(value, int | float) and not isinstance(value, bool)
    if form == "unixTimestamp" and not written_as_number and default != "iso8601":
        return value
    return (value,) if re.fullmatch(TIMESTAMPS[form], str(value)) else value


def blob(value: Any) -> Any:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        return value


def _at(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _as_json(shape: Shape, value: Any, at: str, report: Report) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict) and not shape.metadata.get("document"):
        names = {
            member.serialization.get("name", name): name
            for name, member in shape.members.items()
            if not member.serialization.get("location")
        }
        for wire in value.keys() - names.keys():
            report(f"{_at(at, wire)}: is not a member of {shape.name}")
        known = {names[wire]: one for wire, one in value.items() if wire in names}
        return {name: _as_json(shape.members[name], one, _at(at, name), report) for name, one in known.items()}
    if kind == "list" and isinstance(value, list):
        return [_as_json(shape.member, one, f"{at}[{index}]", report) for index, one in enumerate(value)]
    if kind == "map" and isinstance(value, dict):
        return {key: _as_json(shape.value, one, _at(at, key), report) for key, one in value.items()}
    if kind == "blob":
        return blob(value)
    if kind == "timestamp":
        return timestamp(shape, value, "unixTimestamp")
    return value


def _local(name: str) -> str:
    return re.split(r"[}:]", name)[-1]


def _as_xml(shape: Shape, element: ElementTree.Element, at: str, report: Report) -> Any:
    if shape.type_name == "list":
        wire = shape.member.serialization.get("name", "member")
        for child in element:
            if _local(child.tag) != wire:
                report(f"{at}: an element is `{_local(child.tag)}`, not `{wire}`")
        return [_as_xml(shape.member, child, f"{at}[{index}]", report) for index, child in enumerate(element)]
    if shape.type_name != "structure":
        return scalar(shape, element.text or "", "iso8601")
    values, children = dict[str, Any](), list(element)
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        if member.serialization.get("xmlAttribute"):
            texts = [text for key, text in element.attrib.items() if _local(key) == _local(wire)]
            values.update((name, text) for text in texts)
            continue
        own = [child for child in children if _local(child.tag) == wire]
        children = [child for child in children if _local(child.tag) != wire]
        if not own:
            continue
        if member.type_name == "list" and member.serialization.get("flattened"):
            values[name] = [_as_xml(member.member, child, f"{_at(at, name)}[{index}]", report) for index, child in enumerate(own)]
        else:
            values[name] = _as_xml(member, own[0], _at(at, name), report)
            if len(own) > 1:
                report(f"{_at(at, name)}: stands {len(own)} times")
    for child in children:
        report(f"{_at(at, _local(child.tag))}: is not a member of {shape.name}")
    return values


def _form(request: Request, found: Found, report: Report) -> dict[str, Any]:
    """The query protocol: one flat form for the whole tree."""
    pairs = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    pairs.pop("Action", None)
    version = found.model.service_model.api_version
    if pairs.pop("Version", None) != version:
        report(f"Version: is not {version}")
    shape = found.model.input_shape
    ec2 = found.model.service_model.protocol == "ec2"
    values = _as_form(shape, "", pairs, ec2) if shape else {}
    for key in pairs:
        report(f"{key}: is not known in the form")
    return values or {}


def _form_name(name: str, member: Shape, ec2: bool) -> str:
    wire: str = member.serialization.get("name", name)
    return str(member.serialization.get("queryName", wire[:1].upper() + wire[1:])) if ec2 else wire


def _as_form(shape: Shape, prefix: str, pairs: dict[str, str], ec2: bool) -> Any:
    """Takes what belongs to the shape out of the form; nothing if there is nothing. EC2 has a dialect of its own."""
    if shape.type_name == "structure":
        members = {
            name: _as_form(member, _at(prefix, _form_name(name, member, ec2)), pairs, ec2) for name, member in shape.members.items()
        }
        return {name: value for name, value in members.items() if value is not None} or None
    flattened = shape.serialization.get("flattened")
    if shape.type_name == "list":
        if pairs.get(prefix) == "":
            del pairs[prefix]
            return []
        own = shape.member.serialization.get("name")
        if ec2:
            stem = prefix
        elif flattened:
            stem = _at(prefix.rpartition(".")[0], own) if own else prefix
        else:
            stem = f"{prefix}.{own or 'member'}"
        return _numbered(lambda at: _as_form(shape.member, at, pairs, ec2), stem)
    if shape.type_name == "map":
        key, value = (part.serialization.get("name", default) for part, default in ((shape.key, "key"), (shape.value, "value")))

        def entry(at: str) -> tuple[str, Any] | None:
            own = pairs.pop(f"{at}.{key}", None)
            return None if own is None else (own, _as_form(shape.value, f"{at}.{value}", pairs, ec2))

        entries = _numbered(entry, prefix if flattened else f"{prefix}.entry")
        return None if entries is None else dict(entries)
    text = pairs.pop(prefix, None)
    return None if text is None else scalar(shape, text, "iso8601")


def _numbered(take: Callable[[str], Any], stem: str) -> list[Any] | None:
    """`stem.1`, `stem.2` … until one is missing; a gap leaves the later ones over, to be reported as unknown."""
    values = list[Any]()
    while (value := take(f"{stem}.{len(values) + 1}")) is not None:
        values.append(value)
    return values or None
