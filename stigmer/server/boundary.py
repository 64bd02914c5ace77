"""The one gRPC interceptor: around every RPC of every service, unary and streaming, requests included.

It parses requests (so that a malformed one is INVALID_ARGUMENT), knows the caller, counts what is under way, maps
errors to statuses, and writes one log line per request. In grpc.aio an exception that leaves a handler reaches the
client as UNKNOWN with its text; none leaves here.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn

import grpc
from google.protobuf.message import DecodeError

from stigmer.errors import Internal, InvalidArgument, StigmerError
from stigmer.server.context import RequestContext, current_request
from stigmer.server.policy import Caller
from stigmer.server.statuses import DETAILS_KEY, wire_status

Identify = Callable[[str, dict[str, str]], Caller]
"""(gRPC peer, metadata) -> the caller. Raises Unauthenticated."""

logger = logging.getLogger("stigmer.server.requests")


class Boundary(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """One per server. `active` is the number of RPCs under way."""

    def __init__(self, identify: Identify) -> None:
        self.active = 0
        self._identify = identify
        self._wrapped: dict[str, grpc.RpcMethodHandler] = {}

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        wrapped = self._wrapped.get(details.method)
        if wrapped is None:
            handler = await continuation(details)
            if handler is None:
                return None
            wrapped = self._wrapped[details.method] = self._wrap(details.method, handler)
        return wrapped

    def _wrap(self, method: str, handler: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
        """The same handler behind the boundary. gRPC hands over bytes; they are parsed inside."""
        parse = _parser(handler)
        behaviour = _behaviour(handler)
        make = _MAKERS[handler.request_streaming, handler.response_streaming]
        if inspect.isasyncgenfunction(inspect.unwrap(behaviour)):
            return make(self._generator(method, parse, behaviour), response_serializer=handler.response_serializer)
        return make(self._coroutine(method, parse, behaviour), response_serializer=handler.response_serializer)

    def _coroutine(self, method: str, parse: Callable[[Any], Any], behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def serve(raw: Any, call: Any) -> Any:
            request = _Request(self, method, call)
            try:
                request.begin(self._identify)
                return await behaviour(parse(raw), call)
            except BaseException as error:  # noqa: BLE001 -- every way out is reported and re-raised as a status
                await request.abort(error)
            finally:
                request.end()

        return serve

    def _generator(self, method: str, parse: Callable[[Any], Any], behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def serve(raw: Any, call: Any) -> AsyncIterator[Any]:
            request = _Request(self, method, call)
            try:
                request.begin(self._identify)
                async with aclosing(behaviour(parse(raw), call)) as responses:
                    async for response in responses:
                        yield response
            except GeneratorExit:
                request.outcome = "CANCELLED"
                raise
            except BaseException as error:  # noqa: BLE001 -- as above
                await request.abort(error)
            finally:
                request.end()

        return serve


class _Request:
    """One RPC between begin and end."""

    def __init__(self, boundary: Boundary, method: str, call: Any) -> None:
        self.boundary = boundary
        self.call = call
        self.outcome = "OK"
        self.context = RequestContext(method.rpartition("/")[2], Caller("", ""))
        self.full_method = method
        boundary.active += 1

    def begin(self, identify: Identify) -> None:
        metadata = {key: value for key, value in self.call.invocation_metadata() or () if isinstance(value, str)}
        self.context.caller = identify(self.call.peer(), metadata)
        current_request.set(self.context)

    async def abort(self, error: BaseException) -> NoReturn:
        """End the RPC with the status of `error`."""
        if isinstance(error, asyncio.CancelledError):
            self.outcome = "CANCELLED"
            raise error
        if isinstance(error, grpc.aio.AbortError):
            self.outcome = str(getattr(self.call.code(), "name", self.call.code()))
            raise error
        if not isinstance(error, StigmerError) or isinstance(error, Internal):
            error = self._internal(error)
        status = wire_status(error)
        self.outcome = error.code
        await self.call.abort(status.code, status.message, ((DETAILS_KEY, status.details),))
        raise AssertionError("abort returned")

    def _internal(self, error: BaseException) -> StigmerError:
        """A fault of ours: the text stays in the log, under the id that the client is given."""
        logger.error("request %s failed", self.context.id, exc_info=error)
        return Internal(f"internal error; the server's log has it as request {self.context.id}")

    def end(self) -> None:
        self.boundary.active -= 1
        if logger.isEnabledFor(logging.INFO):
            logger.info(self.line())

    def line(self) -> str:
        """What the log says of the request, as one JSON object: never a value out of a resource."""
        context = self.context
        return json.dumps(
            {
                "request": context.id,
                "method": self.full_method,
                "actor": context.caller.actor,
                "outcome": self.outcome,
                "ms": round((time.perf_counter() - context.started) * 1_000, 2),
                **context.facts,
                "steps": {name: round(spent, 3) for name, spent in context.steps.items()},
            }
        )


def _parser(handler: grpc.RpcMethodHandler) -> Callable[[Any], Any]:
    """Bytes, or an iterator of them, to what the handler expects."""
    deserialise = handler.request_deserializer or bytes

    def one(raw: bytes) -> Any:
        try:
            return deserialise(raw)
        except (DecodeError, UnicodeDecodeError, ValueError) as error:
            raise InvalidArgument(
                "the request cannot be parsed", hint="client and server must agree on the contract"
            ) from error

    async def many(stream: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        async for raw in stream:
            yield one(raw)

    return many if handler.request_streaming else one


def _behaviour(handler: grpc.RpcMethodHandler) -> Callable[..., Any]:
    behaviour: Callable[..., Any] = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    return behaviour


_MAKERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
