"""The shim under AWS's own runtime client: a process for each test, and a stub of the Runtime API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import conftest
import pytest

pytest.importorskip("awslambdaric")

APP = """
import sys
print("app imported")

def app(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        raise RuntimeError("could not reach the till")
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return ["caf\\u00e9".encode()]
"""


class RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, events):
        super().__init__(("127.0.0.1", 0), Talk)
        self.events = list(events)
        self.posts = []
        self.done = threading.Event()
        self.killed = threading.Event()


class Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        if not self.server.events:
            self.server.done.set()
            self.server.killed.wait(60)  # as Lambda does: the next event is not here yet
            self.close_connection = True
            return
        self.answer(200, json.dumps(self.server.events.pop(0)).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.posts.append((self.path, json.loads(body)))
        if self.path.endswith("/init/error"):
            self.server.done.set()
        self.answer(202, b"{}")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Aws-Request-Id", "the-request-id")
        self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def lambda_run(tmp_path, configure):
    """Runs the events in one process as Lambda does. Gives what was posted, and the log."""

    def run(events, app=APP, environment=(), **changes):
        (tmp_path / "shop_app.py").write_text(app, encoding="utf-8")
        (tmp_path / "config.json").write_text(json.dumps(configure(app="shop_app:app", **changes)), encoding="utf-8")
        server = RuntimeApi(events)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
            "PYTHONPATH": os.pathsep.join([str(conftest.SHIM), str(tmp_path)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ZAPPA_CONFIG": str(tmp_path / "config.json"),
            **dict(environment),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", "zappa.handler.lambda_handler"],
            env=variables,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert server.done.wait(60), server.posts
        finally:
            process.kill()
            server.killed.set()
            log = process.communicate()[0].decode()
            server.shutdown()
            server.server_close()
        return server.posts, log

    return run


def test_requests(lambda_run, event):
    posts, log = lambda_run([event("rest-root"), event("http-root"), {"zappa": "keep-warm"}])
    assert [path.rpartition("/")[2] for path, _ in posts] == ["response"] * 3
    assert [body.get("body") for _, body in posts] == ["café", "café", None]
    assert posts[2][1] == {"zappa": "warm"}
    assert log.count("app imported") == 1


def test_failing_app_is_one_event_in_the_log(lambda_run, event):
    failing = event("http-root")
    failing["rawPath"] = failing["requestContext"]["http"]["path"] = "/fail"
    [(path, answer)], log = lambda_run([failing])
    assert path.endswith("/response"), "the invocation itself went well"
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"]) == {"message": "Internal server error", "request_id": "the-request-id"}
    [line] = [line for line in log.split("\n") if "could not reach the till" in line]
    assert line.startswith("[ERROR]\t")
    assert "\tthe-request-id\t" in line
    assert line.endswith("\rRuntimeError: could not reach the till")
    assert "shop_app.py" in line


def test_errors_of_other_events_are_the_runtimes(lambda_run):
    [(path, answer)], log = lambda_run([{"Records": [{"eventSource": "aws:s3"}]}])
    assert path.endswith("/error")
    assert answer["errorType"] == "UnknownEventError"
    assert "`aws:s3`" in answer["errorMessage"]
    assert len([line for line in log.split("\n") if "no function is configured" in line]) == 1


def test_app_that_cannot_be_imported_fails_init(lambda_run, event):
    [(path, answer)], _ = lambda_run([event("rest-root")], app="import missing_dependency")
    assert path.endswith("/init/error")
    assert answer["errorType"] == "AppImportError"
    assert "No module named 'missing_dependency'" in answer["errorMessage"]
    assert any("shop_app.py" in line for line in answer["stackTrace"]), "the line that matters is there"


def test_log_level(lambda_run, event):
    app = """
import logging

def app(environ, start_response):
    logging.getLogger("shop").info("at your service")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]
"""
    assert "at your service" in lambda_run([event("rest-root")], app=app)[1]
    assert "at your service" not in lambda_run([event("rest-root")], app=app, log_level="ERROR")[1]
