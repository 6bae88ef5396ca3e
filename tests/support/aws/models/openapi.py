"""OpenAPI documents as API Gateway imports them: the specification, and Amazon's extensions by `apigateway/latest/developerguide/api-gateway-swagger-extensions`."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

from catalogue import service_model
from constraints import shown
from policy import arn, policy

PREFIX = "x-amazon-apigateway-"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
ROOT = {
    "api-key-source", "binary-media-types", "documentation", "endpoint-access-mode", "endpoint-configuration", "gateway-responses",
    "minimum-compression-size", "policy", "request-validator", "request-validators", "security-policy",
}  # fmt: skip
OPERATION = {"auth", "integration", "request-validator"}
SCHEME = {"authorizer", "authtype"}
INTEGRATION = {
    "cacheKeyParameters", "cacheNamespace", "connectionId", "connectionType", "contentHandling", "credentials", "httpMethod", "integrationTarget",
    "passthroughBehavior", "requestParameters", "requestTemplates", "responses", "responseTransferMode", "timeoutInMillis", "tlsConfig", "type", "uri",
}  # fmt: skip
AUTHORIZER = {
    "type", "authorizerUri", "authorizerCredentials", "authorizerPayloadFormatVersion", "enableSimpleResponses", "identitySource", "jwtConfiguration",
    "identityValidationExpression", "authorizerResultTtlInSeconds", "providerARNs",
}  # fmt: skip
# Lambda behind API Gateway; with a qualifier, since the tool never routes to `$LATEST`.
FUNCTION = r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9-_]+"
URI = r"arn:[a-z-]+:apigateway:[a-z0-9-]+:lambda:path"
INVOKE = re.compile(rf"{URI}/2015-03-31/functions/{FUNCTION}:live/invocations")
STREAM = re.compile(rf"{URI}/2021-11-15/functions/{FUNCTION}:live/response-streaming-invocations")
AUTHORIZE = re.compile(rf"{URI}/2015-03-31/functions/{FUNCTION}(:[A-Za-z0-9-_]+)?/invocations")


def openapi(body: bytes, partition: str | None) -> Iterator[str]:
    """What is wrong with a document that is to become a REST API."""
    try:
        document = json.loads(body)
    except ValueError as error:
        yield f"is not JSON: {error}"
        return
    version = document.get("openapi", document.get("swagger", "")) if isinstance(document, dict) else ""
    if not re.fullmatch(r"2\.0|3\.0\.\d+", str(version)):
        yield f"the version {shown(version)} is neither 2.0 nor 3.0"
        return
    validator = OpenAPIV2SpecValidator if version == "2.0" else OpenAPIV30SpecValidator
    try:
        for invalid in validator(_standard(document)).iter_errors():
            yield f"{'.'.join(map(str, invalid.absolute_path))}: {invalid.message.splitlines()[0]}"
    except Exception as error:  # The validator stumbles over documents of a wrong shape in its own ways.
        yield f"cannot be validated: {error!r}"
        return
    yield from _extensions(document, ROOT, "document")
    schemes = document.get("securityDefinitions") or document.get("components", {}).get("securitySchemes", {})
    yield from _root(document, partition)
    yield from _security(document, schemes, "document")
    for name, scheme in schemes.items():
        yield from _extensions(scheme, SCHEME, name)
        yield from (f"{name}: {problem}" for problem in _scheme(scheme, partition))
    for path, item in document.get("paths", {}).items():
        if not re.fullmatch(r"/|(/([A-Za-z0-9._:,@$~-]+|\{[A-Za-z0-9._-]+\+?\}))+", path) or "+}/" in path:
            yield f"{path}: is not a path of API Gateway"
        yield from _extensions(item, {"any-method"}, path)
        methods = [method for method in (*METHODS, f"{PREFIX}any-method") if method in item]
        if not methods:
            yield f"{path}: has no methods"
        for method in methods:
            at = f"{path} {method}"
            yield from _extensions(item[method], OPERATION, at)
            yield from _security(item[method], schemes, at)
            if f"{PREFIX}integration" not in item[method]:
                yield f"{at}: has no integration"
            else:
                yield from (f"{at}: {problem}" for problem in _integration(item[method][f"{PREFIX}integration"], partition))


def _standard(document: dict[str, Any]) -> dict[str, Any]:
    """The document in the terms of the specification, which has no `ANY`, wants `responses` and calls `{proxy+}` by its name."""
    document = copy.deepcopy(document)
    paths = {path.replace("+}", "}"): item for path, item in document.get("paths", {}).items()}
    for item in paths.values():
        if f"{PREFIX}any-method" in item:
            unused = next((method for method in METHODS if method not in item), METHODS[0])
            item[unused] = item.pop(f"{PREFIX}any-method")
        for method in METHODS:
            if method in item:
                item[method] = {"responses": {"default": {"description": ""}}} | item[method]
    document["paths"] = paths
    return document


def _extensions(value: dict[str, Any], known: set[str], at: str) -> Iterator[str]:
    for key in value:
        if key.startswith("x-amazon-") and key.removeprefix(PREFIX) not in known:
            yield f"{at}: `{key}` is not known there"


def _security(value: dict[str, Any], schemes: dict[str, Any], at: str) -> Iterator[str]:
    for requirement in value.get("security", []):
        for name in requirement:
            if name not in schemes:
                yield f"{at}: the security scheme {shown(name)} is not defined"


def _root(document: dict[str, Any], partition: str | None) -> Iterator[str]:
    media_types = document.get(f"{PREFIX}binary-media-types", [])
    if not isinstance(media_types, list) or not all(
        isinstance(one, str) and re.fullmatch(r"[^/\s]+/[^/\s]+", one) for one in media_types
    ):
        yield f"binary-media-types: {shown(media_types)} are not media types"
    size = document.get(f"{PREFIX}minimum-compression-size", 0)
    if not isinstance(size, int) or not 0 <= size <= 10 * 1024 * 1024:
        yield f"minimum-compression-size: {shown(size)} is not 0…10485760"
    yield from _enum(document, f"{PREFIX}api-key-source", "ApiKeySourceType")
    for kind, response in document.get(f"{PREFIX}gateway-responses", {}).items():
        if kind not in service_model("apigateway").shape_for("GatewayResponseType").enum:
            yield f"gateway-responses: {shown(kind)} is not a kind of response"
        for name, value in response.get("responseParameters", {}).items():
            # Static values stand in quotes of their own.
            if not re.fullmatch(r"gatewayresponse\.header\.[A-Za-z0-9-]+", name) or not re.fullmatch(
                r"'[^']*'|(method\.request|context|stageVariables)\..+", value
            ):
                yield f"gateway-responses: {shown({name: value})} is not a header and a value"
    if f"{PREFIX}policy" in document:
        yield from (f"policy: {problem}" for problem in policy(document[f"{PREFIX}policy"], "resource", partition))
    info = document.get("info", {})
    for name, text in (("title", info.get("title", "")), ("description", info.get("description", ""))):
        if len(text) > 1024:
            yield f"info.{name}: length {len(text)} is not …1024"


def _enum(value: dict[str, Any], key: str, shape: str) -> Iterator[str]:
    known = service_model("apigateway").shape_for(shape).enum
    if key in value and str(value[key]).upper() not in known:
        yield f"{key}: {shown(value[key])} is not one of {', '.join(known)}"


def _scheme(scheme: dict[str, Any], partition: str | None) -> Iterator[str]:
    authorizer = scheme.get(f"{PREFIX}authorizer")
    if scheme.get("type") != "apiKey":
        yield f"type: {shown(scheme.get('type'))} is not apiKey"
    if f"{PREFIX}authtype" in scheme and authorizer is None and scheme[f"{PREFIX}authtype"] != "awsSigv4":
        yield "authtype: stands without an authorizer and is not awsSigv4"
    if authorizer is None:
        return
    for key in authorizer.keys() - AUTHORIZER:
        yield f"{key}: is not known"
    kind = str(authorizer.get("type", "")).upper()
    yield from _enum({"type": kind}, "type", "AuthorizerType")
    if kind in ("TOKEN", "REQUEST") and not AUTHORIZE.fullmatch(str(authorizer.get("authorizerUri"))):
        yield f"authorizerUri: {shown(authorizer.get('authorizerUri'))} does not invoke a function"
    else:
        yield from arn(authorizer["authorizerUri"], partition) if "authorizerUri" in authorizer else ()
    if kind == "REQUEST" and not authorizer.get("identitySource") and authorizer.get("authorizerResultTtlInSeconds") != 0:
        yield "identitySource: is required where answers are cached"
    sources = "" if kind == "JWT" else str(authorizer.get("identitySource") or "")
    for source in filter(None, sources.split(",")):
        if not re.fullmatch(r"(method\.request\.(header|querystring)|stageVariables|context)\..+", source.strip()):
            yield f"identitySource: {shown(source.strip())} is not a source"
    ttl = authorizer.get("authorizerResultTtlInSeconds", 300)
    if not isinstance(ttl, int) or not 0 <= ttl <= 3600:
        yield f"authorizerResultTtlInSeconds: {shown(ttl)} is not 0…3600"
    if kind == "COGNITO_USER_POOLS":
        pools = authorizer.get("providerARNs")
        if not pools:
            yield "providerARNs: is required"
        for pool in pools or []:
            yield from (f"providerARNs: {problem}" for problem in arn(pool, partition))
    if kind == "JWT" and not authorizer.get("jwtConfiguration"):
        yield "jwtConfiguration: is required"


def _integration(integration: dict[str, Any], partition: str | None) -> Iterator[str]:
    for key in integration.keys() - INTEGRATION:
        yield f"{key}: is not known"
    kind = str(integration.get("type", "")).upper()
    yield from _enum({"type": kind}, "type", "IntegrationType")
    yield from _enum(integration, "connectionType", "ConnectionType")
    yield from _enum(integration, "contentHandling", "ContentHandlingStrategy")
    yield from _enum(integration, "responseTransferMode", "ResponseTransferMode")
    if str(integration.get("passthroughBehavior", "never")).lower() not in ("when_no_templates", "when_no_match", "never"):
        yield f"passthroughBehavior: {shown(integration['passthroughBehavior'])} is not known"
    # More than 29 seconds is a quota of Regional and private APIs that can be raised.
    milliseconds = integration.get("timeoutInMillis", 29000)
    if not isinstance(milliseconds, int) or not 50 <= milliseconds <= 900_000:
        yield f"timeoutInMillis: {shown(milliseconds)} is not 50…900000"
    if kind == "MOCK":
        return
    if kind == "AWS_PROXY" and integration.get("httpMethod") != "POST":
        yield f"httpMethod: {shown(integration.get('httpMethod'))} is not POST"
    uri = str(integration.get("uri"))
    streamed = str(integration.get("responseTransferMode")).upper() == "STREAM"
    if kind == "AWS_PROXY" and not (STREAM if streamed else INVOKE).fullmatch(uri):
        yield f"uri: {shown(uri)} does not invoke the alias `live` of a function"
    elif kind == "AWS_PROXY":
        yield from (
            f"uri: {problem}" for problem in (*arn(uri, partition), *arn(uri.split("/functions/")[1].rpartition("/")[0], partition))
        )
