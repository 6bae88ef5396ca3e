import sys

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("words", nargs="*")
        parser.add_argument("--how", default="well")

    def handle(self, *args, **options):
        how = options["how"]
        if how == "badly":
            raise CommandError("cannot speak", returncode=3)
        if how == "not":
            raise ZeroDivisionError("lost for words")
        if how == "exit":
            sys.exit("gone")
        if how == "leave":
            sys.exit()
        if how == "long":
            self.stdout.write("long " * 1_000_000)
        self.stdout.write(" | ".join(options["words"]))
        print("printed")
        self.stderr.writelines(["to ", "standard error\n"]) if how == "lines" else self.stderr.write("to standard error")
        print(sys.stdout.isatty(), sys.stdout.encoding is not None)
