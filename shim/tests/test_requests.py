"""Every event of the shared fixtures: what the app sees, and that the answer is of the same shape."""

from __future__ import annotations

import base64
import copy
import json

import conftest
import pytest

FILES = conftest.event_files()
FRONT_DOORS = ("rest", "http", "function-url", "alb", "alb-multi")


@pytest.fixture(params=FILES, ids=[path.stem for path in FILES])
def fixture(request):
    return conftest.load(request.param)


class Recorder:
    """Answers with what it read, and keeps the environ."""

    def __init__(self):
        self.environ = None
        self.body = None

    def __call__(self, environ, start_response):
        self.environ = dict(environ)
        self.body = environ["wsgi.input"].read(10_000_000)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else b"hello"]


def test_fixtures_are_there():
    assert len(FILES) > 150
    assert {conftest.load(path)["front_door"] for path in FILES} == {*FRONT_DOORS, "http-1.0"}


def test_environ(fixture, handle, context):
    app = Recorder()
    before = copy.deepcopy(fixture["event"])
    handle(app, fixture["event"], **fixture.get("config", {}))
    plain = {key: value for key, value in app.environ.items() if "." not in key}
    assert plain == fixture["environ"]
    assert app.environ["wsgi.url_scheme"] == "https"
    assert app.environ["lambda.event"] is fixture["event"]
    assert app.environ["lambda.context"] is context
    assert fixture["event"] == before, "an event belongs to Lambda"


def test_body_is_readable_for_every_method(fixture, handle):
    app = Recorder()
    handle(app, fixture["event"])
    request = fixture.get("request")
    if request is not None:
        assert app.body == base64.b64decode(request["body"] or "")
    assert len(app.body) == int(app.environ.get("CONTENT_LENGTH", 0))


def test_answer_has_the_shape_of_the_request(fixture, handle):
    answer = handle(Recorder(), fixture["event"])
    front = fixture["front_door"]
    head = fixture["environ"]["REQUEST_METHOD"] == "HEAD"
    assert answer["statusCode"] == 200
    assert answer["body"] == ("" if head else "hello")
    assert answer["isBase64Encoded"] is False
    json.dumps(answer)
    keys = {"statusCode", "body", "isBase64Encoded"}
    if front in ("rest", "http-1.0"):
        assert set(answer) == keys | {"multiValueHeaders"}
        assert answer["multiValueHeaders"] == {"content-type": ["text/plain"], "set-cookie": ["a=1", "b=2"]}
    elif front in ("http", "function-url"):
        assert set(answer) == keys | {"headers", "cookies"}
        assert answer["headers"] == {"content-type": "text/plain"}
        assert answer["cookies"] == ["a=1", "b=2"]
    elif front == "alb-multi":
        assert set(answer) == keys | {"multiValueHeaders", "statusDescription"}
        assert answer["multiValueHeaders"] == {"content-type": ["text/plain"], "set-cookie": ["a=1", "b=2"]}
    else:
        assert set(answer) == keys | {"headers", "statusDescription"}
        assert answer["statusDescription"] == "200 OK"
        assert answer["headers"] == {"content-type": "text/plain", "set-cookie": "a=1", "Set-cookie": "b=2"}


@pytest.mark.parametrize("front", FRONT_DOORS)
def test_head_sends_no_body_whatever_the_app_says(front, event, handle):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]

    answer = handle(app, event(f"{front}-head"), validate=False)
    assert answer["body"] == ""
    assert answer["isBase64Encoded"] is False


def test_plain_http_in_front(event, handle):
    """The emulator is reached without TLS, and says so."""
    request = event("http-root")
    request["headers"].update({"x-forwarded-proto": "http", "x-forwarded-port": "8000", "host": "127.0.0.1:8000"})
    app = Recorder()
    handle(app, request)
    assert app.environ["wsgi.url_scheme"] == "http"
    assert app.environ["SERVER_PORT"] == "8000"
    assert "HTTPS" not in app.environ
    del request["headers"]["x-forwarded-port"]
    handle(app, request)
    assert app.environ["SERVER_PORT"] == "80"


@pytest.mark.parametrize(
    ("host", "name"),
    [("shop.example.org:8443", "shop.example.org"), ("[::1]:8000", "[::1]"), ("[::1]", "[::1]"), ("", "localhost")],
)
def test_server_name_from_the_host(host, name, event, handle):
    request = event("alb-root")
    request["headers"]["host"] = host
    app = Recorder()
    handle(app, request)
    assert app.environ["SERVER_NAME"] == name


def test_balancer_address_with_port(event, handle):
    request = event("alb-root")
    app = Recorder()
    for written, seen in (("6.6.6.6, 203.0.113.7:4711", "203.0.113.7"), ("2001:db8::7", "2001:db8::7")):
        request["headers"]["x-forwarded-for"] = written
        handle(app, request)
        assert app.environ["REMOTE_ADDR"] == seen


def test_base_path_behind_a_balancer(event, handle):
    request = event("alb-no-query")
    request["path"] = "/shop/orders"
    app = Recorder()
    handle(app, request, base_path="/shop/")
    assert (app.environ["SCRIPT_NAME"], app.environ["PATH_INFO"]) == ("/shop", "/orders")


def test_base_path_that_the_event_does_not_show(event, handle):
    request = event("rest-custom-domain-base-path")
    request["pathParameters"] = None
    app = Recorder()
    handle(app, request, base_path="v1/shop")
    assert (app.environ["SCRIPT_NAME"], app.environ["PATH_INFO"]) == ("/v1/shop", "/orders/17/")


def test_encoded_prefix(event, handle):
    request = event("rest-root")
    request["requestContext"]["path"] = "/d%C3%A9v/"
    app = Recorder()
    handle(app, request)
    assert app.environ["SCRIPT_NAME"] == "/dév".encode().decode("latin-1")


def test_smallest_hand_written_events(handle):
    app = Recorder()
    for request in (
        {"httpMethod": "GET", "path": "/a"},
        {"version": "1.0", "httpMethod": "GET", "path": "/a"},
        {"version": "2.0", "requestContext": {"http": {"method": "GET", "path": "/a"}}},
        {"httpMethod": "GET", "path": "/a", "requestContext": {"elb": {}}},
    ):
        assert handle(app, request)["statusCode"] == 200
        assert app.environ["PATH_INFO"] == "/a"
        assert app.environ["SERVER_NAME"] == "localhost"
        assert app.environ["REMOTE_ADDR"] == ""


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/100%", "/100%"),
        ("/%zz%4", "/%zz%4"),
        ("/% 4", "/% 4"),
        ("/%41%2f", "/A/"),
        ("/é%FF", "/Ã©\xff"),
    ],
)
def test_odd_escapes(raw, decoded, event, handle):
    request = event("alb-root")
    request["path"] = raw
    app = Recorder()
    handle(app, request)
    assert app.environ["PATH_INFO"] == decoded


def test_names_that_clients_invent_do_not_fill_the_memory(event, handle):
    from zappa import environ

    request = event("http-root")
    request["headers"].update({f"x-invented-{number}": "1" for number in range(600)})
    app = Recorder()
    handle(app, request)
    assert app.environ["HTTP_X_INVENTED_599"] == "1"
    assert len(environ.KEYS) == 512


@pytest.mark.parametrize("front", ["http", "function-url", "alb"])
def test_headers_outside_ascii(front, event, handle):
    request = event(f"{front}-root")
    request["headers"].update({"x-name": "Zoë", "x_name": "é", "proxy": "é"})
    app = Recorder()
    handle(app, request)
    assert app.environ["HTTP_X_NAME"] == "Zoë".encode().decode("latin-1")
    assert "HTTP_PROXY" not in app.environ
    assert "" not in app.environ


def test_body_with_a_lone_surrogate(event, handle):
    request = event("http-text-body")
    request["body"] = "\ud800"
    app = Recorder()
    handle(app, request)
    assert app.body == b"\xed\xa0\x80"


def test_context_header_mappings(event, handle):
    request = event("rest-authorizer-cognito")
    request["multiValueHeaders"]["X-Subject"] = ["spoofed"]
    request["multiValueHeaders"]["X-Missing"] = ["spoofed"]
    mappings = {
        "X-Subject": "authorizer.claims.sub",
        "X_Claims": "authorizer.claims",
        "X-Missing": "authorizer.nothing.here",
        "X-Stage": "stage",
    }
    app = Recorder()
    handle(app, request, context_header_mappings=mappings)
    claims = request["requestContext"]["authorizer"]["claims"]
    assert app.environ["HTTP_X_SUBJECT"] == claims["sub"]
    assert json.loads(app.environ["HTTP_X_CLAIMS"]) == claims
    assert app.environ["HTTP_X_STAGE"] == "dev"
    assert "HTTP_X_MISSING" not in app.environ
    handle(app, event("http-root"), context_header_mappings=mappings)
    assert "HTTP_X_SUBJECT" not in app.environ


def test_the_authorizer_itself_is_at_hand(event, handle):
    request = event("http-authorizer-jwt")
    app = Recorder()
    handle(app, request)
    assert app.environ["lambda.authorizer"] is request["requestContext"]["authorizer"]


HEALTHY = [
    ("rest-root", {"path": "/.zappa/health", "resource": "/{proxy+}", "pathParameters": {"proxy": ".zappa/health"}}, {}),
    ("rest-custom-domain-base-path", {"path": "/v1/shop/.zappa/health", "pathParameters": {"proxy": ".zappa/health"}}, {}),
    ("http-root", {"rawPath": "/.zappa/health"}, {}),
    ("http-named-stage", {"rawPath": "/dev/.zappa/health"}, {}),
    ("http-custom-domain-named-stage", {"rawPath": "/dev/shop/.zappa/health"}, {"base_path": "shop"}),
    ("function-url-root", {"rawPath": "/.zappa/health"}, {}),
    ("alb-root", {"path": "/shop/.zappa/health"}, {"base_path": "shop"}),
    ("alb-multi-root", {"path": "/.zappa/health"}, {}),
]


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize(("name", "changes", "config"), HEALTHY, ids=[name for name, _, _ in HEALTHY])
def test_the_health_path_is_not_the_apps(name, changes, config, head, event, handle):
    request = {**event(name), **changes}
    about = request["requestContext"]
    if "http" in about:
        about["http"].update(path=changes["rawPath"], method="HEAD" if head else "GET")
    else:
        request["httpMethod"] = "HEAD" if head else "GET"
        if "path" in about:
            about["path"] = ("/" + about["stage"] if ".execute-api." in about["domainName"] else "") + changes["path"]
    app = Recorder()
    answer = handle(app, request, **config)
    assert app.environ is None
    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (200, "" if head else "ok\n", False)
    headers = answer.get("headers") or {key: values[0] for key, values in answer["multiValueHeaders"].items()}
    assert headers == {"content-type": "text/plain", "cache-control": "no-store"}


@pytest.mark.parametrize("path", ["/.zappa", "/.zappa/healthy", "/.zappa/health/", "/shop/.zappa/health", "/.ZAPPA/health"])
def test_what_looks_like_the_health_path_is_the_apps(path, event, handle):
    app = Recorder()
    handle(app, {**event("alb-root"), "path": path})
    assert app.environ["PATH_INFO"] == path
