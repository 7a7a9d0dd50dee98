"""A client of gRPC: a unary call through the gateway, answered or refused. Prints what came of it."""

import sys

import grpc

address, path, message = sys.argv[1], sys.argv[2], sys.argv[3]
with grpc.insecure_channel(address) as channel:
    call = channel.unary_unary(path)
    try:
        answer, ended = call.with_call(message.encode(), timeout=20, metadata=[("x-caller", "test")])
        print("OK", answer.decode(), sorted((k, v) for k, v in ended.trailing_metadata()))
    except grpc.RpcError as error:
        print(error.code().name, error.details(), sorted((k, v) for k, v in error.trailing_metadata()))
