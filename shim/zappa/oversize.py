"""Keeps an answer within what the front door takes. Imported for large answers only.

Lambda refuses a response over 6 MB (a load balancer one over 1 MB) with an error that the app's log does not show.
"""

from __future__ import annotations

import json
import os
from binascii import b2a_base64

from .failure import error_answer, log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .wsgi import Answer

# The runtime's JSON encoder writes text as it is from here on, and as an escape of six characters everything beyond ASCII before.
UNESCAPED = ("AWS_Lambda_python3.12", "AWS_Lambda_python3.13", "AWS_Lambda_python3.14", "AWS_Lambda_python3.15")
ENVELOPE = 200  # the fixed keys of the payload


def json_size(answer: Answer, text: str, encoded: bool) -> int:
    headers = sum(len(name) + 6 * len(value) + 8 for name, values in answer.headers.items() for value in values)
    if encoded:
        body = len(text)
    elif os.environ.get("AWS_EXECUTION_ENV") in UNESCAPED:
        # Two line separators are escaped all the same: six bytes instead of three.
        body = len(json.dumps(text, ensure_ascii=False).encode()) + 3 * (text.count("\u2028") + text.count("\u2029"))
    else:
        body = len(json.dumps(text))
    return ENVELOPE + headers + body


def fit(
    answer: Answer, data: bytes, text: str, encoded: bool, limit: int, config: dict[str, Any], context: Any
) -> tuple[Answer, str, bool]:
    size = json_size(answer, text, encoded)
    if size > limit and not encoded and config["binary_support"]:
        # Escapes can make text longer than base64 is.
        text, encoded = b2a_base64(data, newline=False).decode("ascii"), True
        size = min(size, json_size(answer, text, encoded))
    if size <= limit:
        return answer, text, encoded
    log("ERROR", f"the answer is too large: {size} bytes as JSON ({len(data)} bytes of body), of {limit} that can be sent", context)
    answer = error_answer(context)
    return answer, answer.body().decode(), False
