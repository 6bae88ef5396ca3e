"""An HTTP server in one thread, for a WSGI application that only computes: what is waited for costs no thread, and connections are kept.

werkzeug's own takes a thread for each connection and a connection for each call, which is more work than most calls are for moto.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]
# What HTTP calls otherwise in a WSGI environment.
PLAIN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
# What this server says itself.
OWN = {"connection", "content-length", "date", "server", "transfer-encoding"}


class Request:
    def __init__(self, method: str, target: str, headers: Headers, body: bytes) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body

    def environ(self) -> dict[str, Any]:
        path, _, query = self.target.partition("?")
        environ = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path).encode().decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": self.target,
            "RAW_URI": self.target,
            "REMOTE_ADDR": "127.0.0.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers:
            environ[PLAIN.get(name) or "HTTP_" + name.upper().replace("-", "_")] = value
        environ["CONTENT_LENGTH"] = str(len(self.body))
        return environ


def ask(app: Any, environ: dict[str, Any]) -> Answer:
    """What a WSGI application answers."""
    told: list[Any] = []

    def start_response(line: str, headers: Headers, *_: Any) -> Callable[[bytes], None]:
        told[:] = [int(line.split()[0]), headers]
        return lambda data: None

    parts: Iterable[bytes] = app(environ, start_response)
    body = b"".join(parts)
    if close := getattr(parts, "close", None):
        close()
    return told[0], told[1], body


async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = [(name.lower(), value.strip()) for name, _, value in pairs]
    known = dict(headers)
    if known.get("expect") == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "transfer-encoding" in known:
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(known.get("content-length", 0)))
    kept = [(name, value) for name, value in headers if name not in ("transfer-encoding", "expect", "connection")]
    return Request(method, target, kept, body)


async def serve(answer: Callable[[Request], Any]) -> int:
    """Serves on a free port, which it returns."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read(reader, writer):
            status, headers, body = await answer(request)
            lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
            lines += [f"{name}: {value}" for name, value in headers if name.lower() not in OWN]
            length = dict((name.lower(), value) for name, value in headers).get("content-length", "0") if request.method == "HEAD" else len(body)
            head = "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode("latin-1")
            writer.write(head if request.method == "HEAD" else head + body)
            try:
                await writer.drain()
            except ConnectionError:
                break
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, limit=1 << 24, backlog=1024)
    return server.sockets[0].getsockname()[1]
