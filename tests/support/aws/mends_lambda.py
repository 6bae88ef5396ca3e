"""Where moto's Lambda says what AWS would not. Each function of this file is one mend; `install` puts them in place.

The sources that are mended: `moto/awslambda/models.py`, `policy.py`, `responses.py` (moto 5.2.5).
"""

import copy
import functools
import json
import threading
import uuid

from moto.awslambda import models, responses
from moto.awslambda.exceptions import GenericResourcNotFound, LambdaClientError, PreconditionFailedException

# moto's server has many threads and moto no locks: who compares and then changes must not be disturbed.
_lock = threading.RLock()

# What `UpdateFunctionConfiguration` and `CreateFunction` set, and moto ignores in one of them or in both.
_IGNORED = ("DeadLetterConfig", "EphemeralStorage", "FileSystemConfigs", "KMSKeyArn", "LoggingConfig", "SnapStart", "TracingConfig")

_PRECONDITION = (
    "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId"
)


class Conflict(LambdaClientError):
    code = 409

    def __init__(self, message):
        super().__init__("ResourceConflictException", message)


class NotFound(LambdaClientError):
    code = 404


def install():
    function, storage, backend, response = models.LambdaFunction, models.LambdaStorage, models.LambdaBackend, responses.LambdaResponse
    for owner, name, mend in [
        (function, "__init__", new_function),
        (function, "get_configuration", whole_configuration),
        (function, "update_configuration", whole_update),
        (function, "_set_function_code", code_from_storage),
        (function, "get_code", whole_code),
        (backend, "create_function", create_function),
        (backend, "update_function_code", update_function_code),
        (backend, "update_function_configuration", guarded_update),
        (response, "publish_version", publish_version),
        (storage, "publish_version", publish_what_changed),
        (storage, "list_versions_by_function", list_versions),
        (storage, "del_function", keep_what_an_alias_uses),
        (storage, "put_alias", put_alias),
        (response, "update_alias", update_alias),
        (response, "delete_alias", delete_alias),
        (response, "list_aliases", list_aliases),
        (backend, "add_permission", add_permission),
        (backend, "get_policy", get_policy),
        (response, "remove_permission", remove_permission),
        (backend, "put_function_event_invoke_config", replace_event_invoke_config),
    ]:
        setattr(owner, name, mended(getattr(owner, name), mend))


def mended(original, mend):
    @functools.wraps(original)
    def method(self, *args, **kwargs):
        with _lock:
            return mend(original, self, *args, **kwargs)

    return method


def check_revision(wanted, actual):
    if wanted and wanted != actual:
        raise PreconditionFailedException(_PRECONDITION)


# Configuration


def new_function(original, self, account_id, spec, region, version=1):
    """Keep what moto has no place for."""
    original(self, account_id, spec, region, version)
    self.kept = {name: spec[name] for name in _IGNORED if name in spec}
    self.revision = str(uuid.uuid4())
    self.published_as = None


def whole_configuration(original, self, on_create=False):
    """Show it. A version is a copy, so it shows what was there when it was published."""
    found = original(self, on_create)
    for name, value in self.kept.items():
        # An empty value takes back what was set.
        found[name] = value or None
    found["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": self.logs_group_name} | self.kept.get("LoggingConfig", {})
    apply_on = self.kept.get("SnapStart", {}).get("ApplyOn", "None")
    snapped = apply_on != "None" and str(self.version) != "$LATEST"
    found["SnapStart"] = {"ApplyOn": apply_on, "OptimizationStatus": "On" if snapped else "Off"}
    if not (found.get("DeadLetterConfig") or {}).get("TargetArn"):
        found.pop("DeadLetterConfig", None)
    # `2026-11-24T12:34:56.000+0000`, not RFC 3339.
    found["LastModified"] = self.last_modified[:23] + "+0000"
    # AWS says so from the beginning.
    found["LastUpdateStatus"] = "Successful"
    found["RevisionId"] = self.revision
    return found


def whole_update(original, self, updates):
    """`UpdateFunctionConfiguration` sets every field, and an empty `Environment` is one without variables."""
    if "Environment" in updates:
        updates = updates | {"Environment": {"Variables": updates["Environment"].get("Variables", {})}}
    self.kept = self.kept | {name: updates[name] for name in _IGNORED if name in updates}
    self.revision = str(uuid.uuid4())
    self.last_modified = models.iso_8601_datetime_with_nanoseconds()
    original(self, updates)
    return self.get_configuration()


def create_function(original, self, spec):
    """Two at once make one. Answers with a shallow copy: moto copies the whole log backend with the function."""
    if spec["FunctionName"] in self._lambdas._functions:
        raise Conflict(f"Function already exist: {spec['FunctionName']}")
    function = original(self, spec | {"Publish": False})
    if not spec.get("Publish"):
        return function
    answer = copy.copy(function)
    answer.version = self.publish_version(function.function_name).version
    return answer


def code_from_storage(original, self, updated_spec):
    """An archive that is not there is the caller's mistake, not an internal error."""
    try:
        original(self, updated_spec)
    except ValueError as error:
        raise LambdaClientError(*error.args) from error


def whole_code(original, self):
    """A reserved concurrency of 0 is one, and `GetFunction` tells it of the function, not of a version as of its publishing."""
    found = original(self)
    found.pop("Concurrency", None)
    reserved = models.get_backend(self.account_id, self.region).get_function(self.function_name).reserved_concurrency
    if reserved is not None:
        found["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
    return found


def guarded_update(original, self, function_name, qualifier, body):
    """`RevisionId` is a precondition."""
    check_revision(body.get("RevisionId"), self.get_function(function_name, qualifier).revision)
    return original(self, function_name, qualifier, body)


def update_function_code(original, self, function_name, qualifier, body):
    """`RevisionId` is a precondition, `Architectures` belongs to the code, and `DryRun` answers with the hash that would be."""
    function = self.get_function(function_name, qualifier)
    check_revision(body.get("RevisionId"), function.revision)
    if body.get("DryRun"):
        function, body = copy.copy(function), body | {"DryRun": False}
    # Versions share the dictionary that moto writes to.
    function.code = dict(function.code)
    if "Architectures" in body:
        function.architectures = body["Architectures"]
    function.revision = str(uuid.uuid4())
    function.last_modified = models.iso_8601_datetime_with_nanoseconds()
    function.update_function_code(body)
    if body.get("Publish"):
        function = self.publish_version(function_name)
    return function.get_configuration()


# Versions


def fingerprint(function):
    volatile = ("LastModified", "RevisionId", "FunctionArn", "Version", "State", "LastUpdateStatus")
    return {name: value for name, value in function.get_configuration().items() if name not in volatile}


def publish_version(original, self):
    """`CodeSha256` and `RevisionId` are preconditions."""
    latest = self.backend.get_function(responses.unquote(self.path.split("/")[-2]))
    body = self.json_body if self.body else {}
    check_revision(body.get("RevisionId"), latest.revision)
    given = body.get("CodeSha256")
    if given and given != latest.code_sha_256:
        message = f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({latest.code_sha_256})."
        raise LambdaClientError("InvalidParameterValueException", f"{message} Please try again with the CodeSHA256 in $LATEST.")
    return original(self)


def publish_what_changed(original, self, name_or_arn, description=""):
    """AWS publishes nothing if code and configuration are those of the newest version, and uses no number twice, not even after the function is
    deleted and made anew."""
    latest = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    versions = self._functions[latest.function_name]["versions"]
    now = fingerprint(latest)
    if versions and versions[-1].published_as == now:
        return versions[-1]
    self.__dict__.setdefault("last_numbers", {}).setdefault(latest.function_name, 0)
    self.last_numbers[latest.function_name] += 1
    version = copy.copy(latest)
    version.set_version(self.last_numbers[latest.function_name])
    version.description = description or latest.description
    version.published_as, version.revision = now, str(uuid.uuid4())
    versions.append(version)
    self._arns[version.function_arn] = version
    return version


def list_versions(original, self, name):
    """A function that is not there has no empty list of versions."""
    self.get_function_by_name_or_arn_with_qualifier(name)
    return original(self, name)


def keep_what_an_alias_uses(original, self, name_or_arn, qualifier=None):
    """AWS does not delete a version that an alias points at. With the function go its aliases, permissions and URLs."""
    function = self.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier)
    name, version = function.function_name, str(function.version)
    aliases = self._get_function_aliases(name)
    if version != "$LATEST":
        users = [alias.name for alias in aliases.values() if version in (alias.function_version, *weights(alias))]
        if users:
            arn = function.function_arn
            raise Conflict(f"Version {arn} cannot be deleted because it is referenced by the following aliases: [{', '.join(users)}]")
    original(self, name_or_arn, qualifier)


def weights(alias):
    return (alias.routing_config or {}).get("AdditionalVersionWeights") or {}


# Aliases


def put_alias(original, self, name, function_name, *more):
    """AWS calls it a resource conflict."""
    if name in self._get_function_aliases(function_name):
        raise Conflict(f"Alias already exists: {self._get_function_aliases(function_name)[name].arn}")
    return original(self, name, function_name, *more)


def update_alias(original, self):
    """`RevisionId` is a precondition, and every update gives a new one."""
    name = responses.unquote(self.path.rsplit("/", 2)[-1])
    function_name = responses.unquote(self.path.rsplit("/")[-3])
    alias = self.backend.get_alias(name=name, function_name=function_name)
    check_revision(self.json_body.get("RevisionId"), alias.revision_id)
    original(self)
    alias.revision_id = str(uuid.uuid4())
    return 200, {}, json.dumps(alias.to_json())


def delete_alias(original, self):
    """What was said for the alias (permissions, URL) goes with it; 204."""
    function = self.backend.get_function(responses.unquote(self.path.rsplit("/")[-3]))
    name = responses.unquote(self.path.rsplit("/", 2)[-1])
    original(self)
    arn = f"{function.function_arn}:{name}"
    function.policy.statements[:] = [statement for statement in function.policy.statements if statement["Resource"] != arn]
    return 204, {"status": 204}, ""


def list_aliases(original, self):
    """`FunctionVersion` is a filter."""
    status, headers, body = original(self)
    wanted = self.querystring.get("FunctionVersion", [None])[0]
    aliases = [alias for alias in json.loads(body)["Aliases"] if wanted in (None, alias["FunctionVersion"])]
    return status, headers, json.dumps({"Aliases": aliases})


# Permissions: AWS keeps one policy for the function and one for each qualifier; moto keeps one.


def resource_of(backend, function_name, qualifier):
    function = backend.get_function(function_name, qualifier)
    named = function_name.split(":function:")[-1].partition(":")[2]
    arn = models.make_function_arn(backend.region_name, backend.account_id, function.function_name)
    return function, f"{arn}:{qualifier or named}" if qualifier or named else arn


def add_permission(original, self, function_name, qualifier, raw):
    """A statement id can be used once, and function URLs have their own conditions."""
    function, resource = resource_of(self, function_name, qualifier)
    wanted = json.loads(raw)
    check_revision(wanted.pop("RevisionId", None), function.policy.revision)
    sid = wanted["StatementId"]
    if any(known["Sid"] == sid and known["Resource"] == resource for known in function.policy.statements):
        raise Conflict(f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement.")
    auth_type, by_url = wanted.pop("FunctionUrlAuthType", None), wanted.pop("InvokedViaFunctionUrl", None)
    statement, _ = function.policy.add_statement(json.dumps(wanted), qualifier)
    statement["Resource"] = resource
    condition = statement.setdefault("Condition", {})
    if auth_type is not None:
        condition.setdefault("StringEquals", {})["lambda:FunctionUrlAuthType"] = auth_type
    if by_url is not None:
        condition.setdefault("Bool", {})["lambda:InvokedViaFunctionUrl"] = str(by_url).lower()
    if not condition:
        del statement["Condition"]
    return statement


def get_policy(original, self, function_name, qualifier=None):
    """Only the statements for this qualifier."""
    function, resource = resource_of(self, function_name, qualifier)
    statements = [statement for statement in function.policy.statements if statement["Resource"] == resource]
    if not statements:
        raise GenericResourcNotFound()
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return json.dumps({"Policy": json.dumps(policy), "RevisionId": function.policy.revision})


def remove_permission(original, self):
    """Only the statement for this qualifier."""
    qualifier = self.querystring.get("Qualifier", [None])[0]
    function, resource = resource_of(self.backend, responses.unquote(self.path.split("/")[-3]), qualifier)
    sid = responses.unquote(self.path.split("/")[-1])
    check_revision(self.querystring.get("RevisionId", [None])[0], function.policy.revision)
    found = [statement for statement in function.policy.statements if (statement["Sid"], statement["Resource"]) == (sid, resource)]
    if not found:
        raise NotFound("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.")
    function.policy.statements.remove(found[0])
    function.policy.revision = str(uuid.uuid4())
    return 204, {"status": 204}, ""


def replace_event_invoke_config(original, self, function_name, config):
    """moto appends, and then reads the first."""
    self.get_function(function_name).event_invoke_config = []
    return original(self, function_name, config)
