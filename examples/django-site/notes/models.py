from django.db import models
from django.utils import timezone


class Note(models.Model):
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self):
        return self.title
