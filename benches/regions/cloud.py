"""AWS for the simulation: the benchmark's moto, with API Gateway's quotas per account and region. As `../aws/cloud.py`, of which it is a thin layer.

    python cloud.py INTERPRETER SECONDS REGION...

The regions are those that the account has enabled.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "aws"))

import cloud  # noqa: E402

# "Amazon API Gateway quotas", per account and region: one in so many seconds.
QUOTAS = {"apigateway:ImportRestApi": 3.0, "apigateway:CreateRestApi": 3.0, "apigateway:CreateDeployment": 5.0}
REGIONS = sys.argv[3:]


class Limited(cloud.Delayed):
    """Refuses what comes too early, and says which regions there are."""

    def __init__(self, app: Any, delay: float) -> None:
        super().__init__(self.refuse, delay)
        self.moto = app
        self.lock = threading.Lock()
        self.free: dict[tuple[str, str], float] = {}

    def refuse(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] in ("/listRegions", "/list-regions"):
            regions = [{"RegionName": region, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for region in REGIONS]
            return answer(start_response, "200 OK", {"Regions": regions})
        body = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        name = self.names.of(environ, body)
        region = environ.get("HTTP_AUTHORIZATION", "").split("Credential=")[-1].split("/")[2:3]
        seconds = QUOTAS.get(name)
        if seconds and region:
            now = time.monotonic()
            with self.lock:
                is_early = now < self.free.get((region[0], name), 0.0)
                if not is_early:
                    self.free[region[0], name] = now + seconds
            if is_early:
                headers = ("x-amzn-errortype", "TooManyRequestsException")
                return answer(start_response, "429 Too Many Requests", {"message": "Too Many Requests"}, headers)
        return self.moto(environ, start_response)


def answer(start_response: Any, status: str, body: dict[str, Any], *headers: tuple[str, str]) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json"), *headers])
    return [json.dumps(body).encode()]


if __name__ == "__main__":
    cloud.Delayed = Limited
    cloud.main()
