"""Lambda handlers of the contenders, as their documentation writes them. `CONTENDER` in the environment chooses one.

`bare` is what the others are compared with: the app, called with an environ that is there already.
"""

import io
import os
import sys

import app


def direct(wsgi_app, environ):
    """The app without any shim."""
    answer = []

    def start_response(status, headers, exc_info=None):
        answer.append((status, headers))

    result = wsgi_app(environ, start_response)
    try:
        return b"".join(result)
    finally:
        if hasattr(result, "close"):
            result.close()


def plain_environ():
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/hello",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def make(contender, wsgi_app=None):
    """The handler, and with it everything that the contender imports."""
    wsgi_app = wsgi_app or app.app
    if contender == "bare":
        return lambda event, context: {"statusCode": 200, "body": direct(wsgi_app, plain_environ()).decode()}
    if contender == "ours":
        import zappa.handler

        if wsgi_app is app.app:
            return zappa.handler.lambda_handler
        from zappa.startup import read_config

        return zappa.handler.make_handler(wsgi_app, read_config())
    if contender == "apig-wsgi":
        from apig_wsgi import make_lambda_handler

        return make_lambda_handler(wsgi_app, binary_support=True)
    if contender == "serverless-wsgi":
        import serverless_wsgi

        return lambda event, context: serverless_wsgi.handle_request(wsgi_app, event, context)
    import zappa.handler

    if wsgi_app is not app.app:
        import zappa_settings

        zappa_settings.APP_FUNCTION = "binary"
    return zappa.handler.LambdaHandler().handler


if "CONTENDER" in os.environ:
    handler = make(os.environ["CONTENDER"])
