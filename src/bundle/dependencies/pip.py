"""pip, to which environment markers mean what they mean on the target: `-c SOURCE MARKERS ARGUMENTS...`.

pip has options for the tags of wheels there and evaluates markers, those of dependencies' dependencies too, for the interpreter that runs it.
"""

import sys

# As pip does for itself: the directory that it works in is nobody's library.
sys.path[:] = [entry for entry in sys.path if entry]

import json
import runpy

there = json.loads(sys.argv.pop(1))
try:
    from pip._vendor.packaging import markers

    here = markers.default_environment
except (ImportError, AttributeError) as error:
    if getattr(error, "name", None) != "pip":
        print(f"markers are this machine's: {error}", file=sys.stderr)
else:
    markers.default_environment = lambda: {**here(), **there}
runpy.run_module("pip", run_name="__main__", alter_sys=True)
