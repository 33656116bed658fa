"""Circuit breakers: whoever did not answer several times in a row is asked no more for some seconds, so that one who is dark or
slow keeps only those waiting who asked first.

After a rest one caller tries for all; an answer closes the circuit, a refusal too, for it is one. Who was asked in vain is known
by the reasons that `errors.AWAY` lists. States and counts are the package circuitbreaker's; here stands what it leaves open: that
one caller at a time tries, that a caller who left proves nothing, and that what was begun before the circuit opened does not keep
it open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from circuitbreaker import STATE_HALF_OPEN, CircuitBreaker

from services.kernel.errors import AWAY, Fault, FaultKind
from services.runtime.logs import write
from services.runtime.metrics import Metrics

T = TypeVar("T")

FAILURES: Final = 3
"""In a row, after which nobody is asked any more (our decision)."""
REST_S: Final = 3.0
"""After which one caller tries again: with the 5 s that such a call may take, nobody waits longer than 10 s for one who is back
(our decision)."""
LEAST_WAIT_S: Final = 0.5
"""What a peer gets at least before its silence counts: a caller in a hurry says nothing about it (our decision)."""

_HELP: Final = "1 where calls to a peer are refused at once, as it does not answer."
_log = logging.getLogger("yibao.circuits")


@dataclass(slots=True)
class _Circuit:
    """The circuit of one peer; `tried` while a caller tries for all."""

    breaker: CircuitBreaker
    tried: bool = False


class Circuits:
    """The circuits of all whom one member calls, by name."""

    def __init__(self, metrics: Metrics, failures: int = FAILURES, rest_s: float | None = None) -> None:
        self._metrics = metrics
        self._failures = failures
        self._rest_s = REST_S if rest_s is None else rest_s
        self._circuits: dict[str, _Circuit] = {}

    def state(self, name: str) -> str:
        """closed, open, or half_open where the next caller tries for all."""
        known = self._circuits.get(name)
        return str(known.breaker.state) if known else "closed"

    async def call(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """What the work answers; PEER_UNAVAILABLE at once, and nothing is begun, while the peer's circuit is open."""
        circuit = self._circuits.get(name) or self._made(name)
        breaker = circuit.breaker
        trying = breaker.state == STATE_HALF_OPEN
        if breaker.opened or (trying and circuit.tried):
            raise Fault(
                FaultKind.UNAVAILABLE,
                "PEER_UNAVAILABLE",
                {"member": name},
                retry_after_s=max(1.0, breaker.open_remaining),
            )
        circuit.tried = circuit.tried or trying
        began = time.monotonic()
        try:
            answer = await work()
        except Fault as fault:
            if fault.reason not in AWAY:
                self._answered(name, breaker)
            elif (trying or breaker.closed) and _counts(fault, time.monotonic() - began):
                self._failed(name, breaker, fault)
            raise
        finally:
            if trying:
                circuit.tried = False
        self._answered(name, breaker)
        return answer

    def _made(self, name: str) -> _Circuit:
        breaker = CircuitBreaker(self._failures, self._rest_s, Fault, name)
        self._metrics.gauge("yibao_circuit_open", _HELP, {"peer": name}, lambda: float(not breaker.closed))
        made = self._circuits[name] = _Circuit(breaker)
        return made

    def _answered(self, name: str, breaker: CircuitBreaker) -> None:
        if not breaker.closed:
            write(_log, logging.INFO, "a peer answers again", {"peer": name})
        breaker.reset()

    def _failed(self, name: str, breaker: CircuitBreaker, fault: Fault) -> None:
        before = breaker.closed
        with suppress(Fault), breaker:
            raise fault
        if before and not breaker.closed:
            told = {"peer": name, "reason": fault.reason}
            write(_log, logging.WARNING, "a peer does not answer; it is asked no more but now and then", told)


def _counts(fault: Fault, waited_s: float) -> bool:
    """Whether the peer failed, and not the patience of who asked it."""
    return fault.kind is not FaultKind.DEADLINE or waited_s >= LEAST_WAIT_S
