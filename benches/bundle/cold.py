"""The import of a bundled app in a new process, as the sandbox has it: `python cold.py STATEMENT DIRECTORY...` prints milliseconds.

The runtime client is imported before the clock starts, because in Lambda it is there; nothing can be written, as in Lambda.
"""

import sys
import time

import awslambdaric.bootstrap


def main() -> None:
    statement, *directories = sys.argv[1:]
    sys.dont_write_bytecode = True
    # As in Lambda: the task root, layers, and what the runtime brings at the end.
    sys.path[:1] = directories
    loaded = set(sys.modules)
    assert awslambdaric.bootstrap
    begun = time.perf_counter()
    exec(statement)
    took = time.perf_counter() - begun
    elsewhere = [
        name
        for name, module in sys.modules.items()
        if name not in loaded and "site-packages" in (getattr(module, "__file__", None) or "") and not module.__file__.startswith(tuple(directories))
    ]
    assert not elsewhere, elsewhere
    print(took * 1000)


main()
