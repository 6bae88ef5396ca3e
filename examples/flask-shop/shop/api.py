"""The JSON API under /api."""

from flask import Blueprint, abort, jsonify, make_response, request, url_for

from shop.catalogue import InvalidProduct, catalogue

blueprint = Blueprint("api", __name__, url_prefix="/api")

FIELDS = {"name", "price_cents", "stock"}


@blueprint.get("/products")
def product_list():
    wanted = request.args.get("q", "").casefold()
    return jsonify([product for product in catalogue.list() if wanted in product["name"].casefold()])


@blueprint.get("/products/<int:product_id>")
def product_detail(product_id):
    return jsonify(catalogue.get(product_id) or abort(404, "no such product"))


@blueprint.post("/products")
def product_create():
    sent = request.get_json()
    if not isinstance(sent, dict) or not {"name", "price_cents"} <= sent.keys() <= FIELDS:
        abort(400, "send an object with `name`, `price_cents` and, if you like, `stock`")
    try:
        product = catalogue.add(**sent)
    except InvalidProduct as error:
        abort(400, str(error))
    location = url_for("api.product_detail", product_id=product["id"])
    return jsonify(product), 201, {"Location": location}


@blueprint.delete("/products/<int:product_id>")
def product_delete(product_id):
    if not catalogue.remove(product_id):
        abort(404, "no such product")
    response = make_response("", 204)
    # No content, so no type of it either; Flask puts one in.
    del response.headers["Content-Type"]
    return response
