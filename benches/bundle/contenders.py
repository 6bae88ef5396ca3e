"""Who bundles, and with which command; and what came out of it."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from projects import HERE, TARGET, Project

TOOLBOX = TARGET / "tools"


@dataclass
class Run:
    """One command: seconds, processor seconds, bytes of its largest process, and its archives by what they hold."""

    wall: float
    processor: float
    memory: float
    archives: dict[str, Path]
    hashes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in self.archives.items()}
        self.sizes = {name: path.stat().st_size for name, path in self.archives.items()}
        members = {name: zipfile.ZipFile(path).infolist() for name, path in self.archives.items()}
        self.files = {name: len(found) for name, found in members.items()}
        self.unpacked = sum(member.file_size for found in members.values() for member in found)

    def uploaded_after(self, before: Run) -> int:
        """Bytes of the archives that are not what they were."""
        return sum(size for name, size in self.sizes.items() if before.hashes.get(name) != self.hashes[name])


def install_tools(python: Path) -> None:
    stamp = TOOLBOX / "installed"
    wanted = f"{python}\n{(HERE / 'requirements.txt').read_text()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        print("installing tools", file=sys.stderr)
        subprocess.run([python, "-m", "venv", "--clear", TOOLBOX], check=True)
        pip = [TOOLBOX / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)


class Contender:
    """A tool that makes archives from a project, in a directory of its own."""

    name: str
    tool: str

    def output(self, project: Project) -> Path:
        return project.directory / f"{self.tool}-output"

    def command(self, project: Project) -> list[str | Path]:
        raise NotImplementedError

    def archives(self, project: Project) -> dict[str, Path]:
        return {"bundle": self.output(project) / "bundle.zip"}

    def clear(self, project: Project) -> None:
        """Takes away what the last run left, which is not part of the work."""
        shutil.rmtree(self.output(project), ignore_errors=True)
        self.output(project).mkdir()

    def run(self, project: Project) -> Run:
        self.clear(project)
        caches = TARGET / "caches" / self.tool
        caches.mkdir(parents=True, exist_ok=True)
        virtual = project.environment
        variables = {
            **{"PATH": f"{virtual / 'bin'}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(virtual), "HOME": str(caches), "LANG": "C.UTF-8"},
            **{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
            **{"AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true", "ZAPPA_CACHE_DIR": str(caches / "zappa")},
        }
        log = project.directory / f"{self.tool}.log"
        command = [sys.executable, "-I", "-S", HERE / "clock.py", log, *self.command(project)]
        done = subprocess.run(command, cwd=project.copy(self.tool), env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name} failed on {project.name}\n{log.read_text()}")
        wall, processor, memory = map(float, done.stdout.split())
        return Run(wall, processor, memory, self.archives(project))


class Peer(Contender):
    name, tool = "zappa 0.63 package", "peer"

    def command(self, project: Project) -> list[str | Path]:
        # `--json` keeps it from asking the package index for its newest version. It writes into the project only.
        return [project.environment / "bin" / "zappa", "package", "--json", "dev", "-o", "bundle.zip"]

    def clear(self, project: Project) -> None:
        super().clear(project)
        (project.copy(self.tool) / "bundle.zip").unlink(missing_ok=True)

    def archives(self, project: Project) -> dict[str, Path]:
        return {"bundle": project.copy(self.tool) / "bundle.zip"}


class Uv(Contender):
    """As uv's guide to Lambda has it, from a list that is resolved already and wheels that are there."""

    name, tool = "uv pip install + zip -r", "uv"

    def command(self, project: Project) -> list[str | Path]:
        output, files = self.output(project), self.output(project) / "files"
        uv = [TOOLBOX / "bin" / "uv", "pip", "install", "--quiet", "--no-installer-metadata", "--no-compile-bytecode", "--no-deps", "--offline"]
        install = [*uv, *project.from_wheels(), "--python", project.environment / "bin" / "python", "--target", files, "-r", project.locked]
        archive = ["zip", "-q", "-r", output / "bundle.zip", "."]
        if shutil.which("zip") is None:
            archive = [project.python, "-m", "zipfile", "-c", output / "bundle.zip", "."]
        lines = [install, ["cp", "-R", f"{project.copy('uv')}/.", files], ["cd", files], archive]
        return ["/bin/sh", "-c", " && ".join(shlex.join(map(str, line)) for line in lines)]


class Ours(Contender):
    name, tool = "this tool", "ours"

    def __init__(self, binary: Path) -> None:
        self.binary = binary

    def command(self, project: Project) -> list[str | Path]:
        return [self.binary, "package", "dev", "--quiet", "--output", self.output(project) / "app.zip"]

    def archives(self, project: Project) -> dict[str, Path]:
        """The dependencies have one of their own, unless a setting says otherwise."""
        found = {"app": self.output(project) / "app.zip", "dependencies": self.output(project) / "app-dependencies.zip"}
        return {name: path for name, path in found.items() if path.exists()}

    def forget(self) -> None:
        """Empties the cache."""
        shutil.rmtree(TARGET / "caches" / self.tool, ignore_errors=True)
