"""Figures as a table, as XML and as a picture."""

from figures.web import app

__all__ = ["app"]
