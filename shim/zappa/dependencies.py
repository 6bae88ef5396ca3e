"""Fetches dependencies that are too large to lie beside the app (`slim_handler`). Imported only where `ZAPPA_DEPENDENCIES` is set.

The variable says where their archive is and what it is: `s3://BUCKET/KEY#sha256=HEX`, or on the local target `file://PATH#sha256=HEX`.
Everything between the scheme and the last `#sha256=` is taken as it stands, nothing in it is decoded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

VARIABLE = "ZAPPA_DEPENDENCIES"
VALUE = re.compile(r"(s3://[^/]+/.+|file://.+)#sha256=([0-9a-f]{64})", re.DOTALL)
CHUNK = 1 << 20
BLOCK = 4096  # what a file takes of a disk is a multiple of it
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
MARKER = ".zappa-sha256"


class DependenciesError(Exception):
    """The app cannot start: its dependencies are not to be had, not what they should be, or do not fit."""


def provide(value: str) -> None:
    """Puts the directory with the dependencies on `sys.path`, behind the task root and before what the runtime brings."""
    match = VALUE.fullmatch(value)
    if match is None:
        raise DependenciesError(f"`{VARIABLE}` is {value!r}, neither `s3://BUCKET/KEY#sha256=HEX` nor `file://PATH#sha256=HEX`")
    sys.path.insert(1, ready(match[1], match[2]))


def temporary() -> str:
    return os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 (in Lambda nobody else can write there)


def ready(location: str, digest: str) -> str:
    """The directory, made unless it is there. It is there whole or not at all: it gets its name when it is complete."""
    place = os.path.join(temporary(), "dependencies")
    # Sandboxes may share `/tmp`. One of them works, the others wait; and as the lock of a process that was killed is gone, what
    # such a one left half done is known to be nobody's.
    with locked(place + ".lock"):
        if content(place) not in (None, digest):
            place = f"{place}-{digest}"  # what is in the way may be in use
        if content(place) != digest:
            part = os.path.join(temporary(), "dependencies.part")
            shutil.rmtree(part, ignore_errors=True)
            try:
                with archive(location, digest) as file:
                    unpack(file, part)
                with open(os.path.join(part, MARKER), "w", encoding="ascii") as marker:
                    marker.write(digest)
                os.rename(part, place)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return place


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    with open(path, "ab") as file:
        try:
            import fcntl
        except ImportError:
            pass  # Windows, where every sandbox has a directory of its own
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def content(place: str) -> str | None:
    """The hash of what a directory was unpacked from; nothing if there is none."""
    if not os.path.lexists(place):
        return None
    try:
        with open(os.path.join(place, MARKER), encoding="ascii") as marker:
            return marker.read()
    except (OSError, ValueError):
        return "unknown"


@contextlib.contextmanager
def archive(location: str, digest: str) -> Iterator[IO[bytes]]:
    """The archive, checked. A downloaded one has no name, so that its room is free once it is closed, even by being killed."""
    scheme, _, path = location.partition("://")
    with open(path, "rb") if scheme == "file" else tempfile.TemporaryFile(dir=temporary()) as file:
        hashed = hashlib.sha256()
        if scheme == "file":
            while chunk := file.read(CHUNK):
                hashed.update(chunk)
        else:
            for chunk in download(location):
                hashed.update(chunk)
                file.write(chunk)
        if hashed.hexdigest() != digest:
            raise DependenciesError(f"`{location}` has the SHA-256 {hashed.hexdigest()}, not {digest}: it is not what was deployed")
        yield file


def download(location: str) -> Iterator[bytes]:
    """An object of S3 in pieces, fetched by a process of its own.

    That process imports the runtime's boto3; this one does not. So there is nothing of it that the app could meet instead of the
    boto3, botocore or urllib3 among its dependencies, and its memory is given back.
    """
    command = [sys.executable, "-m", "zappa.dependencies", location]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(  # noqa: S603 (no shell, and the location comes from the deployment)
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        while chunk := process.stdout.read(CHUNK):
            yield chunk
        message = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise DependenciesError(f"could not fetch `{location}`: {message or f'exit status {process.returncode}'}")


def send(location: str, output: IO[bytes]) -> None:
    """What the process of `download` does."""
    import boto3

    bucket, _, key = location[len("s3://") :].partition("/")
    answer: dict[str, Any] = boto3.client("s3").get_object(Bucket=bucket, Key=key)
    make_sure_of(answer["ContentLength"])
    for chunk in answer["Body"].iter_chunks(CHUNK):
        output.write(chunk)
    output.flush()


def unpack(file: IO[bytes], part: str) -> None:
    with zipfile.ZipFile(file) as members:
        files = [member for member in members.infolist() if not member.is_dir()]
        make_sure_of(sum(-(-member.file_size // BLOCK) * BLOCK for member in files))
        for member in files:
            path = below(part, member.filename)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            mode = 0o777 if member.external_attr >> 16 & 0o111 else 0o666
            with members.open(member) as source, open(os.open(path, CREATE, mode), "wb") as target:
                shutil.copyfileobj(source, target, CHUNK)  # to the end, which checks the CRC


def below(directory: str, name: str) -> str:
    path = os.path.abspath(os.path.join(directory, name))
    if not path.startswith(os.path.join(os.path.abspath(directory), "")):
        raise DependenciesError(f"the archive of the dependencies has a member `{name}`, which is not below its root")
    return path


def make_sure_of(size: int) -> None:
    usage = shutil.disk_usage(temporary())
    if size > usage.free:
        needed = megabytes(usage.total - usage.free + size)
        room = f"{usage.free // CHUNK} MB of {megabytes(usage.total)} are free in `{temporary()}`"
        raise DependenciesError(
            f"{room}, and the dependencies take {megabytes(size)}: set `ephemeral_storage` to {{ Size = {needed} }} or more"
        )


def megabytes(size: int) -> int:
    """As Lambda counts them, rounded up."""
    return -(-size // CHUNK)


if __name__ == "__main__":
    try:
        send(sys.argv[1], sys.stdout.buffer)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
