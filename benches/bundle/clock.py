"""Runs one command in place of the benchmark, and says what it took: `python -I -S clock.py LOG COMMAND...` prints seconds, processor seconds, bytes.

A process inherits the largest size of the one that started it as its own, so it is started by one that is small: nothing else is imported here.
"""

import os
import sys
import time


def main() -> None:
    log, *command = sys.argv[1:]
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    files = [(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)]
    begun = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(process, 0)
    took = time.perf_counter() - begun
    # Of the command and of every process that it started and waited for: times are their sum, the size is that of the largest.
    print(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    sys.exit(os.waitstatus_to_exitcode(status) != 0)


main()
