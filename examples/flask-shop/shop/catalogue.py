"""The shelves: products in memory, filled from products.json when the process starts.

Everything else goes through this class, so a database can take its place here and nowhere else.
"""

import json
from pathlib import Path

SEED = Path(__file__).with_name("products.json")


class InvalidProduct(ValueError):
    """What was sent is not a product; the message is fit for the person who sent it."""


class Catalogue:
    def __init__(self, products):
        self._products = {}
        self._next_id = 1
        for product in products:
            self.add(**product)

    def list(self):
        return list(self._products.values())

    def get(self, product_id):
        return self._products.get(product_id)

    def add(self, name, price_cents, stock=0):
        if not isinstance(name, str) or not name.strip():
            raise InvalidProduct("`name` must be a text that is not empty")
        product = {
            "id": self._next_id,
            "name": name.strip(),
            "price_cents": _whole_number("price_cents", price_cents),
            "stock": _whole_number("stock", stock),
        }
        self._products[product["id"]] = product
        self._next_id += 1
        return product

    def remove(self, product_id):
        return self._products.pop(product_id, None) is not None


def _whole_number(name, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidProduct(f"`{name}` must be a whole number, zero or more")
    return value


catalogue = Catalogue(json.loads(SEED.read_text(encoding="utf-8")))
