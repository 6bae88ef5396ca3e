"""AWS for the benchmark, in a process of its own: the tests' moto, every call delayed and recorded.

    python cloud.py INTERPRETER SECONDS

Standard output begins with the port. After that each line on standard input is one word, answered with the calls since the word before, as JSON in one
line: `reset` forgets all that was deployed, `run` lets functions really run from now on, `answer` gives the answer of a healthy one at once (as it is in
the beginning), `calls` does nothing else. It ends with standard input.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).resolve().parents[2] / "tests" / "support" / "aws"
sys.path.insert(0, str(SUPPORT))

import functions  # noqa: E402
import mends_gateway  # noqa: E402
import mends_lambda  # noqa: E402
import more_lambda  # noqa: E402
import quicker  # noqa: E402
from moto.awslambda import models, responses  # noqa: E402
from moto.moto_api._internal import moto_api_backend  # noqa: E402
from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: E402
from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: E402
from naming import Names  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

# The path under which the code of a function is to be had, which in AWS is a presigned URL.
CODE = "/benchmark-code/"
# A body from this many bytes on is an upload: archives. Templates and configurations are smaller.
UPLOAD = 64 * 1024
MULTIPART = {"s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload"}


class Record:
    """The calls, each with its depth: one more than the greatest depth among the calls that were answered before it came."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.calls: list[dict[str, Any]] = []
        self.answered = 0

    def begin(self, name: str, size: int) -> dict[str, Any]:
        with self.lock:
            upload = size >= UPLOAD or name in MULTIPART
            call = {"name": name, "size": size, "upload": upload, "depth": self.answered + 1, "status": 0, "work_ms": 0.0}
            self.calls.append(call)
            return call

    def end(self, call: dict[str, Any], status: int, seconds: float) -> None:
        with self.lock:
            call.update(status=status, work_ms=seconds * 1000)
            self.answered = max(self.answered, call["depth"])

    def take(self) -> list[dict[str, Any]]:
        with self.lock:
            calls, self.calls, self.answered = self.calls, [], 0
            return calls


class Delayed:
    """A WSGI application that takes its time, as the way to a region and back does."""

    def __init__(self, app: Any, delay: float) -> None:
        self.app, self.delay, self.record, self.names = app, delay, Record(), Names()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = whole_body(environ)
        path = environ["PATH_INFO"]
        name = "lambda code" if path.startswith(CODE) else self.names.of(environ, body)
        call = self.record.begin(name, len(body))
        time.sleep(self.delay)
        begun = time.perf_counter()
        status = 0

        def started(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            nonlocal status
            status = int(line.split()[0])
            return start_response(line, headers, *more)

        answer = download(path, started) if path.startswith(CODE) else self.app(environ, started)
        self.record.end(call, status, time.perf_counter() - begun)
        return answer


def whole_body(environ: dict[str, Any]) -> bytes:
    """Reads the body, and leaves it there to be read again."""
    stream = environ["wsgi.input"]
    # A chunked one ends by itself.
    body = stream.read() if environ.pop("HTTP_TRANSFER_ENCODING", None) else stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    return body


def download(path: str, start_response: Any) -> Iterable[bytes]:
    _, region, account, name, version = path.removeprefix(CODE.rstrip("/")).split("/")
    code = models.lambda_backends[account][region].get_function(name, version).code_bytes
    start_response("200 OK", [("Content-Type", "application/zip"), ("Content-Length", str(len(code)))])
    return [code]


def let_code_be_downloaded(url: str) -> None:
    """moto names a host of AWS's, and only if the code came from S3."""
    original = models.LambdaFunction.get_code

    def get_code(self: Any) -> dict[str, Any]:
        place = f"{self.region}/{self.account_id}/{self.function_name}/{self.version}"
        return original(self) | {"Code": {"RepositoryType": "S3", "Location": url + CODE + place}}

    models.LambdaFunction.get_code = get_code


def let_functions_be_named_in_part() -> None:
    """`function:NAME:QUALIFIER` is as good as the ARN."""
    original = models.LambdaStorage.get_function_by_name_or_arn_with_qualifier

    def find(self: Any, name: str, qualifier: str | None = None) -> Any:
        return original(self, name.removeprefix("function:"), qualifier)

    models.LambdaStorage.get_function_by_name_or_arn_with_qualifier = find


def healthy(self: Any) -> Any:
    """`Invoke` for a health check, without the app's own start, which belongs to no tool."""
    log = b"REPORT RequestId: 1\tDuration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 512 MB\tMax Memory Used: 64 MB\t\n"
    headers = {"x-amz-executed-version": self.querystring.get("Qualifier", ["$LATEST"])[0], "x-amz-log-result": base64.b64encode(log).decode()}
    return 200, headers | {"content-type": "application/json"}, json.dumps({"status": 200})


def install(interpreter: str) -> None:
    """Makes of moto what the benchmarks want of it."""
    for part in quicker, mends_gateway, mends_lambda, more_lambda:
        part.install()
    functions.install(interpreter=interpreter)
    responses.LambdaResponse.invoke = healthy


def main() -> None:
    interpreter, delay = sys.argv[1], float(sys.argv[2])
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    install(interpreter)
    let_functions_be_named_in_part()
    # Head and body are written one after the other: Nagle's algorithm would hold back the second.
    MotoRequestHandler.disable_nagle_algorithm = True
    app = Delayed(DomainDispatcherApplication(create_backend_app), delay)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    functions.endpoint = f"http://127.0.0.1:{server.port}"
    let_code_be_downloaded(functions.endpoint)
    print(server.port, flush=True)
    for line in sys.stdin:
        calls = app.record.take()
        if line.strip() == "reset":
            moto_api_backend.reset()
        elif line.strip() != "calls":
            responses.LambdaResponse.invoke = functions.invoke if line.strip() == "run" else healthy
        print(json.dumps(calls), flush=True)
    functions.end_all()
    os._exit(0)


if __name__ == "__main__":
    main()
