"""The three projects: what they are, their virtual environments, and what happens to them between two measurements."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = ROOT / "target" / "bench-bundle"
# Wheels that run on every Lambda runtime, Amazon Linux 2 included: pip by itself would take newer ones that run on this machine.
WHEELS = ["--only-binary", ":all:", "--platform", f"manylinux2014_{platform.machine()}", "--platform", f"manylinux_2_17_{platform.machine()}"]
PEER = "zappa==0.63.0"
# What `zappa init` of 0.63 writes; of it a project keeps what its own requirements do not name.
EXCLUDED = {"boto3": "boto3", "dateutil": "python-dateutil", "botocore": "botocore", "s3transfer": "s3transfer"}
TOOLS = ("peer", "uv", "ours")


@dataclass
class Project:
    """A project, with a copy of its sources for each tool and one virtual environment for all."""

    name: str
    title: str
    settings: dict[str, object]
    edited: str
    upgraded: str
    versions: tuple[str, str]
    statement: str
    python: Path
    edits: int = field(default=0)
    now: int = field(default=0)

    @property
    def sources(self) -> Path:
        return HERE / "projects" / self.name

    @property
    def directory(self) -> Path:
        return TARGET / self.name

    @property
    def environment(self) -> Path:
        return self.directory / "venv"

    @property
    def wheels(self) -> Path:
        return self.directory / "wheels"

    @property
    def locked(self) -> Path:
        """What the environment holds at the moment, without the peer."""
        return self.directory / "locked.txt"

    def copy(self, tool: str) -> Path:
        return self.directory / tool / f"bench-{self.name}"

    def requirements(self) -> dict[str, str]:
        lines = (self.sources / "requirements.txt").read_text().split()
        found = dict(line.split("==") for line in lines)
        return found | {self.upgraded: self.versions[self.now]}

    def prepare(self) -> None:
        """Wheels and environment from the package index; fresh copies of the sources."""
        stamp = self.directory / "installed"
        wanted = f"{self.python} {PEER} {self.versions}\n{(self.sources / 'requirements.txt').read_text()}"
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"{self.name}: installing", file=sys.stderr)
            shutil.rmtree(self.directory, ignore_errors=True)
            self.install()
            stamp.write_text(wanted)
        self.install_version(0)
        for tool in TOOLS:
            shutil.rmtree(self.copy(tool).parent, ignore_errors=True)
            shutil.copytree(self.sources, self.copy(tool), ignore=shutil.ignore_patterns("__pycache__"))
            if tool != "uv":
                (self.copy(tool) / "zappa_settings.json").write_text(json.dumps({"dev": self.stage(tool)}, indent=4))

    def install(self) -> None:
        self.directory.mkdir(parents=True)
        subprocess.run([self.python, "-m", "venv", self.environment], check=True)
        # The peer asks for a newer pip than some versions of Python bring along.
        self.pip("install", "--upgrade", "pip")
        self.pip("download", "--dest", self.wheels, *WHEELS, "-r", self.sources / "requirements.txt")
        self.pip("download", "--dest", self.wheels, *WHEELS, "--no-deps", f"{self.upgraded}=={self.versions[1]}")
        self.pip("install", *self.from_wheels(), "-r", self.sources / "requirements.txt")
        self.pip("install", PEER, "-c", self.sources / "requirements.txt")

    def install_version(self, number: int) -> None:
        self.now = number
        self.pip("install", *self.from_wheels(), "--no-deps", f"{self.upgraded}=={self.versions[number]}")
        self.locked.write_text("".join(f"{name}=={version}\n" for name, version in self.requirements().items()))

    def from_wheels(self) -> list[str | Path]:
        return ["--no-index", "--find-links", self.wheels]

    def pip(self, command: str, *arguments: str | Path) -> None:
        pip = [self.environment / "bin" / "python", "-m", "pip", command, "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *arguments], check=True)

    def stage(self, tool: str) -> dict[str, object]:
        version = subprocess.run([self.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True)
        stage = {"project_name": f"bench-{self.name}", "aws_region": "eu-central-1", "runtime": f"python{version.stdout.strip()}", **self.settings}
        if tool == "peer":
            excluded = [name for name, distribution in EXCLUDED.items() if distribution not in self.requirements()]
            stage |= {"s3_bucket": "zappa-benchmark-bucket", "use_precompiled_packages": False, "exclude": [*excluded, "concurrent"]}
        return stage

    def edit(self) -> int:
        """One line of the app changes, for every tool. Returns the size of the file."""
        self.edits += 1
        for tool in TOOLS:
            with open(self.copy(tool) / self.edited, "a", encoding="utf-8") as file:
                file.write(f"# edit {self.edits}\n")
        return os.path.getsize(self.copy("ours") / self.edited)

    def upgrade(self) -> None:
        """The other version of one small dependency."""
        self.install_version(1 - self.now)


def projects(python: Path) -> list[Project]:
    flask = "from {} import app; app.url_map.bind('localhost').match('/{}')"
    django = "from website.wsgi import application; from django.urls import get_resolver; get_resolver().url_patterns"
    return [
        Project(
            "flask",
            "Flask hello",
            {"app_function": "hello.app"},
            "hello.py",
            "click",
            ("8.5.0", "8.5.1"),
            flask.format("hello", ""),
            python,
        ),
        Project(
            "django",
            "Django + DRF + psycopg2-binary + boto3 + requests + cryptography + Pillow",
            {"django_settings": "website.settings"},
            "catalogue/views.py",
            "sqlparse",
            ("0.6.0", "0.6.1"),
            django,
            python,
        ),
        Project(
            "data",
            "Flask + numpy + pandas + lxml + Pillow",
            {"app_function": "figures.app"},
            "figures/report.py",
            "click",
            ("8.5.0", "8.5.1"),
            flask.format("figures", "3.xml"),
            python,
        ),
    ]
