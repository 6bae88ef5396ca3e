"""AWS for the simulation: the benchmark's moto, with API Gateway's quotas per account and region, each call delayed and recorded.

    python cloud.py INTERPRETER SECONDS REGION...

The regions are those that the account has enabled. Talks as `../aws/cloud.py` does, in other words: `reset` forgets all that there is, from `record` on what
moto answers is remembered, from `replay` on that is what a question gets that was asked before, without moto, and in the order in which it was answered then.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import time
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "aws"))

import cloud  # noqa: E402
import front  # noqa: E402
from moto.moto_api._internal import moto_api_backend  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402

# "Amazon API Gateway quotas", per account and region: one in so many seconds.
QUOTAS = {"apigateway:ImportRestApi": 3.0, "apigateway:CreateRestApi": 3.0, "apigateway:CreateDeployment": 5.0}
REGION = re.compile(r"Credential=[^/]+/[^/]+/([^/]+)/")


class Cloud:
    def __init__(self, delay: float, regions: list[str]) -> None:
        self.delay, self.regions = delay, regions
        self.record, self.names = cloud.Record(), cloud.Names()
        self.moto = DomainDispatcherApplication(create_backend_app)
        # When the next one of a kind may come, by region.
        self.free: dict[tuple[str, str], float] = {}
        self.remembered: dict[tuple[str, ...], list[front.Answer]] = defaultdict(list)
        self.left: dict[tuple[str, ...], deque[front.Answer]] = {}
        self.mode = "moto"

    async def answer(self, request: front.Request) -> front.Answer:
        environ = request.environ()
        name = self.names.of(environ, request.body)
        call = self.record.begin(name, len(request.body))
        await asyncio.sleep(self.delay)
        begun = time.perf_counter()
        found = REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
        region = found[1] if found else ""
        key = (region, name, request.method, request.target)
        refusal = self.refusal(region, name)
        if refusal:
            answer = refusal
        elif self.mode == "replay" and self.left.get(key):
            answer = self.left[key].popleft()
        elif name.startswith("account:"):
            answer = told(200, {"Regions": [{"RegionName": region, "RegionOptStatus": "ENABLED_BY_DEFAULT"} for region in self.regions]})
        else:
            # What depends on who comes first may not have been asked before.
            answer = front.ask(self.moto, environ)
            if self.mode == "record":
                self.remembered[key].append(answer)
        self.record.end(call, answer[0], time.perf_counter() - begun)
        return answer

    def refusal(self, region: str, name: str) -> front.Answer | None:
        seconds = QUOTAS.get(name)
        if seconds is None:
            return None
        now = time.monotonic()
        if now < self.free.get((region, name), 0.0):
            return told(429, {"message": "Too Many Requests"}, ("x-amzn-errortype", "TooManyRequestsException"))
        self.free[region, name] = now + seconds
        return None

    def do(self, word: str) -> list[dict[str, Any]]:
        calls = self.record.take()
        if word == "reset":
            moto_api_backend.reset()
            self.free.clear()
            self.remembered.clear()
            self.mode = "moto"
        elif word != "calls":
            self.free.clear()
            self.left = {key: deque(answers) for key, answers in self.remembered.items()}
            self.mode = word
        return calls


def told(status: int, body: dict[str, Any], *headers: tuple[str, str]) -> front.Answer:
    return status, [("Content-Type", "application/json"), *headers], json.dumps(body).encode()


async def main() -> None:
    interpreter, delay, *regions = sys.argv[1:]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    cloud.install(interpreter)
    there = Cloud(float(delay), regions)
    print(await front.serve(there.answer), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(there.do(line.strip())), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
