"""The function of a Lambda authorizer. The token says what it does; it counts how often it has been asked."""

import http.client
import json
import os
import time

PREFIX = "/2018-06-01/runtime/invocation/"


def main():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def exchange(method, path, body=None):
        api.request(method, PREFIX + path, body)
        response = api.getresponse()
        return response, response.read()

    count = 0
    while True:
        head, event = exchange("GET", "next")
        count += 1
        token = json.loads(event)["authorizationToken"]
        answer = f"{head.getheader('Lambda-Runtime-Aws-Request-Id')}/"
        if token.startswith("slow"):
            time.sleep(0.5)
        if token.startswith("unknown") or (token.startswith("slow-first-fails") and count == 1):
            message = "Unauthorized" if token.startswith("unknown") else "so it is"
            exchange("POST", answer + "error", json.dumps({"errorType": "Error", "errorMessage": message}))
            continue
        statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": "arn:aws:execute-api:*:*:*/GET/open*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        result = {"principalId": token, "policyDocument": policy, "context": {"count": count}}
        exchange("POST", answer + "response", json.dumps(result))


main()
