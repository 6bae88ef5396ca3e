"""Where moto's certificates, domain names and DNS records say what AWS would not. Each function is one mend; `install` puts them in place.

The sources that are mended: `moto/acm/`, `moto/route53/`, and what `moto/apigateway/` and `moto/apigatewayv2/` have of domain names (moto 5.2.5).
"""

import hashlib
import json

from mends_gateway import Conflict, mended
from moto.acm import models as models_acm
from moto.acm import responses as responses_acm
from moto.apigateway import models, responses, urls
from moto.apigateway.exceptions import BadRequestException
from moto.apigatewayv2 import exceptions as exceptions_v2
from moto.apigatewayv2 import models as models_v2
from moto.apigatewayv2 import responses as responses_v2
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.route53 import models as models_dns
from moto.route53 import responses as responses_dns
from moto.route53.exceptions import NoSuchHealthCheck, Route53ClientError


def install():
    name_arn = r"arn:(?P<partition>[^/]+):apigateway:(?P<region_name>[^/]+)::/domainnames/(?P<function_id>[^/]+)$"
    urls.url_paths["{0}/tags/" + name_arn] = responses.APIGatewayResponse.dispatch
    backend, backend_v2 = models.APIGatewayBackend, models_v2.ApiGatewayV2Backend
    for owner, name, mend in [
        (models_acm.CertBundle, "check", check_by_dns),
        (models_acm.CertBundle, "describe", describe),
        (models_acm.AWSCertificateManagerBackend, "delete_certificate", delete_certificate),
        (responses_acm.AWSCertificateManagerResponse, "list_certificates", list_certificates),
        (backend, "create_domain_name", create_domain_name),
        (backend, "delete_domain_name", delete_domain_name),
        (backend, "get_base_path_mappings", get_base_path_mappings),
        (backend, "delete_rest_api", delete_rest_api),
        (models.DomainName, "to_json", of_its_kind),
        (responses.APIGatewayResponse, "tag_resource", tag_name),
        (backend_v2, "create_api_mapping", create_api_mapping),
        (backend_v2, "delete_api", delete_http_api),
        (responses_dns.Route53, "change_resource_record_sets", change_resource_record_sets),
        (responses_dns.Route53, "create_health_check", create_health_check),
        (responses_dns.Route53, "change_tags_for_resource", change_tags_for_resource),
        (models_dns.Route53Backend, "delete_health_check", delete_health_check),
    ]:
        setattr(owner, name, mended(getattr(owner, name), mend))
    responses.APIGatewayResponse.update_domain_name = update_domain_name
    responses_v2.ApiGatewayV2Response.update_api_mapping = update_api_mapping
    backend_v2.get_api_mappings = get_api_mappings


# Certificates

# Domains with this in their name have their DNS elsewhere: their certificates are issued once they have been looked at so often.
ELSEWHERE, LOOKS = "elsewhere", 3


def proof(certificate):
    """By account and domain, the same in every region, and for `*.` as for the domain itself."""
    domain = certificate.common_name.removeprefix("*.")
    digest = hashlib.sha256(f"{certificate.arn.split(':')[4]} {domain}".encode()).hexdigest()
    return f"_{digest[:32]}.{domain}.", f"_{digest[32:]}.acm-validations.aws."


def check_by_dns(original, self):
    """A certificate is issued once its proof stands in the DNS."""
    if self.type != "AMAZON_ISSUED" or self.status != "PENDING_VALIDATION":
        return original(self)
    name, value = proof(self)
    zones = models_dns.route53_backends[self.arn.split(":")[4]][self.arn.split(":")[1]].zones.values()
    proven = any(there.name == name and there.records == [value] for zone in zones for there in zone.rrsets)
    self.looks = getattr(self, "looks", 0) + (ELSEWHERE in self.common_name)
    if proven or self.looks > LOOKS:
        self.status = "ISSUED"
    return None


def describe(original, self):
    answer = original(self)
    detail = answer["Certificate"]
    name, value = proof(self)
    for option in detail.get("DomainValidationOptions", []):
        option["ResourceRecord"] = {"Name": name, "Type": "CNAME", "Value": value}
    if self.status == "PENDING_VALIDATION":
        for key in ("NotAfter", "NotBefore", "Serial", "IssuedAt"):
            detail.pop(key, None)
    return answer


def list_certificates(original, self):
    """A summary has the names under another key, and the list only keys of RSA with 2048 bits, unless more is asked for."""
    answer = original(self).result
    kinds = (self._get_param("Includes") or {}).get("keyTypes") or ["RSA_2048"]
    summaries = [summary for summary in answer["CertificateSummaryList"] if summary["KeyAlgorithm"] in kinds]
    for summary in summaries:
        summary["SubjectAlternativeNameSummaries"] = summary.pop("SubjectAlternativeNames", [])
    return ActionResult({"CertificateSummaryList": summaries})


def delete_certificate(original, self, arn):
    """Not one that a domain name has."""
    for backend in models.apigateway_backends[self.account_id].values():
        for name in backend.domain_names.values():
            if arn in (name.certificate_arn, name.regional_certificate_arn):
                raise JsonRESTError("ResourceInUseException", f"Certificate {arn} in account {self.account_id} is in use.")
    return original(self, arn)


# Domain names


def create_domain_name(original, self, domain_name, *args, **kwargs):
    """A name can be had once, with a certificate that is issued where it has to be."""
    if domain_name in self.domain_names:
        raise BadRequestException("The domain name you provided already exists.")
    made = original(self, domain_name, *args, **kwargs)
    try:
        check_certificate(self, made)
    except Exception:
        del self.domain_names[domain_name]
        raise
    made.regional_hosted_zone_id = "Z" + hashlib.sha256(self.region_name.encode()).hexdigest()[:13].upper()
    return made


def is_edge(name):
    return name.endpoint_configuration["types"] == ["EDGE"]


def check_certificate(self, name):
    arn = name.certificate_arn if is_edge(name) else name.regional_certificate_arn
    region = "us-east-1" if is_edge(name) else self.region_name
    known = models_acm.acm_backends[self.account_id][region]._certificates.get(arn)
    if known is None or known.status != "ISSUED":
        raise BadRequestException(f"The certificate {arn} is not there, or not issued, in {region}")


def delete_domain_name(original, self, domain_name):
    """With all that it leads to."""
    original(self, domain_name)
    self.base_path_mappings.pop(domain_name, None)
    other = models_v2.apigatewayv2_backends[self.account_id][self.region_name]
    other.api_mappings = {key: there for key, there in other.api_mappings.items() if there.domain_name != domain_name}


def of_its_kind(original, self):
    """A name has the fields of one kind only."""
    answer = original(self)
    other = "regional" if is_edge(self) else "distribution"
    return {key: value for key, value in answer.items() if not key.startswith(other)}


def update_domain_name(self):
    """moto has none."""
    name = self.backend.get_domain_name(self.path.split("/")[2])
    fields = {
        "/regionalCertificateArn": "regional_certificate_arn",
        "/certificateArn": "certificate_arn",
        "/securityPolicy": "security_policy",
    }
    for operation in self._get_param("patchOperations"):
        if operation["path"] == "/endpointConfiguration/ipAddressType":
            name.endpoint_configuration["ipAddressType"] = operation["value"]
        elif operation["path"] in fields:
            setattr(name, fields[operation["path"]], operation["value"])
        else:
            raise BadRequestException(f"Invalid patch path {operation['path']}")
    check_certificate(self.backend, name)
    return json.dumps(name.to_json())


def tag_name(original, self):
    parts = responses.unquote(self.path.split("/tags/")[1]).split("/")
    if parts[-2:-1] != ["domainnames"]:
        return original(self)
    name = self.backend.get_domain_name(parts[-1])
    name.tags = (name.tags or {}) | self._get_param("tags")
    return 204, {"status": 204}, ""


# What they lead to


def get_base_path_mappings(original, self, domain_name):
    """Of a name that has none, that is no internal error."""
    self.base_path_mappings.setdefault(domain_name, {})
    return original(self, domain_name)


def mapped(self, api_id):
    """To what an API is what leads there; AWS removes none of those."""
    old = models.apigateway_backends[self.account_id][self.region_name].base_path_mappings.values()
    new = models_v2.apigatewayv2_backends[self.account_id][self.region_name].api_mappings.values()
    return any(there.rest_api_id == api_id for paths in old for there in paths.values()) or any(there.api_id == api_id for there in new)


def delete_rest_api(original, self, function_id):
    if mapped(self, function_id):
        raise BadRequestException(f"Please remove all base path mappings related to the domain name in {function_id} before deletion")
    return original(self, function_id)


def delete_http_api(original, self, api_id):
    if mapped(self, api_id):
        raise exceptions_v2.BadRequestException(f"Unable to delete API {api_id}: API mappings lead to it")
    return original(self, api_id)


def goal(self, api_id, stage):
    """REST APIs and HTTP APIs alike, with a stage that is there."""
    rest = models.apigateway_backends[self.account_id][self.region_name].apis.get(api_id)
    api = rest or self.apis.get(api_id)
    if api is None or stage not in api.stages:
        raise exceptions_v2.BadRequestException(f"Invalid API id or stage: {api_id} {stage}")


def regional_name(self, domain_name):
    name = models.apigateway_backends[self.account_id][self.region_name].domain_names.get(domain_name)
    if name is None:
        raise exceptions_v2.DomainNameNotFound()
    return name


def create_api_mapping(original, self, api_id, api_mapping_key, domain_name, stage):
    """The names are those of the older API, too."""
    if is_edge(regional_name(self, domain_name)):
        raise exceptions_v2.BadRequestException("Only regional domain names have API mappings")
    goal(self, api_id, stage)
    if any(there.domain_name == domain_name and there.api_mapping_key == api_mapping_key for there in self.api_mappings.values()):
        raise Conflict("ApiMapping key already exists for this domain name")
    mapping = models_v2.ApiMapping(
        domain_name=domain_name,
        api_id=api_id,
        api_mapping_key=api_mapping_key,
        api_mapping_id=self._generate_api_maping_id(api_mapping_key=api_mapping_key, stage=stage, domain_name=domain_name),
        stage=stage,
    )
    self.api_mappings[mapping.api_mapping_id] = mapping
    return mapping


def get_api_mappings(self, domain_name):
    regional_name(self, domain_name)
    return [there for there in self.api_mappings.values() if there.domain_name == domain_name]


def update_api_mapping(self):
    """moto has none."""
    mapping = self.apigatewayv2_backend.api_mappings.get(self.path.split("/")[-1])
    if mapping is None:
        raise exceptions_v2.ApiMappingNotFound()
    wanted = json.loads(self.body)
    goal(self.apigatewayv2_backend, wanted["apiId"], wanted.get("stage", mapping.stage))
    mapping.api_id = wanted["apiId"]
    mapping.stage = wanted.get("stage", mapping.stage)
    mapping.api_mapping_key = wanted.get("apiMappingKey", mapping.api_mapping_key)
    return 200, {}, json.dumps(mapping.to_json())


# Records


def change_resource_record_sets(original, self):
    """All of it or nothing; what is removed has to be named in full; some records cannot stand beside others."""
    zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
    sets = list(zone.rrsets)
    for change in self._get_param("ChangeBatch.Changes"):
        action, wanted = change["Action"], record_set(change["ResourceRecordSet"], zone)
        there = next((known for known in sets if identity(known) == identity(wanted)), None)
        if action == "CREATE" and there is not None:
            refuse(f"Tried to create resource record set {identity(wanted)} but it already exists")
        if action != "DELETE" and wanted.health_check_id and wanted.health_check_id not in self.backend.health_checks:
            refuse(f"Health check {wanted.health_check_id} does not exist")
        if action == "DELETE" and (there is None or vars(there) != vars(wanted)):
            refuse(f"Tried to delete resource record set {identity(wanted)} but the values provided do not match the current values")
        sets = [known for known in sets if known is not there] + ([] if action == "DELETE" else [wanted])
    for known in sets:
        for other in sets:
            if known is not other and known.name == other.name:
                if known.type == "CNAME" and other.type != "CNAME":
                    refuse(f"RRSet of type CNAME with DNS name {known.name} is not permitted as it conflicts with other records")
                if known.type == other.type and bool(known.set_identifier) != bool(other.set_identifier):
                    refuse(f"RRSet with DNS name {known.name}, type {known.type} cannot be simple beside one with a set identifier")
    zone.rrsets = sets
    return ActionResult({"ChangeInfo": {"Id": "/change/C2682N5HXP0BZ4", "Status": "PENDING", "SubmittedAt": utcnow()}})


def record_set(wanted, zone):
    name = wanted["Name"].lower().rstrip(".") + "."
    if name != zone.name and not name.endswith("." + zone.name):
        refuse(f"RRSet with DNS name {name} is not permitted in zone {zone.name}")
    parts = dict(wanted, Name=name.replace("*", "\\052"))
    if "ResourceRecords" in parts:
        parts["ResourceRecords"] = [record["Value"] for record in parts["ResourceRecords"]]
    if "AliasTarget" in parts:
        target = parts["AliasTarget"]
        parts["AliasTarget"] = dict(target, DNSName=target["DNSName"].lower().rstrip(".") + ".")
    return models_dns.RecordSet(parts)


def identity(known):
    return known.name, known.type, known.set_identifier


def refuse(message):
    raise Route53ClientError("InvalidChangeBatch", message)


# Health checks

MOST_TAGS = 10


def create_health_check(original, self):
    """A reference stands for one check, and for none once that is deleted."""
    reference, config = self._get_param("CallerReference"), self._get_param("HealthCheckConfig")
    assert len(reference) <= 64, reference
    assert len(config.get("Regions") or [None] * 3) >= 3, "Route 53 asks from three regions at least"
    there = [check for check in self.backend.health_checks.values() if check.caller_reference == reference]
    used = self.backend.__dict__.setdefault("used_references", {})
    if reference in used and (not there or used[reference] != config):
        raise Route53ClientError("HealthCheckAlreadyExists", f"A health check with the caller reference {reference} has been created")
    if there:
        return ActionResult({"HealthCheck": there[0]})
    used[reference] = config
    return original(self)


def delete_health_check(original, self, health_check_id):
    """What records are to do without it, nobody knows: a tool that leaves one that depends on it is wrong."""
    if health_check_id not in self.health_checks:
        raise NoSuchHealthCheck(health_check_id)
    used = [there.name for zone in self.zones.values() for there in zone.rrsets if there.health_check_id == health_check_id]
    if used:
        raise Route53ClientError("HealthCheckInUse", f"{used} depend on {health_check_id}")
    original(self, health_check_id)


def change_tags_for_resource(original, self):
    assert len(self._get_param("AddTags", [])) <= MOST_TAGS
    return original(self)
