"""Members for the gateway to call: a real gRPC server on loopback that answers what a test told it, and remembers who asked."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from services.kernel.errors import Fault
from services.runtime.call import BUSINESS_DATE_KEY, CALLER_KEY, Caller
from services.runtime.contract import Contract, MethodContract
from services.runtime.status import to_rpc_error, to_status
from tests.tokens import Tokens

Answering = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that arrived: the method, the request, in whose name, on which day, below which trace, with how much time."""

    method: str
    request: Any
    caller: Caller
    business_date: str
    traceparent: str
    left_s: float


class FakeMesh:
    """All members behind one port. `answers` maps a method's name to a message, a Fault or a function of the request."""

    def __init__(self, tokens: Tokens) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[Asked] = []
        self.batches: list[int] = []
        self.port = 0
        self._tokens = tokens
        self._contract = Contract.of_mesh()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Opens a free port."""
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        services: dict[str, dict[str, Any]] = {}
        for method in self._contract.methods.values():
            handler: Any = grpc.unary_unary_rpc_method_handler(self._behaviour(method))
            services.setdefault(method.service, {})[method.name] = handler
        for name, handlers in services.items():
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()

    async def stop(self) -> None:
        """Closes it at once."""
        if self._server is not None:
            await self._server.stop(0)
            self._server = None

    def calls(self, name: str) -> list[Asked]:
        """The calls of a method, items of batches included."""
        return [each for each in self.asked if each.method == name]

    def _behaviour(self, method: MethodContract) -> Callable[[bytes, Any], Any]:
        async def behave(message: bytes, context: Any) -> bytes:
            metadata = dict(context.invocation_metadata())
            request: Any = method.request_class.FromString(message)
            try:
                if method.batch is not None:
                    return await self._batch(method, request, metadata)
                token, day = metadata.get(CALLER_KEY, ""), metadata.get(BUSINESS_DATE_KEY, "")
                traceparent, left_s = metadata.get("traceparent", ""), context.time_remaining()
                answer = await self._answer(method, request, token, day, traceparent, left_s)
            except Fault as fault:
                await context.abort(*to_rpc_error(fault))
                raise
            return bytes(answer.SerializeToString())

        return behave

    async def _batch(self, batch: MethodContract, request: Any, metadata: Mapping[str, str]) -> bytes:
        assert batch.batch is not None
        unary = self._contract.method(batch.batch.method)
        response: Any = batch.response_class()
        outcomes = getattr(response, batch.batch.outcomes)
        items = getattr(request, batch.batch.items)
        self.batches.append(len(items))
        for item in items:
            day = item.context.business_date
            text = f"{day.year:04}-{day.month:02}-{day.day:02}" if item.context.HasField("business_date") else ""
            left_s = item.context.deadline.ToMilliseconds() / 1000 - time.time()
            try:
                answer = await self._answer(
                    unary, item.request, item.context.caller_token, text, item.context.traceparent, left_s
                )
                outcomes.add(response=answer)
            except Fault as fault:
                outcomes.add(status=to_status(fault))
        return bytes(response.SerializeToString())

    async def _answer(
        self, method: MethodContract, request: Any, token: str, day: str, traceparent: str, left_s: float
    ) -> Message:
        self.asked.append(Asked(method.name, request, self._tokens.verify(token), day, traceparent, left_s))
        answer = self.answers.get(method.name)
        if callable(answer):
            answer = answer(request)
            if inspect.isawaitable(answer):
                answer = await answer
        if isinstance(answer, BaseException):
            raise answer
        return answer if answer is not None else method.response_class()
