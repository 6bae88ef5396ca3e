from django.core.management.base import BaseCommand, CommandError

from notes.models import Note


class Command(BaseCommand):
    help = "Print all notes as a table."

    def add_arguments(self, parser):
        parser.add_argument("--title", default="Notes", help="line above the table (default: %(default)s)")
        parser.add_argument("--fail", action="store_true", help="end with an error, to see how one is reported")

    def handle(self, *args, title, fail, **options):
        if fail:
            raise CommandError("told to fail")
        self.stdout.write(title)
        self.stdout.write(f"{'id':>4}  {'created':<16}  title")
        for note in Note.objects.all():
            self.stdout.write(f"{note.pk:>4}  {note.created:%Y-%m-%d %H:%M}  {note.title}")
        self.stdout.write(f"{Note.objects.count()} notes")
