"""The own cell first, for members: where it refuses because a person is another cell's, routing is asked, by the RPC that the
contract names.

It knows no transaction, only the option `elsewhere`, as the gateway does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from services.kernel.elsewhere import INSURED_ELSEWHERE, told_of_routing
from services.kernel.errors import Fault
from services.runtime.contract import Contract, MethodContract
from services.runtime.outbound import Peers


class HomeFirst:
    """Calls methods of members by `peers`; in a mesh of one cell (not `beside_others`) nothing is elsewhere."""

    def __init__(self, peers: Peers, *, beside_others: bool) -> None:
        self._peers = peers
        self._beside_others = beside_others

    async def call(
        self, stub_method: Any, request: Any, at_home: Callable[[Any], Awaitable[Any]] | None = None
    ) -> tuple[Any, str]:
        """The answer, and the cell that the refusal named that it went to routing for, "" for none. `at_home` calls the same
        method by its list form.

        Raises the own cell's refusal where nobody else knows the person either, routing's, and ROUTING_UNAVAILABLE.
        """
        method: MethodContract = stub_method.contract
        try:
            return await (at_home(request) if at_home else self._peers.call(stub_method, request)), ""
        except Fault as fault:
            if method.elsewhere is None or not self._beside_others or fault.reason not in method.elsewhere.on:
                raise
            refused = fault
        other = _method(method.elsewhere.method)
        carried: Any = other.request_class
        try:
            answer = await self._peers.invoke(other, carried(request=request))
        except Fault as fault:
            raise told_of_routing(fault, refused, method.elsewhere.on) from None
        cell = refused.metadata.get("cell", "") if refused.reason == INSURED_ELSEWHERE else ""
        return answer.response, cell


@lru_cache(maxsize=64)
def _method(path: str) -> MethodContract:
    return Contract.load((path[1:].partition("/")[0],), partial=True).methods[path]
