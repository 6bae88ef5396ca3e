"""Deploys to one region and to 35, against moto with API Gateway's quotas and a delay on every call. See benches/README.md.

    cargo build --release && python3 benches/regions/run.py [--delay MS] [--regions N] [--stages N] [--runs N] [--zappa PATH] [--moto PYTHON]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REGIONS = (
    "eu-west-1 af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 "
    "ap-southeast-4 ap-southeast-5 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-2 eu-west-3 "
    "il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
).split()
# The partition has some that this version of moto does not know; what they are called makes no difference.
APP = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'ok']\n"
# Bytes that cannot be compressed, so that the archive is sent once and copied.
NOISE = 512 << 10
# All regions, over one.
GOAL = 1.6


class Cloud:
    def __init__(self, python: str, delay: float, regions: list[str]) -> None:
        command = [python, str(HERE / "cloud.py"), sys.executable, str(delay), *regions]
        environment = os.environ | {"MOTO_ALLOW_NONEXISTENT_REGION": "true"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdin and self.process.stdout
        self.ask, self.told = self.process.stdin, self.process.stdout
        self.port = int(self.told.readline())

    def say(self, word: str) -> list[dict[str, Any]]:
        print(word, file=self.ask, flush=True)
        return json.loads(self.told.readline())


def project(directory: Path, name: str) -> Path:
    root = directory / name
    root.mkdir()
    (root / "app.py").write_text(APP)
    (root / "requirements.txt").write_text("")
    (root / "data.bin").write_bytes(random.Random(name).randbytes(NOISE))
    (root / "zappa_settings.toml").write_text(f'[prod]\nproject_name = "{name}"\napp_function = "app.app"\naws_region = "eu-west-1"\n')
    return root


def run(zappa: Path, root: Path, port: int, *args: str) -> float:
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "ZAPPA_CACHE_DIR": str(root.parent / "cache")}
    environment |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true"}
    environment |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    begun = time.perf_counter()
    done = subprocess.run([str(zappa), "-C", str(root), *args], env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return seconds


def first(zappa: Path, root: Path, cloud: Cloud, runs: int, *regions: str) -> tuple[list[Any], list[Any]]:
    """The best first deployment against moto, and the best against what moto has answered: seconds and calls of each."""
    measured, remembered = [], []
    for _ in range(runs):
        cloud.say("reset")
        for word, results in ("record", measured), ("replay", remembered):
            cloud.say(word)
            results.append([run(zappa, root, cloud.port, "deploy", "prod", *regions), cloud.say("calls")])
    return min(measured, key=seconds_of), min(remembered, key=seconds_of)


def seconds_of(result: list[Any]) -> float:
    return result[0]


def show(label: str, seconds: float, calls: list[dict[str, Any]]) -> None:
    refused = sum(call["status"] == 429 for call in calls)
    sent = sum(call["size"] for call in calls) / NOISE
    work = sum(call["work_ms"] for call in calls) / 1000
    print(f"{label:34} {seconds:8.1f} {len(calls):7} {refused:6} {sent:8.2f} {work:10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay", type=float, default=80, help="milliseconds added to every call")
    parser.add_argument("--regions", type=int, default=35)
    parser.add_argument("--stages", type=int, default=3, help="deployed at the same time, which takes them to the quotas")
    parser.add_argument("--runs", type=int, default=3, help="of the first deployments, of which the best counts")
    parser.add_argument("--zappa", type=Path, default=ROOT / "target" / "release" / "zappa")
    parser.add_argument("--moto", default=str(ROOT / "target" / "bench-aws" / "moto" / "bin" / "python"), help="a Python that has moto")
    args = parser.parse_args()
    regions = REGIONS[: args.regions]
    regions += [f"us-east-{3 + number}" for number in range(args.regions - len(regions))]
    print(f"{args.delay:.0f} ms on every call, {len(regions)} regions, quotas: one import in 3 s, one deployment in 5 s\n")
    print(f"{'':34} {'seconds':>8} {'calls':>7} {'429':>6} {'bundles':>8} {'moto, s':>10}")
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        cloud = Cloud(args.moto, args.delay / 1000, regions)
        roots = [project(directory, f"bench{number}") for number in range(args.stages)]
        # Byte code and compressed members are made once; that is not what is measured.
        for root in roots:
            run(args.zappa, root, cloud.port, "package", "--list")
        # What a service does once belongs to no region.
        run(args.zappa, roots[0], cloud.port, "deploy", "prod")
        one, one_remembered = first(args.zappa, roots[0], cloud, args.runs)
        every, every_remembered = first(args.zappa, roots[0], cloud, args.runs, "--all-regions")
        show("first deploy, one region", *one)
        show("first deploy, all regions", *every)
        show("one region, answers remembered", *one_remembered)
        show("all regions, answers remembered", *every_remembered)
        cloud.say("reset")
        run(args.zappa, roots[0], cloud.port, "deploy", "prod", "--all-regions")
        cloud.say("calls")
        show("again, nothing to do", run(args.zappa, roots[0], cloud.port, "deploy", "prod", "--all-regions"), cloud.say("calls"))
        show("rollback, all regions", *back(args.zappa, roots[0], cloud))
        cloud.say("reset")
        begun = time.perf_counter()
        with ThreadPoolExecutor(len(roots)) as pool:
            list(pool.map(lambda root: run(args.zappa, root, cloud.port, "deploy", "prod", "--all-regions"), roots))
        show(f"{len(roots)} stages at once, all regions", time.perf_counter() - begun, cloud.say("calls"))
        cloud.ask.close()
        cloud.process.wait()
    for label, slow, quick in ("against moto", every, one), ("answers remembered", every_remembered, one_remembered):
        ratio = slow[0] / quick[0]
        print(f"{label}: all regions take {ratio:.2f} x one region (<= {GOAL}){'' if ratio <= GOAL else '  MISSED'}")


def back(zappa: Path, root: Path, cloud: Cloud) -> tuple[float, list[dict[str, Any]]]:
    (root / "app.py").write_text(APP.replace("ok", "new"))
    run(zappa, root, cloud.port, "deploy", "prod", "--all-regions")
    cloud.say("calls")
    return run(zappa, root, cloud.port, "rollback", "prod", "--all-regions"), cloud.say("calls")


if __name__ == "__main__":
    main()
