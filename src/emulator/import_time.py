"""Imports a handler as a sandbox does, under `-X importtime`: argv is a mark, the module, and directories that follow the task root on `sys.path`.

What the runtime has loaded before it gets to the handler is loaded before the first mark; what was raised stands behind the last one.
"""

import importlib
import importlib.util
import json
import os
import sys

mark, module, *directories = sys.argv[1:]
sys.argv = [""]
# The first is the working directory, the task root.
sys.path[1:1] = directories
try:
    import awslambdaric.bootstrap
except Exception:
    pass


def import_module(name, package=None):
    """`importlib`'s own goes past the interpreter's clock, and what it loads would count for whoever asked for it."""
    if name.startswith("."):
        name = importlib.util.resolve_name(name, package)
    __import__(name)
    return sys.modules[name]


importlib.import_module = import_module


def say(text):
    data = f"\n{mark} {text}\n".encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(2, data) :]


def told(error):
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames if frame.filename[:1] != "<"]
    return {"type": type(error).__name__, "message": str(error), "frames": where[-8:]}


say("begin")
raised = None
try:
    __import__(module)
except BaseException as error:
    raised = told(error)
say(json.dumps(raised))
os._exit(0)
