"""The pages a visitor sees, with the cart in the session."""

from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from shop.catalogue import InvalidProduct, catalogue

blueprint = Blueprint("pages", __name__)


@blueprint.app_template_filter("price")
def price(cents):
    return f"{cents // 100}.{cents % 100:02d} €"


@blueprint.get("/")
def index():
    return render_template("index.html", products=catalogue.list())


@blueprint.get("/products")
def products():
    return redirect(url_for("pages.index"))


@blueprint.get("/products/<int:product_id>")
def product(product_id):
    return render_template("product.html", product=catalogue.get(product_id) or abort(404))


@blueprint.get("/products/new")
def new_product():
    return render_template("product_form.html", form={}, problem=None)


@blueprint.post("/products/new")
def add_product():
    form = request.form
    try:
        added = catalogue.add(
            form.get("name", ""),
            whole_number(form.get("price_cents", "")),
            whole_number(form.get("stock", "")),
        )
    except InvalidProduct as error:
        return render_template("product_form.html", form=form, problem=str(error)), 400
    flash(f"Added {added['name']}.")
    return redirect(url_for("pages.product", product_id=added["id"]), code=303)


def whole_number(text):
    """Leave a text that is not a number as it is: the catalogue refuses it by the name of its field."""
    return int(text) if text.isascii() and text.isdigit() else text


@blueprint.get("/cart")
def cart():
    # JSON has no integer keys, so the ids in the session are text.
    lines = [(catalogue.get(int(key)), count) for key, count in session.get("cart", {}).items()]
    # A product added in another sandbox may be unknown in this one.
    lines = [(product, count) for product, count in lines if product is not None]
    total = sum(product["price_cents"] * count for product, count in lines)
    return render_template("cart.html", lines=lines, total=total)


@blueprint.post("/cart/add/<int:product_id>")
def cart_add(product_id):
    product = catalogue.get(product_id) or abort(404)
    contents = dict(session.get("cart", {}))
    contents[str(product_id)] = contents.get(str(product_id), 0) + 1
    session["cart"] = contents
    flash(f"{product['name']} is in your cart.")
    return redirect(url_for("pages.cart"), code=303)


@blueprint.post("/cart/clear")
def cart_clear():
    session.pop("cart", None)
    flash("Your cart is empty.")
    return redirect(url_for("pages.cart"), code=303)


@blueprint.get("/café/<name>")
def cafe(name):
    return render_template("cafe.html", name=name)


@blueprint.get("/preferences")
def preferences():
    """Three Set-Cookie headers in one answer; none of them may get lost or be merged."""
    response = make_response(render_template("preferences.html", cookies=request.cookies))
    response.set_cookie("currency", "EUR", max_age=3600, samesite="Lax")
    response.set_cookie("language", "fr", path=request.script_root + "/", httponly=True, samesite="Lax")
    response.set_cookie("visited", "yes", samesite="Lax")
    return response


@blueprint.get("/broken")
def broken():
    """Only here to show the page for status 500."""
    raise RuntimeError("this page always fails")
