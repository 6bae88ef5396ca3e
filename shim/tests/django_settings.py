SECRET_KEY = "for the tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "django_urls"
INSTALLED_APPS = ["django_commands"]
WSGI_APPLICATION = None
DATABASES = {}
USE_TZ = True
