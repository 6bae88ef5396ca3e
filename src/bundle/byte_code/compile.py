"""Run by zappa in an interpreter of the target's minor version (`python -s -S -B -c`): compiles Python sources to unchecked-hash byte code (PEP 552).

First says which interpreter it is. Then reads source after source from standard input and answers each on standard output, until that ends. A
request is two lengths (little-endian, 4 bytes each), the path that the code will have, and the source; an answer is one byte (0: byte code, 1: why
there is none), a length and that many bytes.
"""

import sys

# The working directory is not ours to import from.
sys.path[:] = [path for path in sys.path if path]

from importlib.util import MAGIC_NUMBER, source_hash  # noqa: E402
from marshal import dumps  # noqa: E402

# "Hash-based", and not "check the source".
UNCHECKED_HASH = (1).to_bytes(4, "little")


def compiled(path, source):
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    return MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + dumps(code)


def main():
    read, write, flush = sys.stdin.buffer.read, sys.stdout.buffer.write, sys.stdout.buffer.flush

    def answer(status, content):
        write(bytes((status,)) + len(content).to_bytes(4, "little") + content)
        flush()

    answer(0, ("%s %d.%d" % ((sys.implementation.name,) + sys.version_info[:2])).encode())
    while True:
        head = read(8)
        if len(head) < 8:
            return
        path = read(int.from_bytes(head[:4], "little")).decode()
        source = read(int.from_bytes(head[4:], "little"))
        try:
            answer(0, compiled(path, source))
        except (SyntaxError, ValueError, OverflowError, RecursionError) as error:
            answer(1, ("%s: %s" % (type(error).__name__, error)).encode("utf-8", "backslashreplace"))


main()
