"""A function that behaves as it is told, by the query of each invocation, on a bare socket.

    python3 behave.py [init-error | init-crash | init-hang]
"""

import base64
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

PREFIX = "/2018-06-01/runtime/"
HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")


class Api:
    """One connection to the Runtime API."""

    def __init__(self):
        self.socket = socket.create_connection((HOST, int(PORT)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def send(self, method, path, body=b"", fields=()):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{PORT}", f"Content-Length: {len(body)}", *fields]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def receive(self):
        status = self.file.readline()
        if not status:
            raise EOFError("the Runtime API is gone")
        fields = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        return int(status.split()[1]), fields, self.file.read(int(fields["content-length"]))

    def exchange(self, method, path, body=b"", fields=()):
        self.send(method, path, body, fields)
        return self.receive()


def result(body, **more):
    return json.dumps({"statusCode": 200, "body": body if isinstance(body, str) else json.dumps(body), **more}).encode()


def stream(api, answer, query):
    """Streams an answer of so many pieces, after the first one only when the gate, a file, is there; it ends as told."""
    metadata = query.get("metadata", '{"statusCode":201,"headers":{"X-One":"1"},"cookies":["a=1","b=2"]}').encode()
    piece = b"piece" if "bytes" not in query else b"x" * int(query["bytes"])
    head = f"POST {answer} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    head += "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
    head += "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
    head += "Content-Type: application/vnd.awslambda.http-integration-response\r\n\r\n"
    held = bytearray()

    def send(data):
        if "at-once" in query:
            held.extend(data)
        else:
            api.socket.sendall(data)

    def chunk(data):
        send(b"%x\r\n%b\r\n" % (len(data), data))

    count, end = int(query.get("pieces", "1")), query.get("end", "well")
    first = metadata + bytes(int(query.get("nuls", "8"))) + (piece if count else b"")
    send(head.encode())
    for data in [first] if "split" not in query else [first[at : at + 1] for at in range(len(first))]:
        chunk(data)
    while "gate" in query and not os.path.exists(query["gate"]):
        time.sleep(0.01)
    for number in range(1, count):
        chunk(piece)
        if "count" in query:
            with open(query["count"], "w") as file:
                file.write(str(number))
    if end == "die":
        os._exit(3)
    if end == "garbage":
        api.socket.sendall(b"no size\r\n")
        time.sleep(600)
    send(b"0\r\n")
    if end == "fail":
        document = base64.b64encode(json.dumps({"errorType": "Odd", "errorMessage": "so it is"}).encode())
        send(b"Lambda-Runtime-Function-Error-Type: Odd\r\nLambda-Runtime-Function-Error-Body: %b\r\n" % document)
    send(b"\r\n")
    api.socket.sendall(held)
    print(f"streamed: {api.receive()[0]}", flush=True)


def behave(api, event, fields):
    """Answers one invocation; `None` when it has done so itself."""
    query = event["queryStringParameters"] or {}
    do = query.get("do", "echo")
    request_id = fields["lambda-runtime-aws-request-id"]
    answer = f"{PREFIX}invocation/{request_id}/response"
    if do == "echo":
        return result(event)
    if do == "fields":
        return result(fields)
    if do == "environment":
        return result(dict(os.environ))
    if do == "process":
        return result({"pid": os.getpid(), "session": os.getsid(0), "files": sorted(os.listdir("/proc/self/fd"), key=int)})
    if do == "limits":
        names = {"files": resource.RLIMIT_NOFILE, "data": resource.RLIMIT_DATA}
        return result({name: resource.getrlimit(limit) for name, limit in names.items()})
    if do == "allocate":
        try:
            return result(f"{len(bytearray(int(query['bytes'])))}")
        except MemoryError:
            return result("no memory")
    if do == "user":
        return result({"user": os.getuid(), "group": os.getgid(), "groups": os.getgroups()})
    if do == "sleep":
        if "tell" in query:
            print(query["tell"], flush=True)
        time.sleep(float(query["s"]))
        return result(str(os.getpid()))
    if do == "exit":
        os._exit(int(query.get("code", "3")))
    if do == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if do == "child":
        child = subprocess.Popen(["sleep", "600"])
        return result(str(child.pid))
    if do == "child-and-hang":
        child = subprocess.Popen(["sleep", "600"])
        print(f"child {child.pid}", flush=True)
        time.sleep(600)
    if do == "print":
        print(query["text"], flush=True)
        print("to stderr: " + query["text"], file=sys.stderr, flush=True)
        return result("")
    if do == "flood":
        line = b"x" * 99 + b"\n"
        for _ in range(int(query["lines"]) // 100):
            os.write(1, line * 100)
        return result("")
    if do == "big":
        return result("x" * int(query["bytes"]))
    if do == "endless":
        api.socket.sendall(f"POST {answer} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        while True:
            api.socket.sendall(chunk)
    if do == "stream":
        return stream(api, answer, query)
    if do == "fail":
        body = json.dumps({"errorType": "Odd", "errorMessage": "so it is"}).encode()
        more = ("Lambda-Runtime-Function-Error-Type: Odd",)
        api.exchange("POST", f"{PREFIX}invocation/{request_id}/error", body, more)
        return None
    if do == "raw":
        return base64.b64decode(query["base64"])
    if do == "wrong-id":
        status, _, body = api.exchange("POST", f"{PREFIX}invocation/0/response", b"{}")
        return result({"status": status, "body": json.loads(body)})
    if do == "wrong-invocation":
        status, _, body = api.exchange("POST", answer, b"{}", ("Lambda-Runtime-Invocation-Id: other",))
        return result({"status": status, "body": json.loads(body)})
    if do == "twice":
        api.exchange("POST", answer, result("first"))
        status, _, _ = api.exchange("POST", answer, result("second"))
        print(f"second answer: {status}", flush=True)
        return None
    if do == "skip":
        return None
    if do == "half":
        api.socket.sendall(f"POST {answer} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf".encode())
        time.sleep(600)
    if do == "garbage":
        api.socket.sendall(b"\0\0\0 garbage \r\n\r\n")
        time.sleep(600)
    if do == "unknown":
        return result(str(api.exchange("GET", "/2018-06-01/runtime/restore/next")[0]))
    if do == "expect":
        body = result("x" * 2_000_000)
        head = f"POST {answer} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        api.socket.sendall(head.encode())
        assert api.file.readline().startswith(b"HTTP/1.1 100")
        api.file.readline()
        api.socket.sendall(body)
        api.receive()
        return None
    if do == "reconnect":
        other = Api()
        other.exchange("POST", answer, result("from another connection"))
        return None
    raise ValueError(do)


def main():
    api = Api()
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    if how == "init-error":
        body = json.dumps({"errorType": "NoModule", "errorMessage": "there is no such module"}).encode()
        api.exchange("POST", PREFIX + "init/error", body, ("Lambda-Runtime-Function-Error-Type: Runtime.NoModule",))
        sys.exit(1)
    if how == "init-crash":
        sys.exit("it cannot start")
    if how == "init-hang":
        time.sleep(600)
    while True:
        _, fields, event = api.exchange("GET", PREFIX + "invocation/next")
        request_id = fields["lambda-runtime-aws-request-id"]
        answer = behave(api, json.loads(event), fields)
        if answer is not None:
            api.exchange("POST", f"{PREFIX}invocation/{request_id}/response", answer)


main()
