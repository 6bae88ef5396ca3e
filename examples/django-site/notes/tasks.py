"""Scheduled work; see `events` in zappa_settings.toml."""

from datetime import timedelta

from django.utils import timezone

from notes.models import Note


def prune(event, context):
    """Delete notes older than `days`, which comes from `kwargs` in zappa_settings.toml."""
    days = (event.get("kwargs") or {}).get("days", 30)
    deleted, _ = Note.objects.filter(created__lt=timezone.now() - timedelta(days=days)).delete()
    return {"days": days, "deleted": deleted}
