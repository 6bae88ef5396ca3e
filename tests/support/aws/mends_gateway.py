"""Where moto's REST APIs, HTTP APIs and buckets say what AWS would not. Each function is one mend; `install` puts them in place.

The sources that are mended: `moto/apigateway/`, `moto/apigatewayv2/`, `moto/s3/`, `moto/iam/access_control.py` (moto 5.2.5).
"""

import functools
import json
from datetime import datetime

from moto.apigateway import models, responses, urls
from moto.apigateway.exceptions import BadRequestException, RestAPINotFound
from moto.apigatewayv2 import exceptions as exceptions_v2
from moto.apigatewayv2 import models as models_v2
from moto.apigatewayv2 import responses as responses_v2
from moto.iam import access_control
from moto.s3 import models as models_s3
from moto.s3 import responses as responses_s3
from moto.s3.exceptions import NoSuchUpload


def install():
    api_arn = r"arn:(?P<partition>[^/]+):apigateway:(?P<region_name>[^/]+)::/restapis/(?P<function_id>[^/]+)$"
    urls.url_paths["{0}/tags/" + api_arn] = responses.APIGatewayResponse.dispatch
    api, backend, response = models.RestAPI, models.APIGatewayBackend, responses.APIGatewayResponse
    for owner, name, mend in [
        (backend, "import_rest_api", import_rest_api),
        (backend, "put_rest_api", put_rest_api),
        (backend, "put_integration", integration_of_nothing),
        (response, "create_rest_api", create_rest_api),
        (backend, "delete_rest_api", delete_rest_api),
        (api, "apply_patch_operations", patch_lists),
        (api, "create_deployment", deploy_to_a_stage_that_is_there),
        (api, "delete_deployment", delete_deployment),
        (response, "create_deployment", whole_deployment),
        (response, "tag_resource", tag_api),
        (response, "untag_resource", untag_api),
        (backend, "delete_usage_plan", delete_usage_plan),
        (models_v2.ApiGatewayV2Backend, "delete_api", delete_http_api),
        (models_v2.Api, "create_route", create_route),
        (models_v2.Api, "create_stage", create_stage),
        (models_s3.S3Backend, "upload_part", upload_part),
        (responses_s3.S3Response, "list_parts", list_parts),
        (access_control.IAMPolicyStatement, "is_action_permitted", deny_under_conditions),
    ]:
        setattr(owner, name, mended(getattr(owner, name), mend))
    responses_v2.ApiGatewayV2Response.update_stage = update_stage
    responses_v2.ApiGatewayV2Response.get_authorizers = get_authorizers


def mended(original, mend):
    @functools.wraps(original)
    def method(self, *args, **kwargs):
        return mend(original, self, *args, **kwargs)

    return method


# Import


def import_rest_api(original, self, api_doc, fail_on_warnings):
    """`info.description` may be absent."""
    # See `put_rest_api`.
    return original(self, api_doc | {"info": {"description": ""} | api_doc["info"]}, False)


def create_rest_api(original, self):
    """`binaryMediaTypes` is taken; for an import, `endpointConfigurationTypes=REGIONAL` stands in the query."""
    answer = original(self)
    status, headers, body = answer
    if status >= 300:
        return answer
    api = self.backend.get_rest_api(json.loads(body)["id"])
    wanted = json.loads(self.body)
    if "openapi" not in wanted:
        api.binaryMediaTypes = wanted.get("binaryMediaTypes") or []
    if "endpointConfigurationTypes" in self.querystring:
        api.endpoint_configuration = {"types": self.querystring["endpointConfigurationTypes"]}
    return status, headers, json.dumps(api.to_dict())


def integration_of_nothing(original, self, *args, **kwargs):
    """A mock has neither address nor method."""
    return original(self, *args, **{"uri": None, "integration_method": None} | kwargs)


def put_rest_api(original, self, function_id, api_doc, fail_on_warnings, mode="merge"):
    """Take AWS's extensions: settings of the API, any method, authorizers and keys."""
    api = self.get_rest_api(function_id)
    paths = {}
    for path, methods in api_doc.get("paths", {}).items():
        renamed = {"ANY" if name == "x-amazon-apigateway-any-method" else name: method for name, method in methods.items()}
        paths[path] = {name: method for name, method in renamed.items() if isinstance(method, dict)}
    if mode == "overwrite":
        api.authorizers.clear()
        api.binaryMediaTypes, api.minimum_compression_size, api.policy = [], None, None
        api.name = api_doc["info"]["title"]
        api.description = api_doc["info"].get("description", "")
    # The validator of moto takes AWS's `{proxy+}` for an error.
    original(self, function_id, api_doc | {"paths": paths}, False, mode)
    api.root_resource_id = api.default.id
    take_settings(api, api_doc)
    authorizers = take_authorizers(self, api, api_doc)
    for path, methods in paths.items():
        for name, method in methods.items():
            secure(api.get_resource_for_path(path).resource_methods[name.upper()], method, api_doc, authorizers)
    return api


def take_settings(api, api_doc):
    prefix = "x-amazon-apigateway-"
    api.binaryMediaTypes = api_doc.get(prefix + "binary-media-types", api.binaryMediaTypes)
    api.minimum_compression_size = api_doc.get(prefix + "minimum-compression-size", api.minimum_compression_size)
    api.api_key_source = api_doc.get(prefix + "api-key-source", api.api_key_source)
    if prefix + "policy" in api_doc:
        # AWS escapes what it answers.
        api.policy = json.dumps(api_doc[prefix + "policy"]).replace('"', '\\"')
    endpoint = api_doc.get(prefix + "endpoint-configuration", {})
    if "disableExecuteApiEndpoint" in endpoint:
        api.disableExecuteApiEndpoint = endpoint["disableExecuteApiEndpoint"]


def take_authorizers(self, api, api_doc):
    """By the name of their security scheme."""
    made = {}
    for name, scheme in api_doc.get("components", {}).get("securitySchemes", {}).items():
        wanted = scheme.get("x-amazon-apigateway-authorizer")
        if wanted:
            kind = {"token": "TOKEN", "request": "REQUEST", "cognito_user_pools": "COGNITO_USER_POOLS", "jwt": "JWT"}[wanted["type"].lower()]
            source = wanted.get("identitySource") or f"method.request.header.{scheme.get('name', 'Authorization')}"
            made[name] = self.create_authorizer(
                api.id,
                name,
                kind,
                provider_arns=wanted.get("providerARNs"),
                auth_type=scheme.get("x-amazon-apigateway-authtype"),
                authorizer_uri=wanted.get("authorizerUri"),
                authorizer_credentials=wanted.get("authorizerCredentials"),
                identity_source=source,
                identiy_validation_expression=wanted.get("identityValidationExpression"),
                authorizer_result_ttl=wanted.get("authorizerResultTtlInSeconds", 300),
            )
    return made


def secure(method, wanted, api_doc, authorizers):
    """What `security` of an operation comes to."""
    method.authorization_type, method.api_key_required = "NONE", False
    schemes = api_doc.get("components", {}).get("securitySchemes", {})
    for name in [name for entry in wanted.get("security", api_doc.get("security", [])) for name in entry]:
        if name in authorizers:
            kind = authorizers[name].type
            method.authorization_type = kind if kind in ("COGNITO_USER_POOLS", "JWT") else "CUSTOM"
            method.authorizer_id = authorizers[name].id
        elif schemes.get(name, {}).get("x-amazon-apigateway-authtype", "").lower() == "awssigv4":
            method.authorization_type = "AWS_IAM"
        elif schemes.get(name, {}).get("type") == "apiKey":
            method.api_key_required = True
    if wanted.get("x-amazon-apigateway-auth", {}).get("type", "").upper() == "AWS_IAM":
        method.authorization_type = "AWS_IAM"


# The API


def delete_rest_api(original, self, function_id):
    """An API that is not there is no internal error."""
    if function_id not in self.apis:
        raise RestAPINotFound()
    return original(self, function_id)


def patch_lists(original, self, patch_operations):
    """What stands in the path of the operation: `add /binaryMediaTypes/image~1png`."""
    rest = []
    for operation in patch_operations:
        _, name, *more = operation["path"].split("/")
        value = more[-1].replace("~1", "/").replace("~0", "~") if more else operation.get("value")
        if name == "binaryMediaTypes":
            self.binaryMediaTypes = [known for known in self.binaryMediaTypes if known != value]
            if operation["op"] != "remove":
                self.binaryMediaTypes.append(operation.get("value") or value)
        elif name == "minimumCompressionSize":
            self.minimum_compression_size = int(operation["value"]) if operation.get("value") else None
        elif name == "disableExecuteApiEndpoint":
            self.disableExecuteApiEndpoint = operation["value"] == "true"
        else:
            rest.append(operation)
    original(self, rest)


def tag_api(original, self):
    """moto knows tags of stages only."""
    api = api_of_tags(self)
    if api is None:
        return original(self)
    api.tags = (api.tags or {}) | self._get_param("tags")
    return 204, {"status": 204}, ""


def untag_api(original, self):
    api = api_of_tags(self)
    if api is None:
        return original(self)
    api.tags = {name: value for name, value in (api.tags or {}).items() if name not in self.querystring.get("tagKeys", [])}
    return 204, {"status": 204}, ""


def api_of_tags(self):
    parts = responses.unquote(self.path.split("/tags/")[1]).split("/")
    return self.backend.get_rest_api(parts[-1]) if parts[-2:-1] == ["restapis"] else None


# Deployments


def deploy_to_a_stage_that_is_there(original, self, name, description, stage_variables=None):
    """It keeps its settings and points at the new deployment; moto makes a new one."""
    before = self.stages.get(name)
    deployment = original(self, name, description, stage_variables)
    if before is not None:
        before.deployment_id = deployment.id
        before.variables = stage_variables or before.variables
        self.stages[name] = before
    return deployment


def whole_deployment(original, self):
    """`CreateDeployment` can set more of its stage than moto takes."""
    answer = original(self)
    api = self.backend.get_rest_api(self.path.replace("/restapis/", "", 1).split("/")[0])
    stage = api.stages.get(self._get_param("stageName"))
    if stage is not None:
        stage.description = self._get_param("stageDescription") or stage.description
        stage.tracing_enabled = self._get_param("tracingEnabled", stage.tracing_enabled)
        stage.cache_cluster_enabled = self._get_param("cacheClusterEnabled", stage.cache_cluster_enabled)
        stage.cache_cluster_size = self._get_param("cacheClusterSize", stage.cache_cluster_size)
    return answer


def delete_deployment(original, self, deployment_id):
    """Only one that a stage points at now is in use, not one that ever was."""
    deployment = self.deployments.get(deployment_id)
    if deployment is not None and all(stage.deployment_id != deployment_id for stage in self.stages.values()):
        return self.deployments.pop(deployment_id)
    return original(self, deployment_id)


def delete_usage_plan(original, self, usage_plan_id):
    """Not while it covers a stage that is there."""
    stages = self.get_usage_plan(usage_plan_id).api_stages or []
    if any(stage["stage"] in self.apis[stage["apiId"]].stages for stage in stages if stage["apiId"] in self.apis):
        message = "because there are API stages attached. Please remove all API stages from the usage plan and try again."
        raise BadRequestException(f"Cannot delete Usage Plan {usage_plan_id} {message}")
    return original(self, usage_plan_id)


# HTTP APIs


class Conflict(exceptions_v2.APIGatewayV2Error):
    code = 409

    def __init__(self, message):
        super().__init__("ConflictException", message)


def delete_http_api(original, self, api_id):
    """An API that is not there cannot be deleted."""
    self.get_api(api_id)
    original(self, api_id)


def create_route(original, self, *args, **kwargs):
    """A route key can be used once."""
    key = kwargs["route_key"]
    if any(route.route_key == key for route in self.routes.values()):
        raise Conflict(f"Route with key {key} already exists for this API")
    return original(self, *args, **kwargs)


def create_stage(original, self, config):
    """A stage is not replaced by another of its name."""
    if config["stageName"] in self.stages:
        raise Conflict("Stage already exists")
    return original(self, config)


def update_stage(self):
    """moto has none."""
    api_id, name = self.path.split("/")[-3], responses_v2.unquote(self.path.split("/")[-1])
    api = self.apigatewayv2_backend.get_api(api_id)
    before = api.get_stage(name)
    after = models_v2.Stage(api, before.config | json.loads(self.body) | {"stageName": name})
    after.tags, after.created, after.updated = before.tags, before.created, datetime.now()
    api.stages[name] = after
    return 200, {}, json.dumps(after.to_json())


def get_authorizers(self):
    """moto has none."""
    api = self.apigatewayv2_backend.get_api(self.path.split("/")[-2])
    return 200, {}, json.dumps({"items": [authorizer.to_json() for authorizer in api.authorizers.values()]})


# Buckets


def list_parts(original, self):
    """The root is `ListPartsResult`, without which the Rust SDK does not read it."""
    status, headers, body = original(self)
    return status, headers, body.replace("ListPartsResponse", "ListPartsResult")


def upload_part(original, self, bucket_name, multipart_id, *args, **kwargs):
    """An upload that was given up is no internal error."""
    if multipart_id not in self.get_bucket(bucket_name).multiparts:
        raise NoSuchUpload(upload_id=multipart_id)
    return original(self, bucket_name, multipart_id, *args, **kwargs)


def deny_under_conditions(original, self, action, *args, **kwargs):
    """moto evaluates no conditions of bucket policies and takes each for met. Tests count as HTTPS, so `aws:SecureTransport` is never false."""
    if self._statement["Effect"] == "Deny" and "Condition" in self._statement:
        return access_control.PermissionResult.NEUTRAL
    return original(self, action, *args, **kwargs)
