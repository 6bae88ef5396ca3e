"""Measures deployments beside Python zappa 0.63, against moto with a delay added to every call. See benches/README.md.

    cargo build --release && python3 benches/aws/run.py [--rounds N] [--delay MS] [--calls]

Needs the package index for the first run only; everything it makes is under target/bench-aws. Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contenders import HERE, ROOT, Contender, contenders, prepare, python_of

# One more way of ours, held against the same of theirs.
STARTED = "  the same, check run by the app"
# What is measured, what it is called, and the goal: ours over theirs.
ROWS = [
    ("deploy", "first deploy, REST, role absent", 0.15),
    ("update", "update, one line of the app", 0.08),
    ("update", STARTED, None),
    ("unchanged", "update, nothing changed", None),
    ("rollback", "rollback", None),
    ("undeploy", "undeploy", None),
]


@dataclass
class Run:
    seconds: float
    processor: float
    calls: list[dict[str, Any]]

    @property
    def beside_uploads(self) -> int:
        return sum(not call["upload"] for call in self.calls)

    @property
    def chain(self) -> int:
        return max((call["depth"] for call in self.calls), default=0)

    @property
    def work(self) -> float:
        """Seconds that moto worked; of overlapping calls each counts."""
        return sum(float(call["work_ms"]) for call in self.calls) / 1000


class Cloud:
    """moto, and what it has been asked."""

    def __init__(self, delay: float) -> None:
        command = [str(python_of("moto")), str(HERE / "cloud.py"), str(python_of("app")), str(delay)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin and self.process.stdout
        self.requests, self.answers = self.process.stdin, self.process.stdout
        self.endpoint = f"http://127.0.0.1:{int(self.answers.readline())}"

    def ask(self, question: str) -> list[dict[str, Any]]:
        self.requests.write(question + "\n")
        self.requests.flush()
        calls: list[dict[str, Any]] = json.loads(self.answers.readline())
        return calls

    def measure(self, contender: Contender, command: str) -> Run:
        self.ask("calls")
        return Run(*contender.run(command), self.ask("calls"))

    def end(self) -> None:
        self.requests.close()
        self.process.wait()


Results = dict[tuple[str, str], list[Run]]


def life(cloud: Cloud, tools: list[Contender], results: Results) -> None:
    """Each step by one tool and then by the other."""
    ours = tools[-1]
    cloud.ask("reset")
    for command in dict.fromkeys(command for command, *_ in ROWS):
        for tool in tools:
            if command == "update":
                tool.edit()
            run = cloud.measure(tool, command)
            results[tool.name, command].append(run)
            print(f"  {tool.name:<8}{command:<10}{run.seconds:>8.2f} s{len(run.calls):>4} calls", file=sys.stderr)
        if command == "update":
            cloud.ask("run")
            ours.edit()
            results[ours.name, STARTED].append(cloud.measure(ours, "update"))
            cloud.ask("answer")


def median(runs: list[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def processor(runs: list[Run]) -> float:
    return statistics.median(run.processor for run in runs)


def table(results: Results, rounds: int, delay: float) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    machine = f"Python {version}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, {delay:.0f} ms added to every call, {rounds} rounds in turn; medians of seconds")
    print("In brackets: seconds of a processor, calls beside uploads, longest chain of calls that waited for each other.\n")
    print(f"{'':<34}{'zappa 0.63':>24}{'ours':>24}{'ratio':>9}    goal")
    for command, title, goal in ROWS:
        theirs, ours = results["theirs", command], results.get(("ours", title)) or results["ours", command]
        ratio = f"{median(ours) / median(theirs):.1%}"
        wanted = f"<= {goal:.0%}" if goal else ""
        print(f"{title:<34}{cell(theirs):>24}{cell(ours):>24}{ratio:>9}    {wanted}".rstrip())


def cell(runs: list[Run]) -> str:
    last = runs[-1]
    return f"{median(runs):6.2f} ({processor(runs):5.2f}, {last.beside_uploads:>2}, {last.chain:>2})"


def groups(run: Run) -> str:
    """A line for each depth."""
    found: dict[int, list[str]] = defaultdict(list)
    for call in run.calls:
        upload = f" (upload, {call['size']} bytes)" if call["upload"] else ""
        found[call["depth"]].append(f"{call['name']}{upload} {call['status']} {call['work_ms']:.0f} ms")
    return "\n".join(f"  {depth:>3} {'  '.join(names)}" for depth, names in sorted(found.items()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--delay", type=float, default=80, help="milliseconds added to every call")
    parser.add_argument("--calls", action="store_true", help="list the calls of the last round")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "zappa")
    options = parser.parse_args()
    prepare()
    cloud = Cloud(options.delay / 1000)
    results: Results = defaultdict(list)
    try:
        tools = contenders(options.binary.resolve(), cloud.endpoint)
        for tool in tools:
            tool.set_up()
        # The first round fills caches and compiles byte code, moto's as well; it does not count.
        for number in range(options.rounds + 1):
            print(f"round {number}" if number else "warming up", file=sys.stderr)
            life(cloud, tools, results)
            if not number:
                results.clear()
    finally:
        cloud.end()
    if options.calls:
        for (name, command), runs in results.items():
            print(f"{name} {command}: moto worked for {runs[-1].work:.2f} s\n{groups(runs[-1])}\n")
    table(results, options.rounds, options.delay)


if __name__ == "__main__":
    main()
