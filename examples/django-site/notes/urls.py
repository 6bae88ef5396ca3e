from django.urls import path

from notes import views

app_name = "notes"

urlpatterns = [
    path("", views.NoteList.as_view(), name="list"),
    path("new/", views.NoteAdd.as_view(), name="add"),
    path("<int:pk>/delete/", views.NoteDelete.as_view(), name="delete"),
]
