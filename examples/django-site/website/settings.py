import os
from pathlib import Path

from website.database import THROWAWAY_DATABASE, database_from_url

BASE_DIR = Path(__file__).resolve().parent.parent


def listed(name):
    """The parts of an environment variable that holds a list with commas."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


# Fixed, not random: a session signed by one sandbox must be readable in the next one.
# `manage.py check --deploy` complains as long as this one is in use.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or "django-insecure-development-only"
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"

REGION = os.environ.get("AWS_REGION", "us-east-1")
ALLOWED_HOSTS = listed("DJANGO_ALLOWED_HOSTS") + [
    f".execute-api.{REGION}.amazonaws.com",
    f".lambda-url.{REGION}.on.aws",
    ".localhost",
    "127.0.0.1",
    "[::1]",
]

# AWS ends TLS in front of the site and says so in this header. Its addresses answer nothing but HTTPS, so
# a client gains nothing by sending the header itself.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("DJANGO_SECURE_COOKIES") == "1"
# Only for a proxy that changes the host name, for example a CDN: "https://www.example.com".
CSRF_TRUSTED_ORIGINS = listed("DJANGO_CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "notes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "website.urls"
WSGI_APPLICATION = "website.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "website" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = os.environ.get("DATABASE_URL")
DATABASES = {"default": database_from_url(DATABASE_URL) if DATABASE_URL else THROWAWAY_DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In the cookie, because sandboxes share neither memory nor a file system.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_HTTPONLY = True

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# The leading slash matters, see website/static_urls.py.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "website" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "website.static_urls.StagedStaticFilesStorage"},
}
# Serve the files from where the apps keep them; see "Static files" in the README.
WHITENOISE_USE_FINDERS = True
