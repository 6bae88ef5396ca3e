from catalogue.views import ItemViewSet, label
from django.contrib import admin
from django.urls import include, path
from rest_framework.routers import DefaultRouter

router = DefaultRouter()
router.register("items", ItemViewSet)

urlpatterns = [path("admin/", admin.site.urls), path("api/", include(router.urls)), path("labels/<int:number>", label)]
