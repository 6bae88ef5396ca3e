"""Requests that were sent to AWS, checked against AWS's own service models, as botocore has them.

    validate.py CALLS.jsonl     one request a line, as `Request.from_json` reads it; a line for every problem, and exit status 1 if there are any

Stand-ins for AWS accept nearly everything; this does not.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from catalogue import Request, find, services
from constraints import check
from limits import check_limits
from wire import parameters


def problems(request: Request) -> Iterator[str]:
    """Everything that AWS would refuse about the request, the operation's name first."""
    if not services(request.service):
        yield f"{request.service}: is not a service"
        return
    found = find(request)
    name = f"{request.service}:{found.model.name if found else request.operation or '?'}"
    if found is None:
        yield f"{name} {request.method} {request.path}: is not an operation"
        return
    if request.operation not in (None, found.model.name):
        yield f"{name} is recorded as {request.operation}"
    region, signed_for = request.scope or (None, None)
    if signed_for not in (None, found.model.service_model.signing_name):
        yield f"{name} is signed for `{signed_for}`"
    for problem in _problems(request, found, region):
        yield f"{name} {problem}"


def _problems(request: Request, found: Any, region: str | None) -> Iterator[str]:
    reported = list[str]()
    values = parameters(request, found, reported.append)
    shape = found.model.input_shape
    if shape:
        reported.extend(check(shape, values))
    # The limits read what the models know.
    if not reported:
        reported.extend(check_limits(found.model.service_model.service_name, found.model.name, values, region))
    yield from dict.fromkeys(reported)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    validated, failed = Counter[str](), False
    with open(arguments[0], encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            request = Request.from_json(json.loads(line))
            for problem in problems(request):
                failed = True
                print(f"#{number} {problem}")
            validated[request.service] += 1
    if not failed:
        print(
            f"{validated.total()} requests are valid: {', '.join(f'{count} {service}' for service, count in sorted(validated.items()))}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
