"""One contender in a process of its own. Reads a line for each round from standard input and answers with numbers.

worker.py import CONTENDER        milliseconds that it takes to import after the app (one round, then it ends)
worker.py request CONTENDER FILE  microseconds a call: the app directly, and through the contender, in turn
worker.py binary CONTENDER FILE   microseconds a call: base64 alone, and an answer of 1 MB
"""

import base64
import copy
import io
import json
import sys
import time


def timed(function, times):
    start = time.perf_counter()
    for _ in range(times):
        function()
    return (time.perf_counter() - start) / times * 1e6


class Context:
    aws_request_id = "3f1c1c1e-2f4b-4c6e-9a53-5b8a6a2d7c10"
    function_name = "shop-dev"


def full_environ(handlers, app, handler, event):
    """The environ that a direct call needs, taken from a request through the contender itself: same headers, same size."""
    seen = []
    wsgi_app = app.app.wsgi_app
    app.app.wsgi_app = lambda environ, start_response: seen.append(dict(environ)) or wsgi_app(environ, start_response)
    handler(event, Context)
    app.app.wsgi_app = wsgi_app
    environ = {key: value for key, value in seen[0].items() if not key.startswith(("werkzeug.", "flask."))}
    environ["wsgi.input"] = io.BytesIO()
    return environ


def main():
    what, contender = sys.argv[1:3]
    out = sys.stdout
    sys.stdout = io.StringIO()  # some contenders print
    if what == "import":
        import awslambdaric.bootstrap  # noqa: F401 (what the runtime has loaded before the handler)

        import app  # noqa: F401 (of the app, not of the shim)
        import handlers

        start = time.perf_counter()
        handlers.make(contender)
        if contender == "ours":
            import zappa.rest  # noqa: F401 (imported by the first request)
        print((time.perf_counter() - start) * 1e3, file=out, flush=True)
        return
    import app
    import handlers

    with open(sys.argv[3], encoding="utf-8") as file:
        event = json.load(file)["event"]
    if what == "request":
        handler = handlers.make(contender)
        answer = handler(copy.deepcopy(event), Context)
        assert answer["statusCode"] == 200, answer
        environ = full_environ(handlers, app, handler, event)
        subjects = [lambda: handlers.direct(app.app, dict(environ)), lambda: handler(event, Context)]
        times = 200
    else:
        handler = handlers.make(contender, app.binary)
        answer = handler(copy.deepcopy(event), Context)
        assert base64.b64decode(answer["body"]) == app.DATA
        subjects = [lambda: base64.b64encode(app.DATA), lambda: handler(event, Context)]
        times = 20
    for subject in subjects:
        timed(subject, times)
    for _ in sys.stdin:
        print(*(timed(subject, times) for subject in subjects), file=out, flush=True)


main()
