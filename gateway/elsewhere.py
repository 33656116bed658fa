"""Care elsewhere: a person whom the own cell does not know is asked about at routing, by the RPC that the contract names.

The own cell comes first, always: nobody whom it knows is on a way that passes routing. It knows no transaction, only the
option `elsewhere`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.message import Message

from gateway.backend import Backend, CallOptions
from services.kernel.elsewhere import STILL_UNDER_WAY, told_of_routing
from services.kernel.errors import Fault
from services.runtime.contract import Contract, MethodContract
from services.runtime.forms import ElsewhereForm


@dataclass(frozen=True, slots=True)
class ElsewhereBackend:
    """Calls the own cell by `home`, and where it refuses for a reason of the option, routing by `others`.

    What a list leaves behind is asked for alone, by `direct`.
    """

    home: Backend
    others: Backend
    direct: Backend
    contract: Contract

    async def call(self, method: MethodContract, request: Message, options: CallOptions) -> Message:
        """The answer of whoever insures the person; the own cell's refusal where nobody does, ROUTING_UNAVAILABLE."""
        if method.elsewhere is None:
            return await self.home.call(method, request, options)
        clock = asyncio.get_running_loop().time
        until = clock() + options.timeout_s
        try:
            return await self.home.call(method, request, options)
        except Fault as fault:
            if fault.reason not in method.elsewhere.on:
                raise
            refused = fault
        other = self.contract.methods[method.elsewhere.method]
        carried: Any = other.request_class

        async def answered(by: Backend, told: Mapping[str, bytes]) -> Any:
            asked = carried(**told)
            asked.request.CopyFrom(request)
            return await by.call(other, asked, replace(options, timeout_s=max(0.001, until - clock())))

        try:
            answer = await _or_alone(answered, self.others, self.direct, _beside(refused, method.elsewhere))
        except Fault as fault:
            raise told_of_routing(fault, refused, method.elsewhere.on) from None
        response: Message = answer.response
        return response


def across_cells(
    home: Backend, others: Backend, direct: Backend, contract: Contract, *, beside_others: bool
) -> Backend:
    """The backend of a gateway: where the mesh has one cell only, nothing is elsewhere."""
    return ElsewhereBackend(home, others, direct, contract) if beside_others else home


async def _or_alone(
    answered: Callable[[Backend, Mapping[str, bytes]], Awaitable[Any]],
    others: Backend,
    direct: Backend,
    told: Mapping[str, bytes],
) -> Any:
    """The answer with others, or alone where it would have held them up; by then what the own cell told is old."""
    try:
        return await answered(others, told)
    except Fault as fault:
        if fault.reason != STILL_UNDER_WAY:
            raise
    return await answered(direct, {})


def _beside(refused: Fault, form: ElsewhereForm) -> Mapping[str, bytes]:
    """What the own cell told beside its refusal, under the name of its field; nothing where it told nothing."""
    return {form.told: refused.told} if form.told and refused.told else {}
