from django.db import models


class Item(models.Model):
    name = models.CharField(max_length=80, unique=True)
    stock = models.PositiveIntegerField(default=0)
    added = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name
