import base64, io, json, re, threading, zipfile

import boto3
import botocore
from botocore.config import Config

ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=60)


def client(service, config=ONCE, **options):
    return boto3.client(service, config=config, **options)


def archive(source="def handler(event, context):\n    return event\n"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr(zipfile.ZipInfo("app.py", (1980, 1, 1, 0, 0, 0)), source)
    return file.getvalue()


def role(name):
    return client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]


def function(name, source=None, **more):
    code = archive(source) if source else archive()
    return client("lambda").create_function(
        FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=role(name), Code={"ZipFile": code}, **more
    )


def failure(call):
    """What an SDK makes of a failed call."""
    try:
        return call()
    except botocore.exceptions.ClientError as error:
        print(error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"], "|", error.response["Error"]["Message"])
    except Exception as error:
        print(type(error).__name__)


def without_ids(text):
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "[ID]", text)
