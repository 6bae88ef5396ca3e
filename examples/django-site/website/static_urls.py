"""Static URLs that follow the stage.

Behind the default address of a REST API the site lives under a stage, such as /dev, and the same deployment may also
have a domain without one. Django puts SCRIPT_NAME in front of a relative STATIC_URL only once, when the setting is
first read, and WhiteNoise reads it before the first request tells what SCRIPT_NAME is. So STATIC_URL is absolute, and
the stage is added here for each request.
"""

from django.contrib.staticfiles.storage import StaticFilesStorage
from django.urls import get_script_prefix


class StageMixin:
    def url(self, *args, **kwargs):
        return get_script_prefix().rstrip("/") + super().url(*args, **kwargs)


class StagedStaticFilesStorage(StageMixin, StaticFilesStorage):
    pass
