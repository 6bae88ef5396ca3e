"""Calls the WSGI app for an HTTP event, and gives what it says to the event's front door, one module for each shape."""

from __future__ import annotations

import importlib
from binascii import b2a_base64

from .environ import complete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "trailers", "transfer-encoding", "upgrade"}
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
APPLICATION_TEXT = ("json", "javascript", "ecmascript", "xml", "x-www-form-urlencoded", "x-ndjson", "yaml")
CODES: dict[str, int] = {}
FRONT_DOORS: dict[str, Any] = {}
NAMES: dict[str, str] = {}
CACHE_LIMIT = 512
HEALTH = "/.zappa/health"
LARGE = 80_000  # characters; an answer below this stays within every limit, however it is escaped


class Answer:
    """Collects what the app says. Nothing leaves before the app is done, yet output counts as out once there is a body."""

    __slots__ = ("chunks", "code", "coding", "headers", "kind", "status")

    def __init__(self) -> None:
        self.status = self.kind = self.coding = ""
        self.code = 0
        self.headers: dict[str, list[str]] = {}
        self.chunks: list[bytes] = []

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info:
            try:
                if self.chunks:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # PEP 3333: leave no circular reference
        elif self.status:
            raise AssertionError("start_response was called a second time without exc_info")
        self.kind = self.coding = ""
        self.code = CODES.get(status) or status_code(status)
        kept: dict[str, list[str]] = {}
        for name, value in headers:
            lower = NAMES.get(name) or lower_name(name)
            if not isinstance(value, str):
                raise AssertionError(f"the value of the header {name} is a {type(value).__name__}, not a str")
            if not (value.isascii() and value.isprintable()):
                value = utf8_value(name, value)
            if lower not in HOP_BY_HOP:  # PEP 3333 forbids them; dropped, because some apps send them
                if lower == "content-type":
                    self.kind = value
                elif lower == "content-encoding":
                    self.coding = value
                # In lower case, as HTTP/2 has them: a header that the app spells in two ways is one header, in the app's order.
                if lower in kept:
                    kept[lower].append(value)
                else:
                    kept[lower] = [value]
        self.headers = kept
        self.status = status
        return self.write

    def write(self, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise AssertionError(f"the app gave a {type(data).__name__} where bytes are due")
        if data:
            if not self.status:
                raise AssertionError("the app gave output before it called start_response")
            self.chunks.append(data)

    def body(self) -> bytes:
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)


def status_code(status: str) -> int:
    well = isinstance(status, str) and status.isprintable() and status[:3].isdecimal() and status[3:4] in ("", " ")
    if not well or not 100 <= int(status[:3]) <= 599:
        raise AssertionError(f"the status {status!r} is not three digits, a space and a reason")
    if len(CODES) < CACHE_LIMIT:
        CODES[status] = int(status[:3])
    return int(status[:3])


def lower_name(name: str) -> str:
    if not isinstance(name, str) or not name or not TOKEN.issuperset(name):
        raise AssertionError(f"{name!r} is not the name of a header")
    if len(NAMES) < CACHE_LIMIT:
        NAMES[name] = name.lower()
    return name.lower()


def utf8_value(name: str, value: str) -> str:
    """The gateway writes UTF-8, so UTF-8 that the app tunnelled as latin-1 must be real text in the answer."""
    if any((character < " " and character != "\t") or character == "\x7f" for character in value):
        raise ValueError(f"the value of the header {name} has a control character")
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def is_text(content_type: str, prefixes: tuple[str, ...]) -> bool:
    """Whether such bytes may go out as they are, if they are UTF-8: a text type that does not claim another charset."""
    kind, *parameters = content_type.lower().replace(" ", "").split(";")
    charsets = [parameter[8:].strip("\"'") for parameter in parameters if parameter.startswith("charset=")]
    text = kind.startswith(prefixes) or kind.endswith(("+json", "+xml"))
    return text and all(charset in ("utf-8", "utf8", "us-ascii", "ascii") for charset in charsets)


def run(app: Callable[..., Any], environ: dict[str, Any], answer: Answer) -> None:
    result = app(environ, answer.start_response)
    try:
        for chunk in result:
            answer.write(chunk)
        if not answer.status:
            raise AssertionError("the app did not call start_response")
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            try:
                close()
            except Exception as error:  # the answer stands, as it would on a server that has sent it by now
                from .failure import log_error

                log_error(error, environ["lambda.context"])


def alive(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """What is at `HEALTH` instead of the app: DNS that leads to the nearest region asks there, all the time, whether this one is
    well. That there is an answer says it: the app is imported."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "no-store")])
    return [b"ok\n"]


def front_door(event: dict[str, Any]) -> Any:
    """The module that knows the event's shape, imported when the first such event arrives."""
    if "type" in event:
        return None  # an authorizer's event looks like the request that it is to judge, but has a type
    about = event.get("requestContext") or ()
    if "httpMethod" in event and "path" in event:
        name = "zappa.balancer" if "elb" in about else "zappa.rest"
    elif "http" in about:
        name = "zappa.version_two"
    else:
        return None
    if name not in FRONT_DOORS:
        FRONT_DOORS[name] = importlib.import_module(name)
    return FRONT_DOORS[name]


def make_server(app: Callable[..., Any], config: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    base_path = "/" + config["base_path"].strip("/") if config["base_path"] else ""
    prefixes = ("text/", *("application/" + name for name in APPLICATION_TEXT), *config["additional_text_mimetypes"])
    mappings = config["context_header_mappings"]
    text_types: dict[str, bool] = {}

    def serve(event: dict[str, Any], context: Any, front: Any, errors: list[BaseException] | None = None) -> dict[str, Any]:
        answer = Answer()
        environ: dict[str, Any] = {}
        try:
            environ = front.read(event, base_path)
            complete(environ, event, context)
            if mappings or (event.get("requestContext") or {}).get("authorizer"):
                from .authorizer import add_authorizer

                add_authorizer(environ, event, mappings)
            run(alive if environ["PATH_INFO"] == HEALTH else app, environ, answer)
        except (Exception, SystemExit) as error:
            from .failure import failed

            answer = failed(error, event, context, config)
            if errors is not None:
                errors.append(error)
        data = b"" if environ.get("REQUEST_METHOD") == "HEAD" else answer.body()
        text, encoded = encode(answer, data, context) if data else ("", False)
        if len(text) > LARGE:
            from .oversize import fit

            answer, text, encoded = fit(answer, data, text, encoded, front.LIMIT, config, context)
        return front.payload(event, answer, text, encoded)  # type: ignore[no-any-return]

    def encode(answer: Answer, data: bytes, context: Any) -> tuple[str, bool]:
        """Text if what is decoded from it is certain to be encoded to the same bytes again, else base64."""
        text = text_types.get(answer.kind)
        if text is None:
            text = is_text(answer.kind, prefixes)
            if len(text_types) < CACHE_LIMIT:
                text_types[answer.kind] = text
        if (text and answer.coding in ("", "identity")) or not config["binary_support"]:
            try:
                return data.decode(), False
            except UnicodeDecodeError:
                if not config["binary_support"]:
                    from .failure import log

                    log("WARNING", "an answer is not text, and a REST API without binary_support will not decode it", context)
        return b2a_base64(data, newline=False).decode("ascii"), True

    return serve
