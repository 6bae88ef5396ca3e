"""Measures the shim beside apig-wsgi, serverless-wsgi and zappa 0.63, in one run. See benches/README.md.

    python3 benches/shim/run.py [--rounds N]

Needs the package index for the first run only; everything it makes is under target/bench-shim.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EVENTS = ROOT / "tests" / "fixtures" / "events"
TARGET = ROOT / "target" / "bench-shim"
COMMON = ["flask==3.1.3", "awslambdaric==4.2.2"]
# Two environments, because ours and theirs are both called `zappa`.
ENVIRONMENTS = {"peers": [*COMMON, "apig-wsgi==2.20.0", "serverless-wsgi==3.1.0"], "zappa063": [*COMMON, "zappa==0.63.0"]}
CONTENDERS = {"ours": "peers", "apig-wsgi": "peers", "serverless-wsgi": "peers", "zappa 0.63": "zappa063"}
CONFIG = {
    **{"format": 1, "app": "app:app", "django_settings": None, "project": "shop", "stage": "dev", "debug": False},
    **{"log_level": "WARNING", "base_path": None, "domain": None, "binary_support": True, "additional_text_mimetypes": []},
    **{"context_header_mappings": {}, "exception_handler": None, "authorizer_function": None, "schedules": {}, "allow_raw_invoke": False},
}
GET = EVENTS / "rest-get-thirteen-headers.json"


def python_of(contender: str) -> str:
    return str(TARGET / CONTENDERS.get(contender, "peers") / "bin" / "python")


def prepare() -> None:
    """Virtual environments, and the bundle with byte code as a deployment has it."""
    for name, packages in ENVIRONMENTS.items():
        stamp = TARGET / name / "installed"
        if not stamp.exists() or stamp.read_text() != repr(packages):
            print(f"installing {', '.join(packages)}", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", "--clear", TARGET / name], check=True)
            subprocess.run([TARGET / name / "bin" / "pip", "install", "-q", *packages], check=True)
            stamp.write_text(repr(packages))
    for name in ("bundle", "bundle063"):
        shutil.rmtree(TARGET / name, ignore_errors=True)
        shutil.copytree(HERE, TARGET / name, ignore=shutil.ignore_patterns("run.py", "__pycache__"))
    shutil.copytree(ROOT / "shim" / "zappa", TARGET / "bundle" / "zappa", ignore=shutil.ignore_patterns("__pycache__"))
    (TARGET / "bundle" / "zappa" / "config.json").write_text(json.dumps(CONFIG))
    for name in ("bundle", "bundle063"):
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", TARGET / name]
        subprocess.run(command, check=True)


def start(contender: str, arguments: list[str], **variables: str) -> subprocess.Popen[str]:
    bundle = "bundle063" if contender == "zappa 0.63" else "bundle"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TARGET / bundle), "LANG": "C.UTF-8", **variables}
    command = [python_of(contender), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=TARGET / bundle, stdin=pipe, stdout=pipe, text=True)


def measure_import(rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {contender: [] for contender in CONTENDERS}
    for _ in range(rounds):
        for contender, found in times.items():
            found.append(float(start(contender, ["worker.py", "import", contender]).communicate()[0]))
    return {contender: statistics.median(found) for contender, found in times.items()}


def measure_calls(what: str, event: Path, rounds: int, contenders: list[str]) -> dict[str, list[tuple[float, float]]]:
    """Pairs of (without, with), the contenders' processes taking turns."""
    pairs: dict[str, list[tuple[float, float]]] = {contender: [] for contender in contenders}
    workers = {contender: start(contender, ["worker.py", what, contender, str(event)]) for contender in contenders}
    try:
        for _ in range(rounds):
            for contender, worker in workers.items():
                assert worker.stdin and worker.stdout
                worker.stdin.write("\n")
                worker.stdin.flush()
                without, through = worker.stdout.readline().split()
                pairs[contender].append((float(without), float(through)))
    finally:
        for worker in workers.values():
            worker.communicate()
    return pairs


class RuntimeApi:
    """Just enough of Lambda's Runtime API: hands out one event, and notes when the answer to it came."""

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.answered = threading.Event()
        self.body = b""
        self.time = 0.0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk_to, args=[connection], daemon=True).start()

    def talk_to(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:  # the process is killed when it has answered
            self.talk(connection)

    def talk(self, connection: socket.socket) -> None:
        file = connection.makefile("rb")
        while True:
            request = file.readline()
            if not request:
                return
            headers = {}
            while (line := file.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                headers[name.strip().lower()] = value.strip()
            body = file.read(int(headers.get(b"content-length", 0)))
            if b"/invocation/next" in request:
                if self.body:
                    return  # the second event never comes
                head = (
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 1\r\n"
                    "Lambda-Runtime-Deadline-Ms: 9999999999999\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n"
                    f"Content-Length: {len(self.event)}\r\n\r\n"
                )
                connection.sendall(head.encode() + self.event)
            else:
                self.time = time.perf_counter()
                self.body = request + body
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                self.answered.set()


def first_answer(contender: str, event: bytes) -> float:
    """Milliseconds from the start of the process to the answer."""
    api = RuntimeApi(event)
    variables = {"AWS_LAMBDA_RUNTIME_API": api.address, "CONTENDER": contender, "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"}
    handler = "zappa.handler.lambda_handler" if contender == "ours" else "handlers.handler"
    began = time.perf_counter()
    process = start(contender, ["-m", "awslambdaric", handler], **variables)
    answered = api.answered.wait(60)
    process.kill()
    with contextlib.suppress(OSError):
        api.listener.shutdown(socket.SHUT_RDWR)
    api.listener.close()
    output = process.communicate()[0]
    if not answered or b"/response " not in api.body or b'"statusCode": 200' not in api.body:
        raise SystemExit(f"{contender} did not answer: {api.body!r}\n{output}")
    return (api.time - began) * 1e3


def measure_start(rounds: int) -> dict[str, list[float]]:
    event = json.dumps(json.loads(GET.read_text(encoding="utf-8"))["event"]).encode()
    times: dict[str, list[float]] = {contender: [] for contender in ("bare", *CONTENDERS)}
    for contender in times:
        first_answer(contender, event)  # warms the file cache
    for _ in range(rounds):
        for contender, found in times.items():
            found.append(first_answer(contender, event))
    return times


def quartile(values: list[float]) -> float:
    """The lower one: of a whole process, whatever else the machine does makes half of the rounds slower."""
    return statistics.quantiles(values, n=4)[0]


def row(label: str, unit: str, goal: str, values: dict[str, float], base: float | None = None) -> None:
    """The ratio behind each value is to ours, or to what is measured without a shim."""
    cells = []
    for name in CONTENDERS:
        ratio = values[name] / values["ours"] if base is None else (values[name] + base) / base
        cells.append(f"{values[name]:8.2f} ({ratio:5.2f}x)")
    print(f"{label:34} {unit:8} {goal:8}", *cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25, help="rounds of each measurement (default: 25)")
    rounds = parser.parse_args().rounds
    prepare()
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, {rounds} rounds, contenders taking turns; medians, of whole processes lower quartiles\n"
    )
    print("In brackets: relative to ours; for the start, relative to the app without a shim.\n")
    print(f"{'':34} {'unit':8} {'goal':8}", *(f"{name:>17}" for name in CONTENDERS))
    row("import, after the app's own", "ms", "<= 2", measure_import(rounds))
    for name, shape in (("rest", "REST"), ("http", "payload 2.0")):
        event = EVENTS / f"{name}-get-thirteen-headers.json"
        pairs = measure_calls("request", event, rounds * 4, list(CONTENDERS))
        added = {who: statistics.median(through - without for without, through in found) for who, found in pairs.items()}
        row(f"Flask JSON, {shape}, added", "us", "<= 12", added)
        without = statistics.median(without for found in pairs.values() for without, _ in found)
        print(f"{'  the app called directly':34} {'us':8} {'':8} {without:8.2f}")
    pairs = measure_calls("binary", GET, rounds, list(CONTENDERS))
    ratios = {who: statistics.median(through / without for without, through in found) for who, found in pairs.items()}
    row("1 MB of bytes, over base64 alone", "ratio", "<= 1.1", ratios)
    times = measure_start(rounds * 2)
    bare = times.pop("bare")
    added = {who: quartile(found) - quartile(bare) for who, found in times.items()}
    row("start to first answer, added", "ms", "<= 3", added, quartile(bare))
    print(f"{'  the app without a shim':34} {'ms':8} {'':8} {quartile(bare):8.2f}")


if __name__ == "__main__":
    main()
