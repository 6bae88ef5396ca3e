"""What cannot be avoided: reading every file of a bundle, deflating every byte of it, compiling its byte code. `python floor.py FILES SOURCES`
prints the seconds of each, and processor seconds last.

FILES is the bundle as it is unpacked; SOURCES a copy of what is Python source in it, next to which the byte code is written. Run by an interpreter
that has libdeflate, the fastest library there is for whole buffers. All cores work, each a process that is there before the clock starts: threads
would have to share what Python itself does between two files, and `compileall -j` starts its processes in a way that costs more than a small bundle.
"""

from __future__ import annotations

import os
import py_compile
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context

import deflate

LEVEL = 6  # that of src/bundle/cache/members.rs
CORES = os.cpu_count() or 1


def read(paths: list[str]) -> list[bytes]:
    contents = []
    for path in paths:
        with open(path, "rb") as file:
            contents.append(file.read())
    return contents


def compress(contents: list[bytes]) -> None:
    for content in contents:
        deflate.deflate_compress(content, LEVEL)


def compile_sources(paths: list[str]) -> None:
    # Some distributions have files that are for other versions of Python: those fail, for everybody.
    for path in paths:
        py_compile.compile(path, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def shares(things: list, size: Callable) -> list[list]:
    """One for each core, as even as can be."""
    found: list[list] = [[] for _ in range(CORES)]
    sizes = [0] * CORES
    for thing in sorted(things, key=size, reverse=True):
        least = sizes.index(min(sizes))
        found[least].append(thing)
        sizes[least] += size(thing)
    return found


def on_all_cores(work: Callable, things: list, size: Callable) -> float:
    """Seconds until the last one is done."""
    context = get_context("fork")
    start, done = context.Barrier(CORES + 1), context.Barrier(CORES + 1)

    def run(share: list) -> None:
        start.wait()
        work(share)
        done.wait()

    processes = [context.Process(target=run, args=(share,)) for share in shares(things, size)]
    for process in processes:
        process.start()
    start.wait()
    begun = time.perf_counter()
    done.wait()
    took = time.perf_counter() - begun
    for process in processes:
        process.join()
    return took


def processor() -> float:
    """Seconds of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def below(directory: str) -> list[str]:
    return [os.path.join(root, name) for root, _, names in os.walk(directory) for name in names]


def main() -> None:
    files, sources = map(below, sys.argv[1:])
    plain = [path for path in files if not path.endswith(".pyc")]
    byte_code = read([path for path in files if path.endswith(".pyc")])
    to_compile = [path for path in sources if path.endswith(".py")]
    read(plain)  # so that it is memory that is read, for everybody
    worked = processor()
    begun = time.perf_counter()
    contents = read(plain)
    reading = time.perf_counter() - begun
    deflating = on_all_cores(compress, contents + byte_code, len)
    compiling = on_all_cores(compile_sources, to_compile, os.path.getsize)
    print(reading, deflating, compiling, processor() - worked)


main()
