"""AWS services as moto plays them, in one process: prints what there is, then answers questions, each one line of JSON.

Every call to it must be signed by a key that may make it: moto works out the signature with botocore and compares."""

import io
import json
import logging
import os
import sys
import urllib.request
import zipfile

os.environ.update(AWS_ACCESS_KEY_ID="setup", AWS_SECRET_ACCESS_KEY="setup", AWS_DEFAULT_REGION="us-east-1")
# Nobody is asked who they are until everything is there.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "1000000"

import boto3
from botocore.config import Config
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
# Functions do not run: they answer what they are told to.
default_user_config["lambda"]["use_docker"] = False

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://%s:%s" % server.get_host_and_port()


def client(name, **keys):
    return boto3.client(name, endpoint_url=url, config=Config(proxies={}), **keys)


ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})

iam = client("iam")
iam.create_user(UserName="gateway")
iam.put_user_policy(UserName="gateway", PolicyName="all", PolicyDocument=ALLOW)
pair = iam.create_access_key(UserName="gateway")["AccessKey"]
keys = {"aws_access_key_id": pair["AccessKeyId"], "aws_secret_access_key": pair["SecretAccessKey"]}
role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
iam.put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=ALLOW)
powerless = iam.create_role(RoleName="powerless", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]

sqs = client("sqs")
queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ["orders", "news", "events"]}
arn = "arn:aws:sqs:us-east-1:123456789012:%s"
sns = client("sns")
topic = sns.create_topic(Name="news")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn % "news")
client("dynamodb").create_table(
    TableName="pets",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
client("s3").create_bucket(Bucket="shelf")
client("kinesis").create_stream(StreamName="clicks", ShardCount=1)
events = client("events")
events.put_rule(Name="all", EventPattern=json.dumps({"source": ["gateway"]}))
events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn % "events"}])
machine = client("stepfunctions").create_state_machine(
    name="steps",
    definition=json.dumps({"StartAt": "end", "States": {"end": {"Type": "Succeed"}}}),
    roleArn=role,
)["stateMachineArn"]
code = io.BytesIO()
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("app.py", "")
client("lambda").create_function(
    FunctionName="who", Runtime="python3.12", Role=role, Handler="app.handler", Code={"ZipFile": code.getvalue()}
)


def post(path, body, kind):
    request = urllib.request.Request(url + path, data=body, method="POST", headers={"Content-Type": kind})
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()


def function_answers(text):
    """What the function answers next."""
    post("/moto-api/static/lambda-simple/response", json.dumps({"results": [text]}).encode(), "application/json")


def check_signatures(on):
    """moto cannot work out those of requests with a query, not even botocore's."""
    post("/moto-api/reset-auth", b"0" if on else b"1000000", "text/plain")


check_signatures(True)


def messages(queue):
    found = client("sqs", **keys).receive_message(QueueUrl=queues[queue], MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def records():
    kinesis = client("kinesis", **keys)
    shard = kinesis.list_shards(StreamName="clicks")["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName="clicks", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    return [[record["PartitionKey"], record["Data"].decode()] for record in found]


def executions():
    states = client("stepfunctions", **keys)
    found = states.list_executions(stateMachineArn=machine)["executions"]
    return [states.describe_execution(executionArn=one["executionArn"])["input"] for one in found]


def item(name):
    return client("dynamodb", **keys).get_item(TableName="pets", Key={"id": {"S": name}}).get("Item")


def stored(key):
    return client("s3", **keys).get_object(Bucket="shelf", Key=key)["Body"].read().decode()


print(json.dumps({
    "url": url, "key": pair["AccessKeyId"], "secret": pair["SecretAccessKey"], "role": role, "powerless": powerless,
    "topic": topic, "machine": machine, "queue": queues["orders"],
}), flush=True)
for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        print(json.dumps(globals()[name](*arguments)), flush=True)
    except Exception as error:
        print(json.dumps({"error": str(error)}), flush=True)
