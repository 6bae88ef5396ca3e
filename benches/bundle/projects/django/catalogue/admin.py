from django.contrib import admin

from catalogue.models import Item

admin.site.register(Item)
