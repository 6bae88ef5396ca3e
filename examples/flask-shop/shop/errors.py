"""Error answers: JSON under /api, pages everywhere else."""

from flask import json, render_template, request
from werkzeug.exceptions import HTTPException


def register(app):
    app.register_error_handler(HTTPException, http_error)


def http_error(error):
    """Also called for exceptions nobody caught: Flask logs those and hands over an InternalServerError."""
    if error.code is None or error.code < 400:
        return error
    if request.path.startswith("/api/"):
        # Filled in, not replaced: a 405 carries an Allow header that must stay.
        response = error.get_response()
        response.data = json.dumps({"error": error.description})
        response.content_type = "application/json"
        return response
    page = {404: "404.html", 500: "500.html"}.get(error.code)
    if page is None:
        return error
    return render_template(page, path=request.path), error.code
