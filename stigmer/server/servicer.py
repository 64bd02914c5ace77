"""Binds every RPC of the contract: the typed ones by their verb, the generic ones by name. An RPC that nothing serves,
or that names no permission, keeps the server from starting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import Message

from stigmer.contract import Contract, Method
from stigmer.errors import Internal
from stigmer.server import typed
from stigmer.server.batch import Services

Behaviour = Callable[[Method, Any], Any]
"""(method, request or its iterator) -> a coroutine of the response, or an async iterator of responses."""


def bind(services: Services, generic: Mapping[str, Behaviour]) -> grpc.GenericRpcHandler:
    """The handlers of the whole service. Raises Internal naming what is unbound."""
    handlers = {
        method.name: handler(method, behaviour_of(services, method, generic))
        for method in checked(services.contract, generic)
    }
    return grpc.method_handlers_generic_handler(services.contract.service_name, handlers)


def checked(contract: Contract, generic: Mapping[str, Behaviour]) -> list[Method]:
    """All methods, each with a permission and something that serves it."""
    methods = list(contract.methods.values())
    open_ = [method.name for method in methods if not method.permission]
    if open_:
        raise Internal(f"no permission is declared for {', '.join(open_)}")
    unbound = [method.name for method in methods if method.verb not in typed.VERBS and method.name not in generic]
    unbound += [name for name in generic if name not in contract.methods]
    if unbound:
        raise Internal(f"RPC and implementation do not match: {', '.join(unbound)}")
    return methods


def behaviour_of(services: Services, method: Method, generic: Mapping[str, Behaviour]) -> Behaviour:
    verb = typed.VERBS.get(method.verb)
    return partial(verb, services) if verb is not None else generic[method.name]


def handler(method: Method, behaviour: Behaviour) -> grpc.RpcMethodHandler:
    """The gRPC handler of one method; requests are parsed and errors mapped by the boundary."""
    make = _MAKERS[method.client_streaming, method.server_streaming]
    answer: Callable[..., Any]
    if method.server_streaming:

        async def stream(request: Any, call: Any) -> AsyncIterator[Any]:  # noqa: ARG001 -- gRPC's signature
            async for response in behaviour(method, request):
                yield response

        answer = stream
    else:

        async def single(request: Any, call: Any) -> Any:  # noqa: ARG001 -- likewise
            return await behaviour(method, request)

        answer = single
    return make(answer, request_deserializer=method.input_class.FromString, response_serializer=serialise)


def serialise(response: Message | bytes) -> bytes:
    """Kept answers come as bytes and leave as they are."""
    return response if isinstance(response, bytes) else response.SerializeToString()


_MAKERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
