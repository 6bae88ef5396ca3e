from django.contrib.messages.views import SuccessMessageMixin
from django.urls import reverse_lazy
from django.views.generic import CreateView, DeleteView, ListView

from notes.models import Note


class NoteList(ListView):
    model = Note
    paginate_by = 50


class NoteAdd(SuccessMessageMixin, CreateView):
    model = Note
    fields = ["title", "text"]
    success_url = reverse_lazy("notes:list")
    success_message = "Added %(title)s."


class NoteDelete(SuccessMessageMixin, DeleteView):
    model = Note
    success_url = reverse_lazy("notes:list")
    success_message = "Deleted."
