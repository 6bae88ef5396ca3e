"""ARNs and IAM policy documents, by the grammar of `IAM/latest/UserGuide/reference_policies_grammar`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore

from constraints import shown

# reference_policies_elements_condition_operators
CONDITION = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?(Equals(IgnoreCase)?|Like)|Numeric(Not)?Equals|Numeric(LessThan|GreaterThan)(Equals)?|Date(Not)?Equals|Date(LessThan|GreaterThan)(Equals)?"
    r"|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?"
)
STATEMENT = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
# reference_identifiers: partition, service, region, account, resource; policies may have wildcards, the AWS account is `aws`,
# and API Gateway's integration ARNs put the service that they call in its place.
ARN = re.compile(
    r"arn:(?P<partition>[a-z-]+):(?P<service>[a-z0-9-]+|\*):(?P<region>[a-z0-9-]*|\*):(?P<account>\d{12}|aws|\*|cloudfront|lambda|)?:(?P<resource>.+)"
)


@cache
def _partitions() -> dict[str, str]:
    data = json.loads((Path(botocore.__file__).parent / "data/partitions.json").read_text())
    return {partition["id"]: partition["regionRegex"] for partition in data["partitions"]}


def partition_of(region: str) -> str | None:
    return next((partition for partition, regions in _partitions().items() if re.match(regions, region)), None)


def arn(text: str, partition: str | None) -> Iterator[str]:
    """What is wrong with an ARN that a request to that partition carries."""
    parts = ARN.fullmatch(text)
    if not parts:
        yield f"{shown(text)} is not an ARN"
    elif parts["partition"] not in _partitions():
        yield f"{shown(text)} is in the unknown partition `{parts['partition']}`"
    elif partition and parts["partition"] != partition:
        yield f"{shown(text)} is in the partition `{parts['partition']}`, the request goes to `{partition}`"
    elif parts["region"] not in ("", "*") and partition_of(parts["region"]) != parts["partition"]:
        yield f"{shown(text)} has a region that is not of the partition `{parts['partition']}`"


def policy(text: Any, kind: str, partition: str | None) -> Iterator[str]:
    """What is wrong with a policy; its kind is `identity` (no principal), `trust` (no resource) or `resource` (both)."""
    try:
        document = json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        yield f"is not JSON: {error}"
        return
    if not isinstance(document, dict):
        yield "is not an object"
        return
    for key in document.keys() - {"Version", "Id", "Statement"}:
        yield f"{key}: is not known"
    if document.get("Version") != "2012-10-17":
        yield f"Version: {shown(document.get('Version'))} is not 2012-10-17"
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements:
        yield "Statement: is required"
        return
    sids = [statement["Sid"] for statement in statements if isinstance(statement, dict) and "Sid" in statement]
    for sid in sorted({sid for sid in sids if sids.count(sid) > 1}):
        yield f"Statement: the Sid {shown(sid)} stands {sids.count(sid)} times"
    for index, statement in enumerate(statements):
        if not isinstance(statement, dict):
            yield f"Statement[{index}]: is not an object"
        else:
            for problem in _statement(statement, kind, partition):
                yield f"Statement[{index}].{problem}"


def _statement(statement: dict[str, Any], kind: str, partition: str | None) -> Iterator[str]:
    for key in statement.keys() - STATEMENT:
        yield f"{key}: is not known"
    if not re.fullmatch(r"[A-Za-z0-9]*", str(statement.get("Sid", ""))):
        yield f"Sid: {shown(statement['Sid'])} does not match [A-Za-z0-9]*"
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield f"Effect: {shown(statement.get('Effect'))} is not one of Allow, Deny"
    yield from _one_of(statement, "Action", True)
    yield from _one_of(statement, "Resource", kind != "trust")
    yield from _one_of(statement, "Principal", kind != "identity")
    for key in ("Action", "NotAction"):
        for action in _strings(statement.get(key, [])):
            if not isinstance(action, str) or not ACTION.fullmatch(action):
                yield f"{key}: {shown(action)} is not `service:Action`"
    for key in ("Resource", "NotResource"):
        for resource in _strings(statement.get(key, [])):
            # API Gateway fills the start of an execute-api ARN in.
            if not isinstance(resource, str):
                yield f"{key}: {shown(resource)} is not a string"
            elif resource != "*" and not (kind == "resource" and resource.startswith("execute-api:/")):
                yield from (f"{key}: {problem}" for problem in arn(resource, partition))
    for key in ("Principal", "NotPrincipal"):
        if key in statement:
            yield from (f"{key}: {problem}" for problem in _principal(statement[key], partition))
    yield from _condition(statement.get("Condition", {}))


def _one_of(statement: dict[str, Any], name: str, wanted: bool) -> Iterator[str]:
    present = [key for key in (name, f"Not{name}") if key in statement]
    if wanted and not present:
        yield f"{name}: is required"
    if not wanted and present:
        yield f"{present[0]}: has no place in such a policy"
    if len(present) == 2:
        yield f"{name}: stands beside Not{name}"
    yield from (f"{key}: is empty" for key in present if not statement[key])


def _principal(principal: Any, partition: str | None) -> Iterator[str]:
    if principal == "*":
        return
    if not isinstance(principal, dict):
        yield f"{shown(principal)} is neither `*` nor an object"
        return
    for key, values in principal.items():
        if key not in ("AWS", "Service", "Federated", "CanonicalUser"):
            yield f"{key}: is not known"
        for value in _strings(values):
            if key == "Service" and not re.fullmatch(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|aws\.internal)", str(value)):
                yield f"{shown(value)} is not a service"
            if key == "AWS" and not re.fullmatch(r"\*|\d{12}|arn:.*", str(value)):
                yield f"{shown(value)} is not an account or an ARN"
            if str(value).startswith("arn:"):
                yield from arn(str(value), partition)


def _condition(condition: Any) -> Iterator[str]:
    if not isinstance(condition, dict):
        yield "Condition: is not an object"
        return
    for operator, keys in condition.items():
        if not CONDITION.fullmatch(operator):
            yield f"Condition: {shown(operator)} is not an operator"
        if not isinstance(keys, dict) or not keys:
            yield f"Condition.{operator}: has no keys"
            continue
        for key, values in keys.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+:.+", key):
                yield f"Condition.{operator}: {shown(key)} is not a key"
            for value in _strings(values):
                if not isinstance(value, str | bool | int):
                    yield f"Condition.{operator}.{key}: {shown(value)} is not a value"


def _strings(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
