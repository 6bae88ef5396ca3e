"""Which database: the one that DATABASE_URL names, or a file that nobody will miss.

Written out, since it is a few lines; `dj-database-url` knows more schemes if the site needs them.
"""

import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "sqlite": "django.db.backends.sqlite3",
}

THROWAWAY_DATABASE = {
    "ENGINE": ENGINES["sqlite"],
    "NAME": Path(tempfile.gettempdir()) / "django-site.sqlite3",
}


def database_from_url(url):
    """Turn `scheme://user:password@host:port/name?option=value` into an entry of DATABASES."""
    parts = urlsplit(url)
    if parts.scheme not in ENGINES:
        # Not the whole URL: it may hold a password, and this ends up in a log.
        raise ImproperlyConfigured(f"DATABASE_URL has the scheme {parts.scheme!r}; known are {', '.join(ENGINES)}")
    engine = ENGINES[parts.scheme]
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "sqlite":
        # Three slashes for a relative path, four for an absolute one.
        return {"ENGINE": engine, "NAME": name}
    return {
        "ENGINE": engine,
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        # A frozen sandbox may wake up with a connection that the server closed long ago.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
