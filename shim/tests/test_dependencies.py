"""Dependencies that are fetched at init: from where, whether they are the right ones, and what is left when it goes wrong."""

from __future__ import annotations

import hashlib
import io
import os
import runpy
import shutil
import subprocess
import sys
import textwrap
import types
import zipfile
from collections import namedtuple
from pathlib import Path

import conftest
import pytest

from zappa import dependencies
from zappa.dependencies import DependenciesError, provide

MEMBERS = {"greeting.py": ("WORDS = 'hello'\n", 0o644), "greeting.libs/run": ("#!/bin/sh\n", 0o755), "data/empty/": ("", 0o755)}


def archive(members=MEMBERS):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, (content, mode) in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            target.writestr(info, content)
    return file.getvalue()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where they get to; `sys.path` and the modules are as before afterwards."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield directory / "dependencies"
    sys.modules.pop("greeting", None)


@pytest.fixture
def local(tmp_path):
    """Writes an archive, and gives the variable that names it."""

    def write(data, digest=None):
        path = tmp_path / "with #, %20 and a space.zip"
        path.write_bytes(data)
        return f"file://{path}#sha256={digest or hashlib.sha256(data).hexdigest()}"

    return write


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_local_archive(place, local):
    task_root = sys.path[0]
    provide(local(archive()))
    assert sys.path[:2] == [task_root, str(place)]
    assert files(place) == [".zappa-sha256", "greeting.libs/run", "greeting.py"]
    assert os.access(place / "greeting.libs" / "run", os.X_OK)
    assert not os.access(place / "greeting.py", os.X_OK)
    import greeting

    assert greeting.WORDS == "hello"
    assert sorted(os.listdir(place.parent)) == ["dependencies", "dependencies.lock"]


def test_in_lambda_it_is_the_directory_that_byte_code_was_compiled_for(monkeypatch):
    monkeypatch.delenv("TMPDIR")
    assert dependencies.temporary() == "/tmp"


def test_what_is_there_is_taken_as_it_is(place, local):
    value = local(archive())
    provide(value)
    (place / "greeting.py").write_text("WORDS = 'the same'\n")
    os.unlink(value.partition("://")[2].rpartition("#")[0])
    provide(value)
    assert (place / "greeting.py").read_text() == "WORDS = 'the same'\n"


def test_what_another_version_may_be_using_stays(place, local):
    provide(local(archive()))
    value = local(archive({"other.py": ("", 0o644)}))
    provide(value)
    assert sys.path[1] == f"{place}-{value[-64:]}"
    assert files(Path(sys.path[1])) == [".zappa-sha256", "other.py"]
    assert (place / "greeting.py").exists()


def test_what_is_somebody_elses_stays(place, local):
    place.write_text("a file")
    provide(local(archive()))
    assert sys.path[1].startswith(f"{place}-")
    assert place.read_text() == "a file"


def test_half_of_what_a_killed_init_left_is_thrown_away(place, local):
    part = place.with_name("dependencies.part")
    part.mkdir()
    (part / "stale.py").write_text("")
    provide(local(archive()))
    assert "stale.py" not in files(place)
    assert not part.exists()


def test_several_at_once(place, local):
    """All of them start while the lock is held, so that each finds nothing there; one unpacks, the others use what it made."""
    value = local(archive())
    code = f"""if True:
        from zappa.dependencies import provide
        print("begun", flush=True)
        provide({value!r})
        import greeting
        print(greeting.WORDS)
    """
    environment = {**os.environ, "PYTHONPATH": str(conftest.SHIM), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    with dependencies.locked(f"{place}.lock"):
        started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        for process in started:
            assert process.stdout.readline() == "begun\n"
        assert not place.exists()
    assert [process.communicate()[0] for process in started] == ["hello\n"] * 4
    assert sorted(os.listdir(place.parent)) == ["dependencies", "dependencies.lock"]


def test_without_locks(place, local, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    provide(local(archive()))
    assert (place / "greeting.py").exists()


@pytest.mark.parametrize(
    "value", ["", "s3://bucket#sha256=" + "0" * 64, "file:///x", "file:///x#sha256=" + "0" * 63, "https://x/y#sha256=" + "0" * 64]
)
def test_a_variable_that_says_nothing(value):
    with pytest.raises(DependenciesError, match="neither `s3://BUCKET/KEY#sha256=HEX` nor"):
        provide(value)


def test_another_archive_than_was_deployed(place, local):
    data = archive()
    with pytest.raises(DependenciesError, match=f"has the SHA-256 {hashlib.sha256(data).hexdigest()}, not {'0' * 64}"):
        provide(local(data, digest="0" * 64))
    assert os.listdir(place.parent) == ["dependencies.lock"]


def test_an_archive_that_is_gone(local):
    with pytest.raises(FileNotFoundError):
        provide("file:///nowhere/x.zip#sha256=" + "0" * 64)


@pytest.mark.parametrize("name", ["../outside.py", "/outside.py", "inner/../../outside.py", ".."])
def test_a_member_that_leads_out(name, place, local):
    with pytest.raises(DependenciesError, match="not below its root"):
        provide(local(archive({"greeting.py": ("", 0o644), name: ("", 0o644)})))
    assert os.listdir(place.parent) == ["dependencies.lock"]


def test_two_members_of_one_name(place, local):
    with pytest.raises(FileExistsError):
        provide(local(archive({"a.py": ("", 0o644), "./a.py": ("", 0o644)})))
    assert os.listdir(place.parent) == ["dependencies.lock"]


def test_not_enough_room(place, local, monkeypatch):
    usage = namedtuple("usage", "total used free")
    mega = 1 << 20
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(512 * mega, 500 * mega, 12 * mega))
    provide(local(archive({"large": ("x" * 12 * mega, 0o644)})))
    shutil.rmtree(place)
    # One byte more takes another block.
    with pytest.raises(DependenciesError) as caught:
        provide(local(archive({"large": ("x" * (12 * mega + 1), 0o644)})))
    room = f"12 MB of 512 are free in `{place.parent}`"
    assert str(caught.value) == f"{room}, and the dependencies take 13: set `ephemeral_storage` to {{ Size = 513 }} or more"


@pytest.fixture
def boto3(tmp_path, monkeypatch):
    """A `boto3` that only the runtime has. It answers with the file, in pieces, and fails where its key says so."""

    def write(data):
        (tmp_path / "object").write_bytes(data)
        runtime = tmp_path / "runtime"
        runtime.mkdir()
        (runtime / "boto3.py").write_text(
            textwrap.dedent(f"""
                class Body:
                    def iter_chunks(self, size):
                        with open({str(tmp_path / "object")!r}, "rb") as file:
                            while chunk := file.read(min(size, 7)):
                                yield chunk

                class Client:
                    def get_object(self, Bucket, Key):
                        if (Bucket, Key) != ("bucket", "some/key.zip"):
                            raise LookupError(f"NoSuchKey: {{Bucket}} {{Key}}")
                        return {{"Body": Body(), "ContentLength": {len(data)}}}

                def client(service):
                    assert service == "s3", service
                    return Client()
            """)
        )
        sys.path.append(str(runtime))
        return hashlib.sha256(data).hexdigest()

    yield write
    sys.modules.pop("boto3", None)


def test_an_object(place, boto3):
    digest = boto3(archive())
    provide(f"s3://bucket/some/key.zip#sha256={digest}")
    assert files(place) == [".zappa-sha256", "greeting.libs/run", "greeting.py"]
    assert "boto3" not in sys.modules, "the app has its own"
    assert sorted(os.listdir(place.parent)) == ["dependencies", "dependencies.lock"]


def test_an_object_that_is_not_there(place, boto3):
    digest = boto3(archive())
    with pytest.raises(DependenciesError) as caught:
        provide(f"s3://bucket/another.zip#sha256={digest}")
    assert str(caught.value) == "could not fetch `s3://bucket/another.zip`: LookupError: NoSuchKey: bucket another.zip"
    assert os.listdir(place.parent) == ["dependencies.lock"]


def test_another_object_than_was_deployed(place, boto3):
    boto3(archive())
    with pytest.raises(DependenciesError, match="it is not what was deployed"):
        provide("s3://bucket/some/key.zip#sha256=" + "0" * 64)
    assert os.listdir(place.parent) == ["dependencies.lock"]


def test_a_fetch_that_is_killed(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DependenciesError, match=r"could not fetch `s3://bucket/key`: exit status 1$"):
        provide("s3://bucket/key#sha256=" + "0" * 64)


class Output(io.BytesIO):
    @property
    def buffer(self):
        return self


def test_what_the_process_that_fetches_does(boto3, monkeypatch):
    data = archive()
    boto3(data)
    monkeypatch.setattr(sys, "argv", ["dependencies", "s3://bucket/some/key.zip"])
    monkeypatch.setattr(sys, "stdout", Output())
    monkeypatch.delitem(sys.modules, "zappa.dependencies")
    runpy.run_module("zappa.dependencies", run_name="__main__")
    assert sys.stdout.getvalue() == data
    monkeypatch.setattr(sys, "argv", ["dependencies", "s3://bucket/nothing"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("zappa.dependencies", run_name="__main__")
    assert caught.value.code == "LookupError: NoSuchKey: bucket nothing"


def test_an_object_is_refused_before_it_is_fetched(monkeypatch):
    client = types.SimpleNamespace(get_object=lambda **names: {"ContentLength": 1 << 60})
    monkeypatch.setitem(sys.modules, "boto3", types.SimpleNamespace(client=lambda service: client))
    output = io.BytesIO()
    with pytest.raises(DependenciesError, match="set `ephemeral_storage` to"):
        dependencies.send("s3://bucket/key", output)
    assert output.getvalue() == b""
