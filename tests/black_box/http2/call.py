"""A client of gRPC that calls through the gateway and prints what came of it: one message, answered or refused, or several, each
sent when the one before has been answered."""

import queue
import sys

import grpc

address, path, *messages = sys.argv[1:]


def shown(metadata):
    return sorted((key, value) for key, value in metadata)


def converse(channel):
    outgoing = queue.SimpleQueue()
    call = channel.stream_stream(path)(iter(outgoing.get, None), timeout=20)
    for message in messages:
        outgoing.put(message.encode())
        print(next(call).decode())
    outgoing.put(None)
    print("ended", list(call), shown(call.trailing_metadata()))


with grpc.insecure_channel(address) as channel:
    if len(messages) > 1:
        converse(channel)
        sys.exit()
    call = channel.unary_unary(path)
    try:
        answer, ended = call.with_call(messages[0].encode(), timeout=20, metadata=[("x-caller", "test")])
        print("OK", answer.decode(), shown(ended.trailing_metadata()))
    except grpc.RpcError as error:
        print(error.code().name, error.details(), shown(error.trailing_metadata()))
