"""Bytes in and out: upload, downloads and a streamed export."""

import csv
import hashlib
import io
import json
import zipfile

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    send_file,
    send_from_directory,
)

from shop.catalogue import catalogue

blueprint = Blueprint("files", __name__)


@blueprint.get("/upload")
def upload_form():
    return render_template("upload.html")


@blueprint.post("/upload")
def upload():
    sent = request.files.get("file")
    if sent is None:
        abort(400, "send one file in the field `file`")
    content = sent.read()
    return jsonify(
        name=sent.filename,
        content_type=sent.content_type,
        note=request.form.get("note", ""),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


@blueprint.get("/download/logo.png")
def download_logo():
    return send_from_directory(current_app.static_folder, "logo.png", as_attachment=True)


@blueprint.get("/download/catalogue.zip")
def download_catalogue():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # Without a date of its own an entry gets the time of day, and no two downloads are the same.
        entry = zipfile.ZipInfo("catalogue.json", date_time=(2024, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, json.dumps(catalogue.list(), ensure_ascii=False, indent=2))
    packed.seek(0)
    return send_file(packed, mimetype="application/zip", as_attachment=True, download_name="catalogue.zip")


@blueprint.get("/export.csv")
def export():
    """Written row by row. Lambda collects the rows and sends them in one piece; other servers stream them."""
    products = catalogue.list()

    def rows():
        yield csv_row(["id", "name", "price_cents", "stock"])
        for product in products:
            yield csv_row(product.values())

    return Response(rows(), mimetype="text/csv")


def csv_row(values):
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
