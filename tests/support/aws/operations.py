"""How requests are named, from botocore's own models: by URI template where a service is REST, by action or target where it is not."""

import botocore.session

SERVICES = [
    "account", "acm", "apigateway", "apigatewayv2", "dynamodb", "ec2", "events", "iam", "kms", "lambda", "logs", "resourcegroupstaggingapi",
    "route53", "s3", "scheduler", "secretsmanager", "sns", "sqs", "ssm", "sts",
]  # fmt: skip


def services():
    session = botocore.session.get_session()
    return {name: describe(session.get_service_model(name)) for name in SERVICES}


def describe(model):
    rest = model.protocol.startswith("rest-")
    operations = [operation(model.operation_model(name)) for name in model.operation_names] if rest else []
    # Deprecated operations share their URI with what replaced them.
    return {"protocol": model.protocol, "operations": [found for found in operations if found]}


def operation(model):
    if model.deprecated:
        return None
    path, _, query = model.http["requestUri"].partition("?")
    required = {"querystring": [part for part in query.split("&") if part], "header": []}
    shape = model.input_shape
    for member in shape.required_members if shape else []:
        place = shape.members[member].serialization
        if place.get("location") in required:
            required[place["location"]].append(place["name"].lower() if place["location"] == "header" else place["name"])
    return {"name": model.name, "method": model.http["method"], "path": path, "query": required["querystring"], "headers": required["header"]}
