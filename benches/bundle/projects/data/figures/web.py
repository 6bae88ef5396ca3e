from flask import Flask, Response

from figures import report

app = Flask(__name__)


@app.get("/<int:count>.xml")
def xml(count):
    return Response(report.as_xml(report.table(count)), content_type="application/xml")


@app.get("/<int:count>.png")
def picture(count):
    return Response(report.as_picture(report.table(count)), content_type="image/png")
