"""Make the throw-away database usable: tables, and an administrator if the environment names one."""

import os

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.utils.crypto import salted_hmac


def prepare():
    call_command("migrate", interactive=False, verbosity=0)
    username = os.environ.get("DJANGO_SUPERUSER_USERNAME")
    password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
    if username and password:
        ensure_administrator(username, password)


def ensure_administrator(username, password):
    # A session is bound to the stored hash. A random salt would give each sandbox another hash, and
    # the next sandbox would log the administrator out; so the salt comes from SECRET_KEY.
    salt = salted_hmac("website.throwaway", username).hexdigest()[:32]
    get_user_model().objects.update_or_create(
        username=username,
        defaults={
            "password": make_password(password, salt=salt),
            "is_staff": True,
            "is_superuser": True,
        },
    )
