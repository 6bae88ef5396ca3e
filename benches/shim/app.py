"""The app that is measured: one Flask route that answers JSON, and one plain WSGI app that answers with 1 MB of bytes."""

import os

from flask import Flask, jsonify

app = Flask(__name__)
DATA = os.urandom(1_000_000)


@app.get("/hello")
def hello():
    return jsonify(message="hello", items=[1, 2, 3])


def binary(environ, start_response):
    start_response("200 OK", [("Content-Type", "image/png"), ("Content-Length", str(len(DATA)))])
    return [DATA]
