"""Django's management commands and, where a stage allows it, Python source: run with their output captured and logged."""

from __future__ import annotations

import json
import shlex
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

KEPT = 4_000_000  # bytes of JSON; an answer may have 6 MB
NOTICE = "[the beginning is left out; all of it is in the log]\n"


class Tee:
    """Stands in for a stream: what is written is kept, and still gets to the log."""

    def __init__(self, stream: Any, kept: list[str]) -> None:
        self.stream = stream
        self.kept = kept

    def write(self, text: str) -> int:
        self.kept.append(text)
        self.stream.write(text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def captured(action: Callable[[], Any]) -> tuple[int, str]:
    """Exit status and output, both streams in the order of writing."""
    kept: list[str] = []
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Tee(sys.stdout, kept), Tee(sys.stderr, kept)
    status = 0
    try:
        action()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            sys.stderr.write(error.code + "\n")
    except Exception:
        status = 1
        sys.stderr.write(traceback.format_exc())
    finally:
        sys.stdout, sys.stderr = streams
    return status, shortened("".join(kept))


def shortened(output: str) -> str:
    """The end of it, as much as fits into an answer with every character escaped that JSON or the runtime may escape."""
    if len(json.dumps(output)) <= KEPT:
        return output
    output = output[-KEPT:]
    while (size := len(json.dumps(output))) > KEPT:
        output = output[-(len(output) * KEPT // size) :]
    return NOTICE + output


def manage(command: str | list[str], config: dict[str, Any]) -> dict[str, Any]:
    if not config["django_settings"]:
        raise ValueError("management commands need `django_settings`; this deployment has an app without it")
    arguments = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]

    def action() -> None:
        from django.core.management import ManagementUtility

        # Exits as `manage.py` does: a CommandError is printed, and its status raised as SystemExit.
        ManagementUtility(["manage.py", *arguments]).execute()

    status, output = captured(action)
    return {"zappa": "managed", "status": status, "output": output}


def run_source(source: str, event: Any, context: Any, config: dict[str, Any]) -> dict[str, Any]:
    if not config["allow_raw_invoke"]:
        raise PermissionError("running source is off; set `allow_raw_invoke = true` for this stage and update it to turn it on")

    def action() -> None:
        exec(compile(source, "<raw>", "exec"), {"__name__": "__main__", "event": event, "context": context})  # noqa: S102

    status, output = captured(action)
    return {"zappa": "ran", "status": status, "output": output}
