"""Everything that exists for one function name in one region, without what differs from run to run: ids, times, revisions, the name itself."""

import functools
import json
import re
import traceback

import boto3
from botocore.config import Config

# What AWS makes up, or what only says when.
VOLATILE = {
    "AliasArn", "ApiEndpoint", "ApiMappingId", "CodeSize", "CreateDate", "CreatedDate", "CreationTime", "FunctionArn", "LastModified", "LastModifiedTime",
    "LastUpdatedDate", "ResponseMetadata", "RevisionId", "RoleId", "arn", "certificateUploadDate", "createdDate", "creationTime", "lastUpdatedDate", "rootResourceId",
    "storedBytes",
}  # fmt: skip

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")

# What proves to ACM whose a domain is.
_PROOF = re.compile(r"_[0-9a-f]{32}")

# In the description of the alias: over what may hold name and region.
_FINGERPRINT = re.compile(r"\b(surroundings|route|schedules)=\w+")


# Everybody's.
ACCOUNT = "123456789012"
# Whose inventory is taken; one at a time.
_account = ACCOUNT


def take(endpoint, name, region, account):
    global _account
    _account = account or ACCOUNT
    try:
        found = Inventory(endpoint, name, region).take()
        return {"found": {kind: things for kind, things in sorted(found.items()) if things}}
    except Exception:
        return {"error": traceback.format_exc()}


@functools.cache
def client(endpoint, service, region):
    # Straight to moto: an inventory is no call of the tool's.
    api = boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="inventory",
        aws_secret_access_key="inventory",
        config=Config(retries={"total_max_attempts": 1}),
    )
    api.meta.events.register("before-send", lambda request, **_: request.headers.__setitem__("x-moto-account-id", _account))
    return api


def pages(api, operation, key, **arguments):
    if api.can_paginate(operation):
        return [thing for page in api.get_paginator(operation).paginate(**arguments) for thing in page.get(key, [])]
    return getattr(api, operation)(**arguments).get(key, [])


def optional(call, **arguments):
    """What a call finds, or nothing if there is nothing to find."""
    try:
        return call(**arguments)
    except Exception as error:
        status = getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 404 or "NotFound" in str(error):
            return {}
        raise


class Inventory:
    def __init__(self, endpoint, name, region):
        self.endpoint, self.name, self.region = endpoint, name, region
        self.ids = {}

    def take(self):
        found = {
            "functions": self.function(),
            "rest_apis": self.rest_apis(),
            "http_apis": self.http_apis(),
            "usage": self.usage(),
            "rules": self.rules(),
            "roles": self.roles(),
            "buckets": self.buckets(),
            "log_groups": self.log_groups(),
            "layers": self.layers(),
            "domains": self.domains(),
            "certificates": self.certificates(),
            "health_checks": self.health_checks(),
            "records": self.records(),
        }
        return {kind: sorted((self.plain(thing) for thing in things), key=json.dumps) for kind, things in found.items()}

    def client(self, service):
        return client(self.endpoint, service, self.region)

    def ours(self, name, tags=None):
        """By the tags with which a deployment is found again, or by name: `[prefix-]name[-suffix]`, so no test's may be another's with one."""
        tags = tags or {}
        mentioned = re.search(rf"(?<![a-zA-Z0-9]){re.escape(self.name)}(?![a-zA-Z0-9])", name or "")
        return bool(mentioned) or f"{tags.get('zappa:project')}-{tags.get('zappa:stage')}" == self.name

    def plain(self, thing):
        if isinstance(thing, dict):
            kept = {key: self.plain(value) for key, value in thing.items() if key not in VOLATILE and value not in (None, "", [], {})}
            return dict(sorted(kept.items()))
        if isinstance(thing, (list, tuple)):
            return sorted((self.plain(entry) for entry in thing), key=json.dumps)
        if not isinstance(thing, str):
            return thing if isinstance(thing, (int, float, bool)) or thing is None else str(thing)
        if thing[:1] in "{[":
            try:
                return self.plain(json.loads(thing))
            except ValueError:
                pass
        for identifier, placeholder in self.ids.items():
            thing = thing.replace(identifier, placeholder)
        thing = thing.replace(self.name, "[name]").replace(self.region, "[region]").replace(_account, ACCOUNT)
        return _UUID.sub("[uuid]", _PROOF.sub("[proof]", _FINGERPRINT.sub(r"\1=[print]", thing)))

    def function(self):
        api, name = self.client("lambda"), {"FunctionName": self.name}
        whole = optional(api.get_function, **name)
        if not whole:
            return []
        versions = pages(api, "list_versions_by_function", "Versions", **name)
        aliases = pages(api, "list_aliases", "Aliases", **name)
        qualifiers = [{}] + [{"Qualifier": alias["Name"]} for alias in aliases]
        policies = {q.get("Qualifier", ""): optional(api.get_policy, **name, **q).get("Policy", "") for q in qualifiers}
        return [
            {
                "configuration": whole["Configuration"],
                "tags": whole.get("Tags"),
                "concurrency": whole.get("Concurrency"),
                "versions": [version for version in versions if version["Version"] != "$LATEST"],
                "aliases": aliases,
                "policies": policies,
                "urls": api.list_function_url_configs(**name)["FunctionUrlConfigs"],
                "provisioned": api.list_provisioned_concurrency_configs(**name)["ProvisionedConcurrencyConfigs"],
                "event_invoke": optional(api.get_function_event_invoke_config, **name),
                "event_sources": api.list_event_source_mappings(**name)["EventSourceMappings"],
            }
        ]

    def layers(self):
        api = self.client("lambda")
        layers = [layer["LayerName"] for layer in pages(api, "list_layers", "Layers") if self.ours(layer["LayerName"])]
        return [version for layer in layers for version in pages(api, "list_layer_versions", "LayerVersions", LayerName=layer)]

    def each(self, look, things):
        """What is ours of them. Other tests' may go away while we look."""
        looked = (optional(lambda thing=thing: look(thing)) for thing in things)
        return [found for found in looked if found]

    def rest_apis(self):
        return self.each(self.rest_api, pages(self.client("apigateway"), "get_rest_apis", "items"))

    def rest_api(self, rest):
        api, here = self.client("apigateway"), {"restApiId": rest["id"]}
        resources = pages(api, "get_resources", "items", **here, embed=["methods"])
        if not self.ours(rest["name"], rest.get("tags")) and f"function:{self.name}" not in str(resources):
            return None
        parts = {
            "resources": resources,
            "deployments": pages(api, "get_deployments", "items", **here),
            "authorizers": pages(api, "get_authorizers", "items", **here),
        }
        self.ids[rest["id"]] = "[api]"
        self.ids |= {thing["id"]: f"[{kind}]" for kind, things in parts.items() for thing in things}
        return rest | parts | {"stages": api.get_stages(**here)["item"]}

    def http_apis(self):
        return self.each(self.http_api, pages(self.client("apigatewayv2"), "get_apis", "Items"))

    def http_api(self, http):
        api, here = self.client("apigatewayv2"), {"ApiId": http["ApiId"]}
        keys = {"integrations": "IntegrationId", "routes": "RouteId", "authorizers": "AuthorizerId"}
        parts = {kind: pages(api, f"get_{kind}", "Items", **here) for kind in keys}
        if not self.ours(http["Name"], http.get("Tags")) and f"function:{self.name}" not in str(parts):
            return None
        self.ids[http["ApiId"]] = "[api]"
        self.ids |= {thing[keys[kind]]: f"[{kind}]" for kind, things in parts.items() for thing in things}
        return http | parts | {"stages": pages(api, "get_stages", "Items", **here)}

    def domains(self):
        return self.each(self.domain, pages(self.client("apigateway"), "get_domain_names", "items"))

    def domain(self, domain):
        """Found by its tags, or because it leads here; after the APIs, whose ids are known by then."""
        name = domain["domainName"]
        paths = pages(self.client("apigateway"), "get_base_path_mappings", "items", domainName=name)
        if domain["endpointConfiguration"]["types"] != ["EDGE"]:
            paths += self.client("apigatewayv2").get_api_mappings(DomainName=name)["Items"]
        ids = {path.get("ApiId") or path.get("restApiId") for path in paths}
        if not self.ours(None, domain.get("tags")) and not ids & set(self.ids):
            return None
        target = domain.get("regionalDomainName") or domain["distributionDomainName"]
        self.ids[target] = "[target]"
        return domain | {"paths": paths}

    def certificates(self):
        api, kinds = self.client("acm"), ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"]
        return self.each(self.certificate, pages(api, "list_certificates", "CertificateSummaryList", Includes={"keyTypes": kinds}))

    def certificate(self, certificate):
        arn = certificate["CertificateArn"]
        tags = tagged(self.client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"])
        if not self.ours(None, tags):
            return None
        return {"domain": certificate["DomainName"], "status": certificate["Status"], "type": certificate["Type"], "tags": tags}

    def health_checks(self):
        """Those of all regions: they are the account's."""
        api = self.client("route53")
        checks = pages(api, "list_health_checks", "HealthChecks")
        return self.each(self.health_check, checks)

    def health_check(self, check):
        tags = self.client("route53").list_tags_for_resource(ResourceType="healthcheck", ResourceId=check["Id"])
        tags = tagged(tags["ResourceTagSet"]["Tags"])
        if not self.ours(tags.get("Name"), tags):
            return None
        self.ids[check["Id"]] = f"[check of {tags.get('Name', '').split(' ')[-1]}]"
        return check["HealthCheckConfig"] | {"tags": tags}

    def records(self):
        """All of zones that have the name in theirs."""
        api, found = self.client("route53"), []
        for zone in pages(api, "list_hosted_zones", "HostedZones"):
            if self.name in zone["Name"]:
                records = pages(api, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"])
                found += [record for record in records if record["Type"] not in ("NS", "SOA")]
        return found

    def usage(self):
        api = self.client("apigateway")
        plans = [plan for plan in pages(api, "get_usage_plans", "items") if self.ours(plan["name"], plan.get("tags"))]
        keys = [key for key in pages(api, "get_api_keys", "items") if self.ours(key.get("name"), key.get("tags"))]
        self.ids |= {thing["id"]: "[usage]" for thing in plans + keys}
        return plans + keys

    def rules(self):
        return self.each(self.rule, pages(self.client("events"), "list_rules", "Rules"))

    def rule(self, rule):
        api = self.client("events")
        targets = api.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        tags = tagged(api.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])
        if not self.ours(rule["Name"], tags) and not any(self.ours(target["Arn"]) for target in targets):
            return None
        return rule | {"targets": targets, "tags": tags}

    def roles(self):
        """Roles are the whole account's, so there are many: by name alone."""
        return self.each(self.role, [role for role in pages(self.client("iam"), "list_roles", "Roles") if self.ours(role["RoleName"])])

    def role(self, role):
        api, here = self.client("iam"), {"RoleName": role["RoleName"]}
        names = pages(api, "list_role_policies", "PolicyNames", **here)
        return role | {
            "tags": tagged(api.list_role_tags(**here)["Tags"]),
            "inline": {name: api.get_role_policy(**here, PolicyName=name)["PolicyDocument"] for name in names},
            "attached": pages(api, "list_attached_role_policies", "AttachedPolicies", **here),
        }

    def buckets(self):
        return self.each(self.bucket, self.client("s3").list_buckets()["Buckets"])

    def bucket(self, bucket):
        api, here = self.client("s3"), {"Bucket": bucket["Name"]}
        tags = tagged(optional(api.get_bucket_tagging, **here).get("TagSet", []))
        region = api.get_bucket_location(**here)["LocationConstraint"] or "us-east-1"
        # One bucket serves all stages of a project.
        shared = "zappa:project" in tags and self.name.startswith(f"{tags['zappa:project']}-")
        if region != self.region or not (shared or self.ours(bucket["Name"], tags)):
            return None
        return {
            "name": bucket["Name"],
            "tags": tags,
            "policy": optional(api.get_bucket_policy, **here).get("Policy"),
            "encryption": optional(api.get_bucket_encryption, **here).get("ServerSideEncryptionConfiguration"),
            "public": optional(api.get_public_access_block, **here).get("PublicAccessBlockConfiguration"),
            "lifecycle": optional(api.get_bucket_lifecycle_configuration, **here).get("Rules"),
            "objects": [found["Key"] for found in pages(api, "list_objects_v2", "Contents", **here)],
            "uploads": [found["Key"] for found in pages(api, "list_multipart_uploads", "Uploads", **here)],
        }

    def log_groups(self):
        return [group for group in pages(self.client("logs"), "describe_log_groups", "logGroups") if self.ours(group["logGroupName"])]


def tagged(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}
