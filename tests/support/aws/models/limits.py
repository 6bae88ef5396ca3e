"""What AWS refuses beyond its service models; each limit names the page of the documentation that has it."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any

from constraints import is_json, shown
from openapi import openapi
from policy import arn, partition_of, policy

# lambda/latest/dg/gettingstarted-limits; only functions on capacity providers of their own go beyond.
FUNCTION_RANGES = {"MemorySize": (128, 10_240), "Timeout": (1, 900)}
EPHEMERAL_STORAGE_MAX = 10_240
FUNCTION_NAME_MAX = 64
ENVIRONMENT_MAX = 4 * 1024
DIRECT_UPLOAD_MAX = 50 * 1024 * 1024
# lambda/latest/dg/configuration-envvars
RESERVED_VARIABLES = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}  # fmt: skip
# eventbridge/latest/userguide/eb-quota
TARGETS_PER_RULE = 5
# eventbridge/latest/userguide/eb-scheduled-rule-pattern
RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
_STEP = r"(/\d+)?"
CRON = tuple(
    re.compile(rf"(\*|{one}(-{one})?){_STEP}(,{one}(-{one})?)*{extra}", re.IGNORECASE)
    for one, extra in (
        (r"[0-5]?\d", ""),
        (r"([01]?\d|2[0-3])", ""),
        (r"(0?[1-9]|[12]\d|3[01])", r"|\?|L|(\d+)?W|LW"),
        (r"(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)", ""),
        (r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)", r"|\?|L|[1-7]L|[1-7]#[1-5]"),
        (r"(19[7-9]\d|20\d\d|21\d\d)", ""),
    )
)
# IAM/latest/UserGuide/reference_iam-quotas: white space does not count.
INLINE_POLICY_MAX = 10_240
TRUST_POLICY_MAX = 2_048
# AmazonS3/latest/userguide/bucketnamingrules
BUCKET = re.compile(
    r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?!.*(\.\.|\.-|-\.))[a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)(?<!\.mrap)(?<!--x-s3)(?<!--table-s3)"
)
# AmazonS3/latest/userguide/bucket-policies
BUCKET_POLICY_MAX = 20 * 1024
# apigateway/latest/developerguide/limits
TEXT_MAX = 1024
OPENAPI_MAX = 6 * 1024 * 1024
# apigateway/latest/developerguide/patch-operations
STAGE_PATHS = re.compile(
    r"/(cacheClusterEnabled|cacheClusterSize|clientCertificateId|deploymentId|description|documentationVersion|tracingEnabled|accessLogSettings"
    r"|accessLogSettings/(destinationArn|format)|variables/[A-Za-z0-9_]+|canarySettings(/.+)?"
    r"|(\*|~1[^/]*)/(\*|[A-Z]+)/(metrics/enabled|logging/(dataTrace|loglevel)|throttling/(burstLimit|rateLimit)"
    r"|caching/(enabled|ttlInSeconds|dataEncrypted|requireAuthorizationForCacheControl|unauthorizedCacheControlHeaderStrategy)))"
)
STAGE_VALUES = {
    "logging/loglevel": r"OFF|ERROR|INFO",
    "enabled": r"true|false",
    "logging/dataTrace": r"true|false",
    "tracingEnabled": r"true|false",
}
# Members that hold a policy, and its kind.
POLICIES = {
    ("iam", "AssumeRolePolicyDocument"): "trust",
    ("iam", "UpdateAssumeRolePolicy.PolicyDocument"): "trust",
    ("iam", "PolicyDocument"): "identity",
    ("s3", "Policy"): "resource",
    ("lambda", "Policy"): "resource",
    ("apigateway", "policy"): "resource",
}


def check_limits(service: str, operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    """Every limit that the parameters of a request break; the service in botocore's name."""
    partition = partition_of(region) if region else None
    yield from _arns(parameters, "", partition)
    for member, value in parameters.items():
        kind = POLICIES.get((service, f"{operation}.{member}")) or POLICIES.get((service, member))
        if kind:
            yield from (f"{member}.{problem}" for problem in policy(value, kind, partition))
    checks = {
        "lambda": _lambda,
        "events": _events,
        "iam": _iam,
        "s3": _s3,
        "apigateway": _apigateway,
        "apigatewayv2": _apigatewayv2,
    }
    if service in checks:
        yield from checks[service](operation, parameters, region)
    if operation in ("ImportRestApi", "PutRestApi"):
        body = parameters.get("body", b"")
        if len(body) > OPENAPI_MAX:
            yield f"body: length {len(body)} is not …{OPENAPI_MAX}"
        yield from (f"body: {problem}" for problem in openapi(body, partition))


def _arns(value: Any, at: str, partition: str | None) -> Iterator[str]:
    """Whatever begins like an ARN is one, and of the partition that the request goes to."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _arns(one, f"{at}.{key}" if at else key, partition)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _arns(one, f"{at}[{index}]", partition)
    elif isinstance(value, str) and value.startswith("arn:") and not at.startswith("Environment."):
        yield from (f"{at}: {problem}" for problem in arn(value, partition))


def _lambda(operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    if "CapacityProviderConfig" not in parameters:
        for member, (low, high) in FUNCTION_RANGES.items():
            value = parameters.get(member)
            if isinstance(value, int) and not low <= value <= high:
                yield f"{member}: {value} is not {low}…{high}"
        storage = parameters.get("EphemeralStorage", {}).get("Size")
        if isinstance(storage, int) and storage > EPHEMERAL_STORAGE_MAX:
            yield f"EphemeralStorage.Size: {storage} is not 512…{EPHEMERAL_STORAGE_MAX}"
    name = re.sub(r"^(arn:.*:function:|\d{12}:function:|function:)", "", str(parameters.get("FunctionName", ""))).partition(":")[0]
    if len(name) > FUNCTION_NAME_MAX:
        yield f"FunctionName: length {len(name)} of the name is not 1…{FUNCTION_NAME_MAX}"
    variables = parameters.get("Environment", {}).get("Variables", {})
    size = len(json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode()) if variables else 0
    if size > ENVIRONMENT_MAX:
        yield f"Environment.Variables: {size} bytes are not …{ENVIRONMENT_MAX}"
    for reserved in sorted(RESERVED_VARIABLES & set(variables)):
        yield f"Environment.Variables.{reserved}: is reserved"
    archive = parameters.get("ZipFile") or parameters.get("Code", {}).get("ZipFile") or b""
    if len(archive) > DIRECT_UPLOAD_MAX:
        yield f"ZipFile: length {len(archive)} is not …{DIRECT_UPLOAD_MAX}"


def _events(operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    if operation == "PutRule":
        expression = parameters.get("ScheduleExpression")
        if expression is None and not parameters.get("EventPattern"):
            yield "ScheduleExpression: neither it nor EventPattern is there"
        elif expression and not schedule(expression):
            yield f"ScheduleExpression: {shown(expression)} is not an expression"
    targets = parameters.get("Targets", [])
    if len(targets) > TARGETS_PER_RULE:
        yield f"Targets: length {len(targets)} is not 1…{TARGETS_PER_RULE}"
    for index, target in enumerate(targets):
        if "Input" in target and not is_json(target["Input"]):
            yield f"Targets[{index}].Input: {shown(target['Input'])} is not JSON"


def schedule(expression: str) -> bool:
    """Whether EventBridge takes it: singular units only for one, six fields of which one of the days is `?`."""
    if rate := RATE.fullmatch(expression):
        return (rate[1] == "1") == (rate[3] == "")
    cron = re.fullmatch(r"cron\((.*)\)", expression)
    fields = cron[1].split(" ") if cron else []
    return len(fields) == len(CRON) and all(map(re.Pattern.fullmatch, CRON, fields)) and (fields[2] == "?") != (fields[4] == "?")


def _iam(operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    trust = operation == "UpdateAssumeRolePolicy"
    for member, limit in (
        ("PolicyDocument", TRUST_POLICY_MAX if trust else INLINE_POLICY_MAX),
        ("AssumeRolePolicyDocument", TRUST_POLICY_MAX),
    ):
        size = len(re.sub(r"\s", "", parameters.get(member, "")))
        if size > limit:
            yield f"{member}: {size} characters are not …{limit}"


def _s3(operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    bucket = str(parameters.get("Bucket", ""))
    if not BUCKET.fullmatch(bucket) or _is_address(bucket):
        yield f"Bucket: {shown(bucket)} is not a name of a bucket"
    if operation == "PutBucketPolicy" and len(parameters.get("Policy", "").encode()) > BUCKET_POLICY_MAX:
        yield f"Policy: is longer than {BUCKET_POLICY_MAX} bytes"
    if operation == "CreateBucket" and region:
        # AmazonS3/latest/API/API_CreateBucket: us-east-1 is what no constraint means.
        constraint = parameters.get("CreateBucketConfiguration", {}).get("LocationConstraint")
        if constraint != (None if region == "us-east-1" else region):
            yield f"CreateBucketConfiguration.LocationConstraint: {shown(constraint)} in {region}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _texts(parameters: dict[str, Any]) -> Iterator[str]:
    for member in ("name", "description", "Name", "Description"):
        if len(parameters.get(member) or "") > TEXT_MAX:
            yield f"{member}: length {len(parameters[member])} is not …{TEXT_MAX}"


def _apigateway(operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    yield from _texts(parameters)
    # apigateway/latest/api/API_CreateStage
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,128}", str(parameters.get("stageName", ""))):
        yield f"stageName: {shown(parameters['stageName'])} does not match [A-Za-z0-9_-]{{1,128}}"
    if operation == "UpdateStage":
        for index, patch in enumerate(parameters.get("patchOperations", [])):
            at, path, value = f"patchOperations[{index}]", str(patch.get("path")), str(patch.get("value", ""))
            if not STAGE_PATHS.fullmatch(path):
                yield f"{at}.path: {shown(path)} cannot be patched"
            for ending, form in STAGE_VALUES.items():
                if path.endswith(f"/{ending}") and patch.get("op") == "replace" and not re.fullmatch(form, value):
                    yield f"{at}.value: {shown(value)} does not match {form}"


def _apigatewayv2(operation: str, parameters: dict[str, Any], region: str | None) -> Iterator[str]:
    yield from _texts(parameters)
    # apigatewayv2/latest/api-reference: what a Lambda integration and each kind of authorizer need.
    if (
        operation == "CreateIntegration"
        and parameters.get("IntegrationType") == "AWS_PROXY"
        and "IntegrationSubtype" not in parameters
    ):
        for member in ("IntegrationUri", "PayloadFormatVersion"):
            if member not in parameters:
                yield f"{member}: is required for AWS_PROXY"
    if not re.fullmatch(r"1\.0|2\.0", parameters.get("PayloadFormatVersion", "1.0")):
        yield f"PayloadFormatVersion: {shown(parameters['PayloadFormatVersion'])} is neither 1.0 nor 2.0"
    if not re.fullmatch(r"\$default|([A-Z]+) /\S*", parameters.get("RouteKey", "$default")):
        yield f"RouteKey: {shown(parameters['RouteKey'])} is neither $default nor a method and a path"
    if not re.fullmatch(r"\$default|[A-Za-z0-9_-]+", parameters.get("StageName", "$default")):
        yield f"StageName: {shown(parameters['StageName'])} is neither $default nor [A-Za-z0-9_-]+"
    if operation == "CreateAuthorizer":
        needed = {"JWT": ("JwtConfiguration", "IdentitySource"), "REQUEST": ("AuthorizerUri", "AuthorizerPayloadFormatVersion")}
        for member in needed.get(parameters.get("AuthorizerType", ""), ()):
            if not parameters.get(member):
                yield f"{member}: is required for {parameters['AuthorizerType']}"
