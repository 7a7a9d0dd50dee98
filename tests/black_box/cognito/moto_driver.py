"""A Cognito user pool as moto plays it: prints where it is, then does what it is told, each one line of JSON.

moto has one key for ever and tokens of an hour; here the key changes and tokens may be shorter, as those of Cognito."""

import json
import logging
import os
import sys
from threading import Thread

os.environ.update(AWS_ACCESS_KEY_ID="setup", AWS_SECRET_ACCESS_KEY="setup", AWS_DEFAULT_REGION="us-east-1")

import boto3
from botocore.config import Config
from joserfc import jwk
from moto.cognitoidp import models, responses
from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)

state = {"key": None, "id": "dummy", "lifetime": None, "fetches": 0, "down": False}
encode = models.jwt.encode


def encode_as_told(header, payload, key):
    if state["lifetime"] is not None:
        payload = {**payload, "exp": payload["iat"] + state["lifetime"]}
    return encode({**header, "kid": state["id"]}, payload, state["key"] or key)


models.jwt.encode = encode_as_told


def count(start_response_of):
    """Counts who fetches the keys, and fails when told to."""

    def application(environ, start_response):
        if environ["PATH_INFO"].endswith("/jwks.json"):
            state["fetches"] += 1
            if state["down"]:
                start_response("500 Internal Server Error", [("Content-Length", "0")])
                return []
        return start_response_of(environ, start_response)

    return application


server = make_server("127.0.0.1", 0, count(create_backend_app("cognito-idp")), True, request_handler=MotoRequestHandler)
Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d" % server.server_address[1]
cognito = boto3.client("cognito-idp", endpoint_url=url, config=Config(proxies={}))
pool = cognito.create_user_pool(PoolName="users")["UserPool"]
client = cognito.create_user_pool_client(UserPoolId=pool["Id"], ClientName="web", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])
client_id = client["UserPoolClient"]["ClientId"]


def sign_up(name, password):
    cognito.sign_up(ClientId=client_id, Username=name, Password=password)
    cognito.confirm_sign_up(ClientId=client_id, Username=name, ConfirmationCode="123456")
    return {}


def log_in(name, password, lifetime=None):
    state["lifetime"] = lifetime
    parameters = {"USERNAME": name, "PASSWORD": password}
    result = cognito.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    return {"id": result["AuthenticationResult"]["IdToken"], "access": result["AuthenticationResult"]["AccessToken"]}


def rotate(id, keep):
    """Signs with a new key from now on; the old ones are kept or not."""
    key = jwk.RSAKey.generate_key(2048, {"kid": id, "alg": "RS256", "use": "sig"})
    served = responses.CognitoIdpJsonWebKeyResponse
    old = json.loads(served.json_web_key)["keys"] if keep else []
    served.json_web_key = json.dumps({"keys": [*old, key.as_dict(private=False)]}).encode()
    state.update(key=key, id=id)
    return {}


def fetches():
    return {"fetches": state["fetches"]}


def fail(down):
    state["down"] = down
    return {}


print(json.dumps({"url": url, "arn": pool["Arn"], "client": client_id}), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    do = {"sign_up": sign_up, "log_in": log_in, "rotate": rotate, "fetches": fetches, "fail": fail}[question.pop("do")]
    print(json.dumps(do(**question)), flush=True)
