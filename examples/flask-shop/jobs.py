"""Work without a web request: a scheduled job, and a function to run by hand with `zappa invoke`."""

import logging

from shop.catalogue import catalogue

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def nightly_report(event, context):
    """Name the products that are running out. `low_stock` comes from `kwargs` in zappa_settings.toml."""
    low_stock = (event.get("kwargs") or {}).get("low_stock", 3)
    running_out = [product["name"] for product in catalogue.list() if product["stock"] <= low_stock]
    logger.info("nightly report: %d products at or below %d", len(running_out), low_stock)
    return {"low_stock": low_stock, "running_out": running_out}


def stock_count(event, context):
    """Count what is on the shelves."""
    products = catalogue.list()
    return {"products": len(products), "items": sum(product["stock"] for product in products)}
