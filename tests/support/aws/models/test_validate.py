"""Proves `validate.py` on requests as boto3 serialises them, and on the forms that only the Rust SDK uses."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import unittest
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from cases import BAD, GOOD, RAW, REGION
from catalogue import SERVICES, routes, service_model

SCRIPT = Path(__file__).with_name("validate.py")


class Sent(Exception):
    """Carries a request away before it is sent."""


def capture(request: AWSPreparedRequest, **_: Any) -> None:
    raise Sent(request)


@cache
def boto3_client(service: str) -> Any:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    client = boto3.Session("key", "secret", region_name=REGION).client(service, config=config)
    client.meta.events.register("before-send", capture)
    return client


def boto3_request(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The request that boto3 would send."""
    client = boto3_client(service)
    try:
        client._make_api_call(operation, parameters)
    except Sent as sent:
        request = sent.args[0]
    url = urlsplit(request.url)
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    headers = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()}
    return {
        "service": client.meta.service_model.signing_name,
        "operation": operation,
        "method": request.method,
        "path": url.path + (f"?{url.query}" if url.query else ""),
        "headers": headers,
        "body": base64.b64encode(body if isinstance(body, bytes) else body.encode()).decode(),
    }


def validate(requests: list[dict[str, Any]]) -> tuple[int, list[str]]:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(request) + "\n" for request in requests)
        file.flush()
        run = subprocess.run([sys.executable, SCRIPT, file.name], capture_output=True, text=True, check=False)
    assert not run.stderr, run.stderr
    return run.returncode, run.stdout.splitlines()


class Validation(unittest.TestCase):
    maxDiff = None

    def test_what_the_tool_sends_is_valid(self) -> None:
        status, lines = validate([boto3_request(*call) for call in GOOD])
        self.assertEqual((status, len(lines)), (0, 1), "\n".join(lines))
        self.assertTrue(lines[0].startswith(f"{len(GOOD)} requests are valid: 32 apigateway, "), lines[0])

    def test_every_constraint_refuses(self) -> None:
        self.refused(
            [(boto3_request(service, operation, parameters), expected) for service, operation, parameters, expected in BAD]
        )

    def test_wire_forms(self) -> None:
        self.refused(RAW)

    def refused(self, cases: list[tuple[dict[str, Any], str | None]]) -> None:
        _, lines = validate([request for request, _ in cases])
        for number, (request, expected) in enumerate(cases, 1):
            # The first request is `#1` wherever it stands in the table.
            own = [line.replace(f"#{number} ", "#1 ", 1) for line in lines if line.startswith(f"#{number} ")]
            with self.subTest(operation=request["operation"], path=request["path"], expected=expected):
                if expected is None:
                    self.assertEqual(own, [])
                else:
                    self.assertTrue(any(expected in line for line in own), own)

    def test_operations_can_be_told_apart(self) -> None:
        known = [
            (one.method, one.uri, one.query, one.headers)
            for model in map(service_model, SERVICES)
            if model.protocol.startswith("rest-")
            for one in routes(model)
        ]
        self.assertGreater(len(known), 400)
        # `ListDirectoryBuckets`: directory buckets have an endpoint of their own.
        self.assertEqual([one for one in known if known.count(one) > 1], [("GET", "/", (), ())] * 2)


if __name__ == "__main__":
    unittest.main()
