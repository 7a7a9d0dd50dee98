"""A Lambda runtime of the standard library alone: asks for invocations, calls the handler, answers.

    python3 runtime.py app.handler

What `python -m awslambdaric app.handler` does, in forty lines, for machines without it.
"""

import http.client
import importlib
import json
import os
import sys
import traceback

PREFIX = "/2018-06-01/runtime/"


def main(handler_name):
    sys.stdout.reconfigure(line_buffering=True)
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        module, name = handler_name.rsplit(".", 1)
        sys.path.insert(0, os.environ.get("LAMBDA_TASK_ROOT", "."))
        handler = getattr(importlib.import_module(module), name)
    except Exception as error:
        post(api, "init/error", describe(error))
        raise
    while True:
        api.request("GET", PREFIX + "invocation/next")
        response = api.getresponse()
        event = json.loads(response.read())
        request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
        try:
            result = handler(event, Context(response))
            post(api, f"invocation/{request_id}/response", result)
        except Exception as error:
            traceback.print_exc()
            post(api, f"invocation/{request_id}/error", describe(error))


class Context:
    """What a handler gets beside its event."""

    def __init__(self, response):
        self.aws_request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
        self.invoked_function_arn = response.getheader("Lambda-Runtime-Invoked-Function-Arn")
        self.deadline_ms = int(response.getheader("Lambda-Runtime-Deadline-Ms"))
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]


def post(api, path, value):
    api.request("POST", PREFIX + path, json.dumps(value), {"Content-Type": "application/json"})
    api.getresponse().read()


def describe(error):
    return {"errorType": type(error).__name__, "errorMessage": str(error)}


if __name__ == "__main__":
    main(sys.argv[1])
