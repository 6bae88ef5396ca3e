"""Who is measured, and how each is set up: virtual environments, projects, settings, command lines."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = ROOT / "target" / "bench-aws"
EXAMPLE = ROOT / "examples" / "flask-shop"
REGION = "eu-central-1"
APP = (EXAMPLE / "requirements.txt").read_text().split()
# Each environment is what a user of that tool has active: the app's packages, and zappa among them where it is a Python package.
ENVIRONMENTS = {"app": APP, "zappa": [*APP, "zappa==0.63.0"], "moto": ["-r", str(HERE / "requirements.txt")]}

# What examples/flask-shop/zappa_settings.toml says, as both understand it.
STAGE = {
    **{"aws_region": REGION, "app_function": "shop.app", "runtime": f"python{sys.version_info[0]}.{sys.version_info[1]}"},
    **{"memory_size": 512, "timeout_seconds": 30, "keep_warm": True},
    "environment_variables": {"SECRET_KEY": "replace-me-with-48-random-characters", "SESSION_COOKIE_SECURE": "1"},
    "events": [{"function": "jobs.nightly_report", "name": "nightly-report", "expression": "cron(0 3 * * ? *)", "kwargs": {"low_stock": 5}}],
}
# What `zappa init` of 0.63 writes beside that; and off what would need more than AWS: a request to the API's public URL, questions to PyPI.
OTHERS_OWN = {
    **{"s3_bucket": "zappa-benchmark-bucket", "num_retained_versions": 5, "touch": False, "use_precompiled_packages": False},
    "exclude": ["boto3", "dateutil", "botocore", "s3transfer", "concurrent"],
}


def python_of(environment: str) -> Path:
    return TARGET / environment / "bin" / "python"


def prepare() -> None:
    """Virtual environments, from PyPI."""
    for name, packages in ENVIRONMENTS.items():
        stamp = TARGET / name / "installed"
        wanted = repr(packages) + (HERE / "requirements.txt").read_text()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"installing {' '.join(packages)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", TARGET / name], check=True)
        subprocess.run([python_of(name), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
        stamp.write_text(wanted)


def processor() -> float:
    """Seconds that ended child processes have worked."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass
class Contender:
    """A tool with a copy of the example of its own."""

    name: str
    program: Path
    environment: str
    settings: dict[str, object]
    commands: dict[str, list[str]]
    endpoint: str
    edits: int = field(default=0)

    @property
    def project(self) -> Path:
        return TARGET / "projects" / self.name / "flask-shop"

    def set_up(self) -> None:
        shutil.rmtree(self.project.parent, ignore_errors=True)
        shutil.copytree(EXAMPLE, self.project, ignore=shutil.ignore_patterns("zappa_settings.*", "__pycache__", ".*"))
        settings = {"dev": {"project_name": f"{self.name}-shop", **STAGE, **self.settings}}
        (self.project / "zappa_settings.json").write_text(json.dumps(settings, indent=4))
        for directory in (self.caches, self.scratch):
            directory.mkdir(parents=True, exist_ok=True)

    @property
    def caches(self) -> Path:
        return TARGET / "caches" / self.name

    @property
    def scratch(self) -> Path:
        return TARGET / "scratch" / self.name

    def edit(self) -> None:
        """One line of the app changes."""
        self.edits += 1
        with open(self.project / "shop" / "catalogue.py", "a", encoding="utf-8") as file:
            file.write(f"# edit {self.edits}\n")

    def run(self, command: str) -> tuple[float, float]:
        """Seconds that the command took, and seconds of a processor."""
        virtual = TARGET / self.environment
        variables = {
            **{"PATH": f"{virtual / 'bin'}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(virtual), "HOME": str(self.caches)},
            **{"TMPDIR": str(self.scratch), "LANG": "C.UTF-8", "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": REGION},
            **{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
        }
        arguments = [str(self.program), *self.commands[command]]
        begun, worked = time.perf_counter(), processor()
        done = subprocess.run(arguments, cwd=self.project, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        took, work = time.perf_counter() - begun, processor() - worked
        if done.returncode != 0:
            raise SystemExit(f"{self.name} {command} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return took, work


def contenders(binary: Path, endpoint: str) -> list[Contender]:
    ours = {
        **{"deploy": ["deploy", "dev"], "update": ["update", "dev"], "unchanged": ["update", "dev"]},
        **{"rollback": ["rollback", "dev"], "undeploy": ["undeploy", "dev", "--yes"]},
    }
    # `--json` keeps 0.63 from asking PyPI for its newest version.
    theirs = {name: [arguments[0], "--json", *arguments[1:]] for name, arguments in ours.items()}
    return [
        Contender("theirs", python_of("zappa").with_name("zappa"), "zappa", OTHERS_OWN, theirs, endpoint),
        Contender("ours", binary, "app", {}, ours, endpoint),
    ]
