"""Signs and sends requests with botocore, as AWS's own clients for Python do.

Reads a JSON list of requests from standard input, writes a JSON list of [status, error type, body] to standard output.
"""

import json
import sys

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session


def send(session, request):
    body = request.get("body")
    aws = AWSRequest(
        method=request["method"],
        url=request["url"],
        headers=request.get("headers", {}),
        data=body.encode() if body is not None else None,
        params=request.get("params", {}),
    )
    if request.get("unsigned_payload"):
        aws.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    credentials = Credentials(request["key"], request["secret"], request.get("token"))
    if request.get("presigned"):
        signer = SigV4QueryAuth(credentials, "execute-api", request["region"], expires=60)
    else:
        signer = SigV4Auth(credentials, "execute-api", request["region"])
    signer.add_auth(aws)
    changed = request.get("change", {})
    if "body" in changed:
        aws.data = changed["body"].encode()
    if "method" in changed:
        aws.method = changed["method"]
    prepared = aws.prepare()
    if "url" in changed:
        prepared.url = prepared.url.replace(*changed["url"])
    answer = session.send(prepared)
    return [answer.status_code, answer.headers.get("x-amzn-errortype"), answer.content.decode()]


def main():
    session = URLLib3Session(timeout=20)
    print(json.dumps([send(session, request) for request in json.load(sys.stdin)]))


main()
