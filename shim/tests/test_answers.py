"""What the app says and what the client gets: PEP 3333's rules, text or base64, headers, sizes."""

from __future__ import annotations

import base64
import gzip
import json
from wsgiref.util import FileWrapper

import conftest
import pytest

FRONT_DOORS = ("rest", "http", "function-url", "alb", "alb-multi")


@pytest.fixture(params=FRONT_DOORS)
def request_event(request, event):
    return event(f"{request.param}-root")


def body_of(answer):
    """The bytes that the client gets."""
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()


def app_of(body, status="200 OK", headers=(("Content-Type", "text/plain"),)):
    def app(environ, start_response):
        start_response(status, list(headers))
        return body

    return app


def failed(answer):
    return answer["statusCode"] == 500 and "Internal server error" in answer["body"]


# ---------------------------------------------------------------- the iterable


class Closing:
    def __init__(self, chunks, error=None, close_error=None):
        self.chunks = iter(chunks)
        self.error = error
        self.close_error = close_error
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return next(self.chunks)
        except StopIteration:
            if self.error:
                raise self.error from None
            raise

    def close(self):
        self.closed += 1
        if self.close_error:
            raise self.close_error


def generator(environ, start_response):
    yield b""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"hel"
    yield b""
    yield b"lo"


def test_generator_that_starts_late(request_event, handle):
    # wsgiref.validate wants start_response before the first item, PEP 3333 before the first that is not empty.
    assert body_of(handle(generator, request_event, validate=False)) == b"hello"


class BytesSubclass(bytes):
    pass


@pytest.mark.parametrize("make", [list, tuple, iter, lambda chunks: (chunk for chunk in chunks)])
def test_iterables_of_any_kind(make, request_event, handle):
    assert body_of(handle(app_of(make([b"hel", b"lo"])), request_event)) == b"hello"


def test_other_iterables(request_event, handle, tmp_path):
    class Sequence:
        def __getitem__(self, index):
            return [b"hel", b"lo"][index]

    assert body_of(handle(app_of(Sequence()), request_event, validate=False)) == b"hello"
    assert body_of(handle(app_of([BytesSubclass(b"hello")]), request_event, validate=False)) == b"hello"
    path = tmp_path / "file"
    path.write_bytes(b"hello")
    file = path.open("rb")
    assert body_of(handle(app_of(FileWrapper(file)), request_event)) == b"hello"
    assert file.closed


def test_write_callable(request_event, handle):
    def app(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"one,")
        write(b"two,")
        return [b"three"]

    assert body_of(handle(app, request_event)) == b"one,two,three"


def test_close_is_called_once(request_event, handle):
    body = Closing([b"hello"])
    assert body_of(handle(app_of(body), request_event)) == b"hello"
    assert body.closed == 1


def test_close_is_called_when_iterating_fails(request_event, handle, capsys):
    body = Closing([b"hello"], error=ZeroDivisionError("in the middle"))
    assert failed(handle(app_of(body), request_event, validate=False))
    assert body.closed == 1
    assert capsys.readouterr().out.count("ZeroDivisionError: in the middle") == 2, "title and last line of one event"


def test_close_that_fails_does_not_spoil_the_answer(request_event, handle, capsys):
    body = Closing([b"hello"], close_error=OSError("while closing"))
    assert body_of(handle(app_of(body), request_event, validate=False)) == b"hello"
    assert "OSError: while closing" in capsys.readouterr().out


@pytest.mark.parametrize("body", ["text", ["text"], b"bytes", [bytearray(b"x")], [None], None, 5])
def test_bodies_that_are_not_bytes(body, request_event, handle, capsys):
    assert failed(handle(app_of(body), request_event, validate=False))
    assert capsys.readouterr().out.count("\n") == 1


def test_no_start_response(request_event, handle, capsys):
    for body in ([], [b"hello"]):
        assert failed(handle(lambda environ, start_response, body=body: body, request_event, validate=False))
    out = capsys.readouterr().out
    assert "did not call start_response" in out
    assert "before it called start_response" in out


# ---------------------------------------------------------------- start_response


def test_second_start_response(request_event, handle):
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("201 Created", [])
        return []

    assert failed(handle(app, request_event, validate=False))


def test_exc_info_before_output_replaces_the_answer(request_event, handle):
    import sys

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-First", "1")])
        try:
            raise ValueError("oops")
        except ValueError:
            start_response("503 Unavailable", [("Content-Type", "text/html")], sys.exc_info())
        return [b"sorry"]

    answer = handle(app, request_event)
    assert answer["statusCode"] == 503
    assert body_of(answer) == b"sorry"
    assert "X-First" not in json.dumps(answer)


def test_exc_info_after_output_raises_it(request_event, handle, capsys):
    import sys

    def app(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"output")
        try:
            raise ValueError("oops")
        except ValueError:
            start_response("503 Unavailable", [("Content-Type", "text/html")], sys.exc_info())
        raise AssertionError("is not reached")

    assert failed(handle(app, request_event))
    assert "ValueError: oops" in capsys.readouterr().out


@pytest.mark.parametrize(
    "status", [200, b"200 OK", None, "", "20", "OK", "200OK", "2000 OK", "099 Low", "600 High", "200 O\nK", "200 O\rK", "20x OK"]
)
def test_status_validation(status, request_event, handle):
    assert failed(handle(app_of([], status), request_event, validate=False))


@pytest.mark.parametrize("status", ["204 No Content", "599 Café", "404 "])
def test_good_statuses(status, request_event, handle):
    answer = handle(app_of([], status, []), request_event, validate=False)
    assert answer["statusCode"] == int(status[:3])
    assert handle(app_of([], "204", []), request_event, validate=False)["statusCode"] == 204


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-A", "1"),
        (5, "1"),
        ("", "1"),
        ("X A", "1"),
        ("X:A", "1"),
        ("X-\r\nA", "1"),
        ("X-É", "1"),
        ("X-A", b"1"),
        ("X-A", 1),
        ("X-A", None),
        ("X-A", "a\r\nSet-Cookie: b=c"),
        ("X-A", "a\nb"),
        ("X-A", "a\x00b"),
        ("X-A", "a\x7fb"),
        ("X-A", "世"),
    ],
)
def test_header_validation(name, value, request_event, handle):
    assert failed(handle(app_of([], headers=[(name, value)]), request_event, validate=False))


def headers_of(answer):
    lists = answer.get("multiValueHeaders")
    return lists if lists is not None else {name: [value] for name, value in answer["headers"].items()}


def test_header_values_that_are_allowed(request_event, handle):
    tunnelled = "Zoë 世".encode().decode("latin-1")
    answer = handle(
        app_of([], headers=[("X-Tab", "a\tb"), ("X-Utf8", tunnelled), ("X-Latin", "caf\xe9"), ("X-Empty", ""), ("x_odd!", "1")]),
        request_event,
        validate=False,
    )
    assert headers_of(answer) == {
        "x-tab": ["a\tb"],
        "x-utf8": ["Zoë 世"],
        "x-latin": ["caf\xe9"],
        "x-empty": [""],
        "x_odd!": ["1"],
    }


def test_hop_by_hop_headers_are_dropped(request_event, handle):
    names = ("Connection", "Keep-Alive", "Transfer-Encoding", "UPGRADE", "TE", "Trailer")
    answer = handle(app_of([], headers=[(name, "x") for name in names] + [("X-Kept", "1")]), request_event, validate=False)
    assert headers_of(answer) == {"x-kept": ["1"]}


def test_repeated_headers(request_event, handle):
    headers = [("Content-Type", "text/plain"), ("Vary", "Accept"), ("vary", "Cookie"), ("Vary", "Origin")]
    answer = handle(app_of([], headers=headers), request_event)
    if "multiValueHeaders" in answer:
        assert answer["multiValueHeaders"]["vary"] == ["Accept", "Cookie", "Origin"]
    else:
        assert answer["headers"] == {"content-type": "text/plain", "vary": "Accept, Cookie, Origin"}


def test_many_cookies(request_event, handle):
    cookies = [f"c{number}={number}; Path=/" for number in range(40)]
    headers = [("Content-Type", "text/plain"), *(("Set-Cookie", cookie) for cookie in cookies)]
    answer = handle(app_of([], headers=headers), request_event)
    if "cookies" in answer:
        assert answer["cookies"] == cookies
        assert not any(name.lower() == "set-cookie" for name in answer["headers"])
    elif "headers" in answer:
        assert [value for name, value in answer["headers"].items() if name.lower() == "set-cookie"] == cookies
    else:
        assert answer["multiValueHeaders"]["set-cookie"] == cookies


def test_caches_are_bounded(event, handle):
    from zappa import wsgi

    request = event("http-root")
    for number in range(600):
        headers = [("Content-Type", f"text/x-{number}"), (f"X-{number}", "1")]
        assert handle(app_of([b"a"], f"200 Reason {number}", headers), request)["statusCode"] == 200
    assert len(wsgi.NAMES) <= wsgi.CACHE_LIMIT
    assert len(wsgi.CODES) <= wsgi.CACHE_LIMIT

    def many(environ, start_response):
        start_response("200 OK", [("Content-Type", f"text/x-{environ['QUERY_STRING']}")])
        return [b"a"]

    from zappa.handler import make_handler

    handler = make_handler(many, conftest.DEFAULTS)
    for number in (*range(600), *range(600)):
        request["rawQueryString"] = str(number)
        assert handler(request, None)["body"] == "a"


# ---------------------------------------------------------------- text or base64

UTF8 = 'café 世界 \U0001f600 \u2028 \x00 \\ "'.encode()
LATIN = "café".encode("latin-1")
BINARY = bytes(range(256))


@pytest.mark.parametrize(
    ("kind", "body", "encoded"),
    [
        ("text/plain", b"plain", False),
        ("text/html; charset=utf-8", UTF8, False),
        ('text/html; Charset="UTF-8"', UTF8, False),
        ("TEXT/HTML", UTF8, False),
        ("application/json", UTF8, False),
        ("application/problem+json", UTF8, False),
        ("application/ld+json; profile=x", UTF8, False),
        ("image/svg+xml", UTF8, False),
        ("application/javascript", UTF8, False),
        ("application/x-www-form-urlencoded", b"a=b", False),
        ("text/plain", LATIN, True),
        ("application/json", BINARY, True),
        ("text/plain; charset=iso-8859-1", LATIN, True),
        ("text/plain; charset=iso-8859-1", b"ascii", True),
        ("text/plain; charset=utf-16", "a".encode("utf-16"), True),
        ("image/png", BINARY, True),
        ("image/png", b"ascii", True),
        ("application/octet-stream", UTF8, True),
        ("application/pdf", BINARY, True),
        ("", b"no type", True),
    ],
)
def test_the_client_gets_exactly_the_bytes(kind, body, encoded, request_event, handle):
    headers = [("Content-Type", kind)] if kind else []
    answer = handle(app_of([body], headers=headers), request_event, validate=bool(kind))
    assert body_of(answer) == body
    assert answer["isBase64Encoded"] is encoded


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP"])
def test_encoded_content_is_base64(coding, request_event, handle):
    body = gzip.compress(b"hello") if coding != "br" else b"could be text"
    answer = handle(app_of([body], headers=[("Content-Type", "text/plain"), ("Content-Encoding", coding)]), request_event)
    assert answer["isBase64Encoded"] is True
    assert body_of(answer) == body


def test_identity_is_no_encoding(request_event, handle):
    answer = handle(app_of([b"hi"], headers=[("Content-Encoding", "identity"), ("Content-Type", "text/plain")]), request_event)
    assert answer["body"] == "hi"


def test_additional_text_types(request_event, handle):
    app = app_of([b"hi"], headers=[("Content-Type", "application/x-mine")])
    assert handle(app, request_event)["isBase64Encoded"] is True
    assert handle(app, request_event, additional_text_mimetypes=["application/x-mi"])["body"] == "hi"


def test_without_binary_support(request_event, handle, capsys):
    answer = handle(app_of([UTF8], headers=[("Content-Type", "application/x-mine")]), request_event, binary_support=False)
    assert answer["isBase64Encoded"] is False
    assert body_of(answer) == UTF8
    assert capsys.readouterr().out == ""
    answer = handle(app_of([BINARY], headers=[("Content-Type", "image/png")]), request_event, binary_support=False)
    assert answer["isBase64Encoded"] is True
    assert body_of(answer) == BINARY
    assert "[WARNING]" in capsys.readouterr().out


def test_no_body(request_event, handle):
    answer = handle(app_of([], "204 No Content", []), request_event, validate=False)
    assert answer["body"] == ""
    assert answer["isBase64Encoded"] is False


# ---------------------------------------------------------------- sizes

LIMITS = {"rest": 6_291_556, "http": 6_291_556, "function-url": 6_291_556, "alb": 1_048_576, "alb-multi": 1_048_576}


def posted_size(answer):
    """What the runtime posts, by its own encoder."""
    marshaller = pytest.importorskip("awslambdaric.lambda_runtime_marshaller")
    return len(marshaller.to_json(answer).encode())


@pytest.mark.parametrize("runtime", ["AWS_Lambda_python3.11", "AWS_Lambda_python3.13"])
@pytest.mark.parametrize("front", FRONT_DOORS)
@pytest.mark.parametrize("character", ["a", '"', "\x01", "é", "世", "\U0001f600", "\u2028"])
def test_text_of_every_size_fits_or_is_refused(character, front, runtime, event, handle, monkeypatch, capsys):
    monkeypatch.setenv("AWS_EXECUTION_ENV", runtime)
    width = len(character.encode())
    for share in (0.16, 0.4, 0.74, 0.76, 0.99, 1.01):
        body = (character * int(LIMITS[front] * share / width)).encode()
        answer = handle(app_of([body]), event(f"{front}-root"))
        assert posted_size(answer) <= LIMITS[front]
        if answer["statusCode"] == 200:
            assert body_of(answer) == body
        else:
            assert share > 0.74, "as base64 it would have fitted"
            assert "is too large" in capsys.readouterr().out


def test_binary_over_the_limit(event, handle, capsys):
    fits, not_fits = bytes(4_718_000), bytes(4_719_000)
    headers = [("Content-Type", "image/png"), ("X-Long", "x" * 100)]
    answer = handle(app_of([fits], headers=headers), event("rest-root"))
    assert answer["statusCode"] == 200
    assert posted_size(answer) <= LIMITS["rest"]
    answer = handle(app_of([not_fits], headers=headers), event("rest-root"))
    assert failed(answer)
    assert json.loads(answer["body"])["request_id"] == conftest.Context.aws_request_id
    out = capsys.readouterr().out
    assert out.startswith("[ERROR]\t")
    assert "4719000 bytes of body" in out
    assert out.count("\n") == 1


def test_large_text_without_binary_support(event, handle, capsys):
    answer = handle(app_of([b"\x01" * 2_000_000]), event("rest-root"), binary_support=False)
    assert failed(answer)
    assert "is too large" in capsys.readouterr().out


# ---------------------------------------------------------------- whole frameworks


def test_flask(request_event, handle):
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")

    @app.get("/")
    def index():
        answer = flask.jsonify(url=flask.url_for("index", _external=True), address=flask.request.remote_addr)
        answer.set_cookie("a", "1")
        answer.set_cookie("b", "2")
        return answer

    answer = handle(app, request_event)
    assert answer["statusCode"] == 200
    content = json.loads(answer["body"])
    assert content["address"] == "203.0.113.7"
    assert content["url"].startswith("https://")
    assert json.dumps(answer).lower().count("a=1") == 1


def test_flask_form_and_file(event, handle):
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")

    @app.post("/form")
    def form():
        return flask.jsonify(flask.request.form.to_dict(flat=False))

    for front in FRONT_DOORS:
        answer = handle(app, event(f"{front}-form-post"))
        assert json.loads(answer["body"]) == {"name": ["Zoë Doe"], "empty": [""], "tag": ["a", "b"]}
