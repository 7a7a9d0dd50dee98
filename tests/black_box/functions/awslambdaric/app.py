"""A function as written for AWS; its runtime is AWS's own, unmodified."""

import json
import logging

logging.getLogger().setLevel("INFO")


def handler(event, context):
    query = event["queryStringParameters"] or {}
    if query.get("do") == "raise":
        raise ValueError("on purpose")
    logging.info("logged by %s", context.function_name)
    print("printed")
    about = {
        "remaining": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "request_id": context.aws_request_id,
        "path": event["path"],
        "body": event["body"],
    }
    return {"statusCode": 200, "headers": {"X-Answer": "yes"}, "body": json.dumps(about)}
