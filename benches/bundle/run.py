"""Measures bundling beside Python zappa 0.63 and uv, against the least that it can take. See benches/README.md.

    python3 benches/bundle/run.py [--rounds N] [--only PROJECT]... [--json]

Builds the release binary if it is not there. Needs the package index for the first run only; everything it makes is under target/bench-bundle. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from contenders import TOOLBOX, Contender, Ours, Peer, Run, Uv, install_tools
from projects import HERE, ROOT, Project, projects

BINARY = ROOT / "target" / "release" / "zappa"
PYTHONS = ("python3.13", "python3.12", "python3")
STEPS = {
    "cold": "this tool, nothing cached",
    "unchanged": "  nothing changed",
    "edited": "  one line changed",
    "upgraded": "  one dependency upgraded",
}
PARTS = ("reading", "deflating", "compiling")
MILLISECONDS = {"unchanged": 100, "edited": 150}  # on the Django project
UPLOAD = 64 * 1024
MEMORY = 300  # MB
OF_FLOOR, OF_PEER, OF_IMPORT = 1.3, 0.1, 0.4


@dataclass
class Results:
    """Of one project, round by round."""

    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    floors: list[dict[str, float]] = field(default_factory=list)
    uploads: list[dict[str, int]] = field(default_factory=list)
    imports: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def wall(self, step: str) -> float:
        return statistics.median(run.wall for run in self.runs[step])

    def floor(self, part: str) -> float:
        return statistics.median(floor[part] for floor in self.floors)

    def whole_floor(self) -> float:
        return statistics.median(sum(floor[part] for part in PARTS) for floor in self.floors)

    def uploaded(self) -> dict[str, int]:
        return self.uploads[-1]

    def imported(self, tool: str) -> float:
        return statistics.median(self.imports[tool])


def interpreter() -> Path:
    """The newest Python that is here and that both 0.63 and Lambda know."""
    for name in PYTHONS:
        found = subprocess.run(["/usr/bin/env", name, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        if found.returncode == 0:
            return Path(found.stdout.strip())
    return Path(sys.executable)


def measure(project: Project, peers: list[Contender], ours: Ours, results: Results) -> None:
    """One round: each contender once, ours in each state that a cache can be in, and the floor."""
    for peer in peers:
        results.runs[peer.tool].append(peer.run(project))
    ours.forget()
    results.runs["cold"].append(ours.run(project))
    before = ours.run(project)
    results.runs["unchanged"].append(before)
    changed = project.edit()
    after = ours.run(project)
    results.runs["edited"].append(after)
    results.uploads.append({"bytes": after.uploaded_after(before), "changed": changed})
    project.upgrade()
    results.runs["upgraded"].append(ours.run(project))
    results.floors.append(measure_floor(project))
    line = "  ".join(f"{name} {runs[-1].wall:.2f}" for name, runs in results.runs.items())
    print(f"  {project.name}: {line}  floor {sum(results.floors[-1][part] for part in PARTS):.2f}", file=sys.stderr)


def measure_floor(project: Project) -> dict[str, float]:
    command = [TOOLBOX / "bin" / "python", HERE / "floor.py", project.directory / "floor" / "files", project.directory / "floor" / "sources"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(zip((*PARTS, "processor"), map(float, done.stdout.split()), strict=True))


def unpack(run: Run, directory: Path) -> list[Path]:
    """As Lambda does it: with the dates of the archive. Gives the directories that are imported from."""
    shutil.rmtree(directory, ignore_errors=True)
    found = []
    for name, path in run.archives.items():
        place = directory / name
        with zipfile.ZipFile(path) as archive:
            archive.extractall(place)
            for member in archive.infolist():
                date = time.mktime((*member.date_time, 0, 0, -1))
                os.utime(place / member.filename, (date, date))
        layer = place / "python"
        found.append(layer if name == "dependencies" and layer.is_dir() else place)
    return found


def set_up_floor(project: Project, run: Run) -> None:
    directory = project.directory / "floor"
    unpack(run, directory / "files")
    shutil.rmtree(directory / "sources", ignore_errors=True)
    for path in (directory / "files").rglob("*.py"):
        copy = directory / "sources" / path.relative_to(directory / "files")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def measure_imports(project: Project, results: Results, rounds: int) -> None:
    last = {tool: results.runs[tool][-1] for tool in ("upgraded", "peer", "uv")}
    places = {tool: unpack(run, project.directory / "unpacked" / tool) for tool, run in last.items()}
    for _ in range(rounds + 1):  # the first fills the file cache
        for tool, directories in places.items():
            command = [TOOLBOX / "bin" / "python", HERE / "cold.py", project.statement, *directories]
            variables = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
            done = subprocess.run(command, env=variables, cwd=directories[0], stdout=subprocess.PIPE, text=True, check=True)
            results.imports[tool].append(float(done.stdout))
    for times in results.imports.values():
        del times[0]


def mark(good: bool) -> str:
    return "" if good else "  MISSED"


def cell(run: Run) -> str:
    return " + ".join(f"{size / 1e6:.2f}" for size in run.sizes.values())


def row(title: str, runs: list[Run], results: Results, goal: str = "") -> None:
    wall = statistics.median(run.wall for run in runs)
    processor = statistics.median(run.processor for run in runs)
    memory = max(run.memory for run in runs) / 1e6
    files = " + ".join(str(count) for count in runs[-1].files.values())
    ratio = f"{wall / results.wall('peer'):.1%}"
    print(f"{title:<28}{wall:>9.3f}{processor:>9.3f}{memory:>8.0f}{ratio:>9}{cell(runs[-1]):>15}{files:>13}   {goal}".rstrip())


def table(project: Project, results: Results, peers: list[Contender]) -> None:
    cold = results.runs["cold"]
    print(f"\n{project.title}: {cold[-1].unpacked / 1e6:.0f} MB unpacked\n")
    print(f"{'':<28}{'wall, s':>9}{'CPU, s':>9}{'MB':>8}{'of 0.63':>9}{'archives, MB':>15}{'files':>13}   goal")
    for peer in peers:
        row(peer.name, results.runs[peer.tool], results)
    floor = results.whole_floor()
    for step, title in STEPS.items():
        wall = results.wall(step)
        if step == "cold":
            goal = f"{wall / floor:.2f} x the floor (<= {OF_FLOOR})" + mark(wall <= OF_FLOOR * floor)
            goal += f", <= {MEMORY} MB" + mark(max(run.memory for run in cold) <= MEMORY * 1e6)
        else:
            goal = f"<= {OF_PEER:.0%} of 0.63" + mark(wall <= OF_PEER * results.wall("peer"))
            if step in MILLISECONDS and project.name == "django":
                goal += f", <= {MILLISECONDS[step]} ms" + mark(wall * 1000 <= MILLISECONDS[step])
        row(title, results.runs[step], results, goal)
    parts = ", ".join(f"{part} {results.floor(part):.3f}" for part in PARTS)
    print(f"{'the floor':<28}{floor:>9.3f}{results.floor('processor'):>9.3f}   {parts}")
    upload = results.uploaded()
    allowed = UPLOAD + upload["changed"]
    print(f"to upload for the one line: {upload['bytes']} bytes (<= {allowed}){mark(upload['bytes'] <= allowed)}")
    ours, peer, uv = (results.imported(tool) for tool in ("upgraded", "peer", "uv"))
    goal = f" (<= {OF_IMPORT:.0%}){mark(ours <= OF_IMPORT * peer)}" if project.name == "django" else ""
    print(f"cold import: {ours:.0f} ms, as 0.63 lays it out {peer:.0f} ms, as uv and zip do {uv:.0f} ms: {ours / peer:.0%} of 0.63{goal}")


def as_json(results: Results) -> dict[str, object]:
    def plain(run: Run) -> dict[str, object]:
        measured = {"wall": run.wall, "processor": run.processor, "memory": run.memory}
        return {**measured, "sizes": run.sizes, "files": run.files, "unpacked": run.unpacked}

    runs = {step: [plain(run) for run in found] for step, found in results.runs.items()}
    return {"runs": runs, "floors": results.floors, "uploads": results.uploads, "imports": results.imports}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=("flask", "django", "data"), help="measure this project (again for more)")
    parser.add_argument("--zappa", type=Path, metavar="PATH", help=f"the binary (default: {BINARY.relative_to(ROOT)})")
    parser.add_argument("--python", type=Path, help=f"of the projects (default: the first of {', '.join(PYTHONS)})")
    parser.add_argument("--json", action="store_true", help="print every number of every round as JSON instead of tables")
    options = parser.parse_args()
    if options.zappa is None and not BINARY.exists():
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    python = options.python or interpreter()
    install_tools(python)
    peers, ours = [Peer(), Uv()], Ours((options.zappa or BINARY).resolve())
    chosen = {project.name: project for project in projects(python) if options.only is None or project.name in options.only}
    results = {name: Results() for name in chosen}
    for project in chosen.values():
        project.prepare()
        # Fills every cache but ours; does not count.
        for contender in (*peers, ours):
            run = contender.run(project)
        set_up_floor(project, run)
    for number in range(1, options.rounds + 1):
        print(f"round {number}", file=sys.stderr)
        for name, project in chosen.items():
            measure(project, peers, ours, results[name])
    for name, project in chosen.items():
        measure_imports(project, results[name], 3 * options.rounds)
    if options.json:
        print(json.dumps({name: as_json(found) for name, found in results.items()}, indent=2))
        return
    version = subprocess.run([python, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    archiver = "zip" if shutil.which("zip") else "python -m zipfile, as there is no zip"
    print(f"{version}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {options.rounds} rounds in turn; medians. uv's archiver: {archiver}.")
    print("MB: memory of the largest process. Archives and files: of this tool the app's and the dependencies' where they are apart.")
    for name, project in chosen.items():
        table(project, results[name], peers)


if __name__ == "__main__":
    main()
