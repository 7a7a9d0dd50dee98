"""Greets whoever asks."""

import json


def handler(event, context):
    query = event["queryStringParameters"] or {}
    name = query.get("name", "world")
    print(f"greeting {name}")
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"message": f"Hello, {name}!", "from": context.function_name}),
    }
