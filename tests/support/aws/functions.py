"""What Lambda does with code and moto does not: run it.

moto keeps the archive and the configuration of every version; here each invocation runs the handler in a process of its own, with the variables of the
managed runtime, and what it writes goes to the log group and into the log tail.
"""

import base64
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import uuid
import zipfile

import boto3
from moto.awslambda import models, responses
from moto.awslambda.utils import get_backend

# Set once the server listens: where a function finds AWS.
endpoint = ""

_SANDBOX = pathlib.Path(__file__).with_name("sandbox.py")
_LOG_TAIL = 4096
# What AWS grants init beside the function's own timeout.
_INIT_SECONDS = 10

# What the managed runtime has of its own, behind everything of the function's.
_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")

_interpreter = ""
_unpacked_archives = {}
_unpacking = threading.Lock()
_children = set()
_directory = pathlib.Path()


def install(interpreter):
    global _interpreter, _directory
    _interpreter = interpreter
    _directory = pathlib.Path(tempfile.mkdtemp(prefix="zappa-test-functions-"))
    (_directory / "runtime").mkdir()
    for module in _RUNTIME:
        (_directory / "runtime" / module).symlink_to(pathlib.Path(boto3.__file__).parents[1] / module)
    responses.LambdaResponse.invoke = invoke
    models.LambdaFunction.invoke = deliver


def end_all():
    """Leave neither process nor file."""
    for child in list(_children):
        child.kill()
    shutil.rmtree(_directory, ignore_errors=True)


def invoke(self):
    """`Invoke`, in the place of moto's own."""
    name = responses.unquote(self.path.rsplit("/", 2)[-2])
    # Raises what AWS answers if there is no such function or version.
    function = self.backend.get_function(name, self._get_param("Qualifier"))
    # Reserved for the function, not for a version.
    if self.backend.get_function(function.function_name).reserved_concurrency == 0:
        headers = {"x-amzn-errortype": "TooManyRequestsException", "status": 429}
        return 429, headers, json.dumps({"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded."})
    kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    version = str(function.version)
    headers = {"x-amz-executed-version": version, "x-amzn-requestid": str(uuid.uuid4()), "content-type": "application/json"}
    if kind == "DryRun":
        return 204, headers | {"status": 204}, ""
    event = self.body or "{}"
    if kind == "Event":
        threading.Thread(target=run, args=(function, headers["x-amzn-requestid"], event), daemon=True).start()
        return 202, headers | {"status": 202}, ""
    payload, failed, log = run(function, headers["x-amzn-requestid"], event)
    if failed:
        headers["x-amz-function-error"] = "Unhandled"
    if self.headers.get("X-Amz-Log-Type") == "Tail":
        headers["x-amz-log-result"] = base64.b64encode(log.encode()[-_LOG_TAIL:]).decode()
    return 200, headers, payload


def deliver(function, body, request_headers, response_headers):
    """What other services of moto (topics, queues, buckets) do with an event."""
    payload, failed, _ = run(function, str(uuid.uuid4()), body)
    if failed:
        response_headers["x-amz-function-error"] = "Unhandled"
    return payload


def run(function, request_id, event):
    """One cold start and one call: the payload, whether the function failed, and the log."""
    stream = f"{models.utcnow():%Y/%m/%d}/[{function.version}]{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory(dir=_directory) as scratch:
        answer = pathlib.Path(scratch, "answer.json")
        request = {
            "handler": function.handler,
            "answer": str(answer),
            "event": event,
            "request_id": request_id,
            "arn": function.function_arn,
            "timeout": int(function.timeout),
            "paths": [str(unpacked(function.code_bytes)), *layers(function), str(_directory / "runtime")],
        }
        with subprocess.Popen(
            [_interpreter, "-u", str(_SANDBOX)],
            cwd=request["paths"][0],
            env=environment(function, stream, scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as child:
            _children.add(child)
            try:
                written, _ = child.communicate(json.dumps(request).encode(), timeout=_INIT_SECONDS + int(function.timeout))
                code = child.returncode
            except subprocess.TimeoutExpired:
                child.kill()
                written, code = child.communicate()[0], None
            finally:
                _children.discard(child)
        try:
            result = json.loads(answer.read_text())
        except (OSError, ValueError):
            result = died(request_id, code, function.timeout)
    log = framed(function, request_id, written.decode(errors="replace"), result)
    keep(function, stream, log)
    return result["payload"], result["failed"], log


def died(request_id, code, timeout):
    """Lambda's own error objects, for a process that gave no answer."""
    if code is None:
        error = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: Task timed out after {timeout}.00 seconds"}
    else:
        error = {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status {code}"}
    return {"payload": json.dumps(error), "failed": True, "init_ms": 0.0, "duration_ms": 0.0}


def framed(function, request_id, written, result):
    if written and not written.endswith("\n"):
        written += "\n"
    duration = result["duration_ms"]
    return (
        f"START RequestId: {request_id} Version: {function.version}\n{written}END RequestId: {request_id}\n"
        f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {int(duration) + 1} ms\t"
        f"Memory Size: {function.memory_size} MB\tMax Memory Used: 64 MB\tInit Duration: {result['init_ms']:.2f} ms\t\n"
    )


def keep(function, stream, log):
    """Lambda makes the log group itself if the role may."""
    backend, group = function.logs_backend, function.logs_group_name
    backend.ensure_log_group(group)
    backend.create_log_stream(group, stream)
    now = int(models.unix_time_millis())
    backend.put_log_events(group, stream, [{"timestamp": now, "message": f"{line}\n"} for line in log.splitlines()])


def environment(function, stream, scratch):
    own = {name: str(value) for name, value in function.environment_vars.items()}
    # Where the machine keeps what every process needs.
    system = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    return system | own | {
        "AWS_ACCESS_KEY_ID": "function",
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": function.region,
        "AWS_SECRET_ACCESS_KEY": "function",
        "AWS_SESSION_TOKEN": "function",
        "LAMBDA_TASK_ROOT": str(unpacked(function.code_bytes)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": scratch,
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }  # fmt: skip


def layers(function):
    """What a layer holds hides what those before it hold under the same name."""
    backend = get_backend(function.account_id, function.region)
    versions = [backend.layers_versions_by_arn(layer["Arn"]) for layer in reversed(function.layers)]
    return [str(unpacked(version.code_bytes) / "python") for version in versions]


def unpacked(archive):
    """A directory with what is in an archive, made once."""
    digest = hashlib.sha256(archive).hexdigest()
    with _unpacking:
        if digest not in _unpacked_archives:
            target = _directory / digest
            with zipfile.ZipFile(io.BytesIO(archive)) as file:
                file.extractall(target)
            _unpacked_archives[digest] = target
        return _unpacked_archives[digest]
