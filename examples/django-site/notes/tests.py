from datetime import timedelta
from io import StringIO

from django.core.management import CommandError, call_command
from django.test import Client, TestCase
from django.test.utils import override_script_prefix
from django.utils import timezone

from notes.models import Note
from notes.tasks import prune


class NotesTest(TestCase):
    def test_add_list_delete(self):
        self.client.post("/new/", {"title": "Été", "text": "warm"})
        self.assertContains(self.client.get("/"), "Été")
        note = Note.objects.get()
        self.assertRedirects(self.client.post(f"/{note.pk}/delete/"), "/")
        self.assertFalse(Note.objects.exists())

    def test_form_without_token_is_refused(self):
        answer = Client(enforce_csrf_checks=True).post("/new/", {"title": "x"})
        self.assertEqual(answer.status_code, 403)

    def test_static_urls_follow_the_stage(self):
        self.assertContains(self.client.get("/"), 'href="/static/site.css"')
        with override_script_prefix("/dev/"):
            self.assertContains(self.client.get("/"), 'href="/dev/static/site.css"')

    def test_prune_keeps_what_is_recent(self):
        Note.objects.create(title="new")
        Note.objects.create(title="old", created=timezone.now() - timedelta(days=8))
        self.assertEqual(prune({"kwargs": {"days": 7}}, None), {"days": 7, "deleted": 1})

    def test_report(self):
        Note.objects.create(title="shopping")
        output = StringIO()
        call_command("notes_report", title="two words", stdout=output)
        self.assertEqual(output.getvalue().splitlines()[0], "two words")
        self.assertIn("shopping", output.getvalue())
        with self.assertRaises(CommandError):
            call_command("notes_report", fail=True)
