"""Measures what the emulator adds to a request, beside driving awslambdaric directly, in one run. See benches/README.md.

    cargo build --release && python3 benches/local/requests.py [--rounds N] [--zappa PATH]

Linux only. Everything it makes is under target/bench-local and gone at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "target" / "bench-local" / "shop"
SANDBOXES = 4
CLIENTS = 50
WORK = 0.010  # seconds that a request takes where many are sent
APP = """
import json, os, time

last = None

def app(environ, start_response):
    global last
    path = environ["PATH_INFO"]
    if path == "/last":
        body = json.dumps(last).encode()
    else:
        last = environ["lambda.event"]
        if path == "/work":
            time.sleep(%r)
        body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
""" % WORK
SETTINGS = f"[local]\ntarget = \"local\"\napp_function = \"app.app\"\nkeep_warm = false\nlambda_concurrency = {SANDBOXES}\n"
HEADERS = {
    **{"Host": "shop.example.org", "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br"},
    **{"Accept-Language": "en-GB,en;q=0.5", "Cache-Control": "no-cache", "Cookie": "session=abcdef0123456789; theme=dark"},
    **{"Referer": "https://shop.example.org/", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
    **{"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "DNT": "1", "Priority": "u=0"},
}


def request(path: str) -> bytes:
    return (f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items()) + "\r\n").encode()


class Connection:
    """HTTP/1.1 messages over one socket, with as little of our own time as Python allows."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.rest = b""

    def receive(self) -> tuple[bytes, bytes]:
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.more()
        head = data[:end]
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(data) < end + 4 + length:
            data += self.more()
        self.rest = data[end + 4 + length :]
        return head, data[end + 4 : end + 4 + length]

    def more(self) -> bytes:
        chunk = self.sock.recv(1 << 16)
        if not chunk:
            raise ConnectionError("the other side is gone")
        return chunk


class Direct:
    """`python -m awslambdaric` as the emulator starts it, driven by a Runtime API that does nothing else."""

    def __init__(self, sandbox: dict) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        environment = {**sandbox["environment"], "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % self.listener.getsockname()[1]}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            sandbox["arguments"], cwd=sandbox["directory"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.connection = Connection(self.listener.accept()[0])
        self.connection.receive()
        self.number = 0

    def __call__(self, event: bytes) -> float:
        """Seconds from the event to the answer; the client waits for the next one afterwards."""
        self.number += 1
        deadline = int(time.time() * 1000) + 30_000
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(event)}\r\nLambda-Runtime-Aws-Request-Id: {self.number}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline}\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:x:1:function:x\r\n"
            "Lambda-Runtime-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n\r\n"
        )
        begin = time.perf_counter()
        self.connection.sock.sendall(head.encode() + event)
        _, body = self.connection.receive()
        took = time.perf_counter() - begin
        assert b'"statusCode"' in body, body
        self.connection.sock.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self.connection.receive()
        return took

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.sock.close()
        self.listener.close()


class Emulator:
    def __init__(self, zappa: str) -> None:
        self.zappa = zappa
        shutil.rmtree(PROJECT, ignore_errors=True)
        PROJECT.mkdir(parents=True)
        for name, text in {"app.py": APP, "zappa_settings.toml": SETTINGS, "requirements.txt": ""}.items():
            (PROJECT / name).write_text(text)
        environment = {**os.environ, "ZAPPA_CACHE_DIR": str(ROOT / "target" / "bench-local" / "cache")}
        self.run = lambda *args: subprocess.run([zappa, *args], cwd=PROJECT, env=environment, check=True, capture_output=True).stdout
        report = json.loads(self.run("deploy", "local", "--json", "--python", sys.executable))
        self.port = int(report["url"].rstrip("/").rsplit(":", 1)[1])
        self.pid = json.loads((PROJECT / ".zappa" / "emulator.json").read_text())["pid"]
        self.connection = Connection(socket.create_connection(("127.0.0.1", self.port)))

    def __call__(self, path: str = "/") -> float:
        data = request(path)
        begin = time.perf_counter()
        self.connection.sock.sendall(data)
        head, self.body = self.connection.receive()
        took = time.perf_counter() - begin
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        return took

    def sandbox(self) -> dict:
        """How the emulator has started the process that served the last request."""
        pid = self.body.decode()
        read = lambda name: Path("/proc", pid, name).read_bytes().rstrip(b"\0").split(b"\0")  # noqa: E731
        return {
            "arguments": [part.decode() for part in read("cmdline")],
            "environment": dict(part.decode().split("=", 1) for part in read("environ")),
            "directory": os.readlink(f"/proc/{pid}/cwd"),
        }

    def kill_sandbox(self) -> None:
        pid = int(self.body)
        os.kill(pid, signal.SIGKILL)
        while Path("/proc", str(pid)).exists():
            time.sleep(0.001)

    def memory(self) -> float:
        line = next(line for line in Path("/proc", str(self.pid), "status").read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def measure_direct_throughput(sandbox: dict, event: bytes, seconds: float) -> float:
    contenders = [Direct(sandbox) for _ in range(SANDBOXES)]
    served = [0] * SANDBOXES
    for one in contenders:
        one(event)
    stop = time.perf_counter() + seconds

    def drive(number: int) -> None:
        while time.perf_counter() < stop:
            contenders[number](event)
            served[number] += 1

    begin = time.perf_counter()
    threads = [threading.Thread(target=drive, args=(number,)) for number in range(SANDBOXES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    for one in contenders:
        one.stop()
    return sum(served) / took


async def measure_clients(port: int, path: str, seconds: float) -> float:
    """As in Lambda there is no queue: a client that is throttled (500 at a REST API) tries again after a moment."""
    served = 0
    stop = time.perf_counter() + seconds
    data = request(path)

    async def client() -> None:
        nonlocal served
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < stop:
            writer.write(data)
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            await reader.readexactly(int(head[at + 15 :].split(b"\r\n", 1)[0]))
            if head[9:12] == b"200":
                served += 1
            else:
                await asyncio.sleep(2 * WORK)
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return served / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--zappa", type=lambda path: str(Path(path).resolve()), default=str(ROOT / "target" / "release" / "zappa"))
    arguments = parser.parse_args()
    emulator = Emulator(arguments.zappa)
    try:
        emulator()
        sandbox = emulator.sandbox()  # alone, so it serves all of the following
        emulator("/last")
        event = emulator.body
        emulator("/work")
        emulator("/last")
        worked = emulator.body
        direct = Direct(sandbox)
        warm: tuple[list[float], list[float]] = ([], [])
        for _ in range(100):
            direct(event), emulator()
        for _ in range(arguments.rounds * 100):
            warm[0].append(direct(event))
            warm[1].append(emulator())
        direct.stop()
        cold: tuple[list[float], list[float]] = ([], [])
        for _ in range(arguments.rounds):
            one = Direct(sandbox)
            one(event)
            cold[0].append(time.perf_counter() - one.started)
            one.stop()
            emulator.kill_sandbox()
            cold[1].append(emulator())
        before = emulator.memory()
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(3):
            rates[0].append(measure_direct_throughput(sandbox, worked, 4))
            rates[1].append(asyncio.run(measure_clients(emulator.port, "/work", 4)))
        after = emulator.memory()
    finally:
        emulator.run("undeploy", "local", "--yes", "--remove-logs")
        shutil.rmtree(PROJECT)
    version = "%d.%d.%d" % sys.version_info[:3]
    print(f"Python {version}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {arguments.rounds} rounds, in turn\n")
    print(f"{'':44}{'direct':>9}{'emulator':>10}{'':4}goal")
    milliseconds = [statistics.median(times) * 1e3 for times in warm]
    print(f"{'warm request, median, ms':44}{milliseconds[0]:9.3f}{milliseconds[1]:10.3f}    {milliseconds[1] - milliseconds[0]:+.3f} (<= 0.4)")
    quartile = [statistics.quantiles(times, n=4)[0] * 1e3 for times in warm]
    print(f"{'warm request, lower quartile, ms':44}{quartile[0]:9.3f}{quartile[1]:10.3f}    {quartile[1] - quartile[0]:+.3f}")
    quartile = [statistics.quantiles(times, n=4)[0] * 1e3 for times in cold]
    print(f"{'start to first answer, lower quartile, ms':44}{quartile[0]:9.1f}{quartile[1]:10.1f}    {quartile[1] - quartile[0]:+.1f} (<= 60)")
    rate = [statistics.median(values) for values in rates]
    print(f"{f'{CLIENTS} clients, {SANDBOXES} sandboxes, requests a second':44}{rate[0]:9.0f}{rate[1]:10.0f}    {rate[1] / rate[0]:.0%} (>= 90 %)")
    print(f"{'resident memory of the emulator, MB':44}{'':9}{after:10.1f}    (<= 40; {before:.1f} before the 50 clients)")


if __name__ == "__main__":
    main()
