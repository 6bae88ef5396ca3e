"""Run one handler once, as the managed runtime would: what to run comes on standard input, the answer goes to a file."""

import importlib
import json
import os
import sys
import time
import traceback


class Context:
    def __init__(self, request):
        self.aws_request_id = request["request_id"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = request["arn"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = self.client_context = None
        self._deadline = time.monotonic() + request["timeout"]

    def get_remaining_time_in_millis(self):
        return max(int((self._deadline - time.monotonic()) * 1000), 0)


def main():
    request = json.load(sys.stdin)
    # The interpreter's own site-packages are not Lambda's: only the bundle counts.
    sys.path[:] = request["paths"] + [path for path in sys.path[1:] if "site-packages" not in path]
    module, _, function = request["handler"].rpartition(".")
    failed, begin, init = True, time.monotonic(), 0.0
    try:
        handler = getattr(importlib.import_module(module.replace("/", ".")), function)
        init, begin = time.monotonic() - begin, time.monotonic()
        payload = json.dumps(handler(json.loads(request["event"]), Context(request)))
        failed = False
    except Exception as error:
        payload = json.dumps(error_object(error, request))
        print(f"[ERROR] {type(error).__name__}: {error}\n{traceback.format_exc()}")
    answer = {"payload": payload, "failed": failed, "init_ms": init * 1000, "duration_ms": (time.monotonic() - begin) * 1000}
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


def error_object(error, request):
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request["request_id"],
        "stackTrace": traceback.format_tb(error.__traceback__),
    }


main()
