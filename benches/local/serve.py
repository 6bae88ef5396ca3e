"""Save to first answer: how long `zappa serve` takes to serve new code, beside the import of the app itself.

    cargo build --release && python3 benches/local/serve.py [--rounds N] [--project DIR] [--file FILE]

A round appends a comment to one file of a copy of the project, and asks for a page until the answer comes from a process that was not there before,
which the access log's order of events tells: the clock runs from before the save to the first answer after the new version serves. The import is
measured in the same round, by the same interpreter in a new process: from its start to after `import`, minus the start of an empty one.
"""

import argparse
import http.client
import json
import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(project: Path) -> Path:
    """A virtual environment under `target/` with what the project needs."""
    directory = ROOT / "target" / f"bench-serve-{project.name}"
    python = directory / "bin" / "python"
    stamp = directory / "complete"
    wanted = (project / "requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", project / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return python


class Serve:
    """The command, its events in a queue."""

    def __init__(self, binary: Path, project: Path, python: Path) -> None:
        command = [binary, "-C", project, "--python", python, "serve", "local", "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.events: queue.Queue = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def until(self, kind: str) -> dict:
        while True:
            event = self.events.get(timeout=120)
            if event["event"] == kind:
                return event
            if event["event"] in ("refused", "failed"):
                raise SystemExit(json.dumps(event, indent=2))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


def ask(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    if response.status >= 500:
        raise SystemExit(f"{path} answered {response.status}")
    connection.close()


def run(command: list, directory: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=directory, check=True, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--project", type=Path, default=ROOT / "examples" / "flask-shop")
    parser.add_argument("--file", default="shop/catalogue.py", help="what is saved")
    parser.add_argument("--statement", default="import shop", help="what counts as the app's own import")
    parser.add_argument("--path", default="/")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "zappa")
    options = parser.parse_args()
    python = environment(options.project)
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch, options.project.name)
        shutil.copytree(options.project, project, ignore=shutil.ignore_patterns(".zappa", "__pycache__", ".venv"))
        serve = Serve(options.binary, project, python)
        rows = []
        try:
            port = int(serve.until("serving")["url"].rstrip("/").rsplit(":", 1)[1])
            serve.until("version")
            for number in range(options.rounds):
                # The next tree is made in the background; nobody saves twice within this time.
                time.sleep(1)
                begun = time.perf_counter()
                with open(project / options.file, "a", encoding="utf-8") as file:
                    file.write(f"# {number}\n")
                version = serve.until("version")
                ask(port, options.path)
                answered = (time.perf_counter() - begun) * 1000
                empty = run([python, "-I", "-c", "pass"], project)
                imported = run([python, "-c", options.statement], project) - empty
                rows.append((answered, imported, version["init_ms"], version["took_ms"]))
        finally:
            serve.end()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, {options.project.name}, {options.rounds} rounds; milliseconds")
    print(f"{'':<36}{'median':>8}{'lower quartile':>16}{'goal':>8}")
    columns = list(zip(*rows))
    over = [answered - imported for answered, imported, *_ in rows]
    table = [
        ("save to first answer", columns[0], ""),
        ("  of it, init in the sandbox", columns[2], ""),
        ("  of it, noticed to serving", columns[3], ""),
        ("the app's own import", columns[1], ""),
        ("save to first answer, over the import", over, "<= 150"),
    ]
    for name, values, goal in table:
        quartile = statistics.quantiles(values, n=4)[0]
        print(f"{name:<36}{statistics.median(values):>8.0f}{quartile:>16.0f}{goal:>8}")


if __name__ == "__main__":
    main()
