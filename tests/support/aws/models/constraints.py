"""A parameter tree against a shape of a service model: types, required members, lengths, ranges, patterns, enums."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from botocore.model import Shape

TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (bytes,),
    "timestamp": (tuple,),
}
INTEGERS = {"integer": 2**31, "long": 2**63}


def check(shape: Shape, value: Any, at: str = "") -> Iterator[str]:
    """Every way in which the value is not what the shape allows, as `Member.path: what is wrong`."""
    kind = shape.type_name
    if shape.metadata.get("document"):
        return
    if shape.serialization.get("jsonvalue"):
        if not isinstance(value, bytes) or not is_json(value):
            yield f"{at}: is not JSON in base64"
        return
    if not _is_a(kind, value):
        yield f"{at}: {shown(value)} is not {article(kind)}"
        return
    if kind == "structure":
        yield from _structure(shape, value, at)
        return
    yield from _bounds(shape, value, at)
    if kind == "list":
        for index, one in enumerate(value):
            yield from check(shape.member, one, f"{at}[{index}]")
    elif kind == "map":
        for key, one in value.items():
            yield from check(shape.key, key, f"{at} key")
            yield from check(shape.value, one, f"{at}.{key}")
    elif kind == "string":
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            yield f"{at}: {shown(value)} is not one of {', '.join(enum) if len(enum) <= 12 else f'the {len(enum)} values of {shape.name}'}"
        pattern = shape.metadata.get("pattern")
        if pattern and not matches(pattern, value):
            yield f"{at}: {shown(value)} does not match {pattern}"


def _is_a(kind: str, value: Any) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _structure(shape: Shape, value: dict[str, Any], at: str) -> Iterator[str]:
    prefix = f"{at}." if at else ""
    for name in shape.required_members:
        if name not in value:
            yield f"{prefix}{name}: is required"
    if shape.metadata.get("union") and len(value) != 1:
        yield f"{at}: {len(value)} members of the union {shape.name} are set"
    for name, one in value.items():
        yield from check(shape.members[name], one, prefix + name)


def _bounds(shape: Shape, value: Any, at: str) -> Iterator[str]:
    kind = shape.type_name
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    # API Gateway v2 names lengths in its shapes and leaves them out of the model.
    named = re.search(r"^StringWithLengthBetween(\d+)And(\d+)(K?)$|^UriWithLengthBetween(\d+)And(\d+)$", shape.name)
    if named and low is None and high is None:
        low = int(named[1] or named[4])
        high = int(named[2] or named[5]) * (1024 if named[3] else 1)
    if kind in INTEGERS:
        limit = INTEGERS[kind]
        if not -limit <= value < limit:
            yield f"{at}: {value} is not {article(kind)}"
    if low is None and high is None:
        return
    sized = kind in ("string", "blob", "list", "map")
    size = len(value) if sized else value
    if kind in ("string", "blob", "list", "map", "integer", "long", "float", "double") and not (
        (low is None or size >= low) and (high is None or size <= high)
    ):
        bounds = f"{'' if low is None else low}…{'' if high is None else high}"
        yield f"{at}: length {size} is not {bounds}" if sized else f"{at}: {value} is not {bounds}"


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value matches, in the terms of Java: `\\w` is ASCII, `\\p{L}` a category, `[\\w-_]` has a hyphen in it."""

    def category(match: re.Match[str]) -> str:
        # The members of the category that occur, and one that cannot: an empty set is not an expression.
        own = {c for c in value if unicodedata.category(c).startswith(match[1])}
        return "".join(map(re.escape, sorted(own | {"\uffff"})))

    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    pattern = re.sub(r"(\\[wsd])-(?=[^\]])", r"\1\\-", pattern)
    pattern = re.sub(r"\\p\{(\w+)\}", category, pattern)
    return re.fullmatch(pattern, value, re.ASCII) is not None


def is_json(text: str | bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def article(kind: str) -> str:
    return f"an {kind}" if kind == "integer" else f"a {kind}"


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 80 else f"{text[:77]}…"
