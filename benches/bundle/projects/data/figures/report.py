import io

import numpy
import pandas
from lxml import etree
from PIL import Image


def table(count):
    return pandas.DataFrame({"number": numpy.arange(count), "square": numpy.arange(count) ** 2})


def as_xml(frame):
    root = etree.Element("figures")
    for row in frame.itertuples():
        etree.SubElement(root, "figure", number=str(row.number), square=str(row.square))
    return etree.tostring(root)


def as_picture(frame):
    squares = frame["square"].to_numpy()
    pixels = (255 * squares / max(1, squares.max())).astype("uint8")
    file = io.BytesIO()
    Image.fromarray(numpy.tile(pixels, (40, 1))).save(file, "PNG")
    return file.getvalue()
