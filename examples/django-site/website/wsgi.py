import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "website.settings")

application = get_wsgi_application()

# Django must be set up before these can be imported.
from django.conf import settings  # noqa: E402

from website import throwaway  # noqa: E402

if not settings.DATABASE_URL:
    throwaway.prepare()
