"""What moto's Lambda does not have or has for functions without qualifier only: URLs, provisioned concurrency, account settings."""

import json
import uuid

from moto.awslambda import models, responses, urls

import mends_lambda
from mends_lambda import Conflict, NotFound

_FUNCTION = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)"


def install():
    dispatch = responses.LambdaResponse.dispatch
    urls.url_paths |= {
        _FUNCTION + "/urls/?$": dispatch,
        _FUNCTION + "/provisioned-concurrency/?$": dispatch,
        r"{0}/(?P<api_version>[^/]+)/account-settings/?$": dispatch,
    }
    for method in [
        create_function_url_config,
        get_function_url_config,
        update_function_url_config,
        delete_function_url_config,
        list_function_url_configs,
        put_provisioned_concurrency_config,
        get_provisioned_concurrency_config,
        delete_provisioned_concurrency_config,
        list_provisioned_concurrency_configs,
        get_account_settings,
    ]:
        setattr(responses.LambdaResponse, method.__name__, method)


def place(self):
    """The function and the ARN with qualifier that a request is about; what is kept for ARNs is kept with the function."""
    name = responses.unquote(self.path.split("/functions/")[1].split("/")[0])
    function, arn = mends_lambda.resource_of(self.backend, name, self.querystring.get("Qualifier", [None])[0])
    latest = self.backend.get_function(function.function_name)
    for kind in ("urls", "provisioned"):
        if not hasattr(latest, kind):
            setattr(latest, kind, {})
    return latest, arn


def now():
    return models.iso_8601_datetime_with_nanoseconds()[:23] + "+0000"


# Function URLs


def create_function_url_config(self):
    function, arn = place(self)
    if arn in function.urls:
        message = f"Failed to create function url config for [functionArn = {arn}]. Error message:  FunctionUrlConfig exists for this Lambda function"
        raise Conflict(message)
    function.urls[arn] = {
        "FunctionUrl": f"https://{uuid.uuid4().hex}.lambda-url.{function.region}.on.aws/",
        "FunctionArn": arn,
        "InvokeMode": "BUFFERED",
        "CreationTime": now(),
    }
    return 201, {"status": 201}, set_url(function.urls[arn], self.json_body)


def set_url(url, wanted):
    url.update({name: wanted[name] for name in ("AuthType", "Cors", "InvokeMode") if name in wanted}, LastModifiedTime=now())
    return json.dumps(url)


def url_of(self):
    function, arn = place(self)
    if arn not in function.urls:
        raise NotFound("ResourceNotFoundException", "The resource you requested does not exist.")
    return function.urls, arn


def get_function_url_config(self):
    known, arn = url_of(self)
    return json.dumps(known[arn])


def update_function_url_config(self):
    known, arn = url_of(self)
    return set_url(known[arn], self.json_body)


def delete_function_url_config(self):
    known, arn = url_of(self)
    del known[arn]
    return 204, {"status": 204}, ""


def list_function_url_configs(self):
    function, _ = place(self)
    return json.dumps({"FunctionUrlConfigs": list(function.urls.values())})


# Provisioned concurrency


def put_provisioned_concurrency_config(self):
    function, arn = place(self)
    count = self.json_body["ProvisionedConcurrentExecutions"]
    function.provisioned[arn] = {
        "RequestedProvisionedConcurrentExecutions": count,
        "AvailableProvisionedConcurrentExecutions": count,
        "AllocatedProvisionedConcurrentExecutions": count,
        "Status": "READY",
        "LastModified": now(),
    }
    return 202, {"status": 202}, json.dumps(function.provisioned[arn])


def provisioned_of(self):
    function, arn = place(self)
    if arn not in function.provisioned:
        raise NotFound("ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
    return function.provisioned, arn


def get_provisioned_concurrency_config(self):
    if "List" in self.querystring:
        return list_provisioned_concurrency_configs(self)
    known, arn = provisioned_of(self)
    return json.dumps(known[arn])


def delete_provisioned_concurrency_config(self):
    known, arn = provisioned_of(self)
    del known[arn]
    return 204, {"status": 204}, ""


def list_provisioned_concurrency_configs(self):
    function, _ = place(self)
    return json.dumps({"ProvisionedConcurrencyConfigs": [{"FunctionArn": arn} | found for arn, found in function.provisioned.items()]})


def get_account_settings(self):
    limits = {"CodeSizeUnzipped": 262144000, "CodeSizeZipped": 52428800, "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    functions = list(self.backend.list_functions())
    usage = {"FunctionCount": len(functions), "TotalCodeSize": sum(function.code_size for function in functions)}
    return json.dumps({"AccountLimit": limits | {"TotalCodeSize": 80530636800}, "AccountUsage": usage})
