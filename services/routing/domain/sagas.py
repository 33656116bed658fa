"""Sagas: what routing does in two cells, so that both agree in the end. One transition table for all kinds, and leases.

A saga is a row, stored before anything is sent. How far its work came only the cells know: whoever finds a saga whose lease is
over asks them, by steps that are safe to repeat. Moments are microseconds UTC by routing's clock. Nothing personal is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final

from services.kernel.errors import conflict
from services.kernel.rests import rest_s


class SagaKind(Enum):
    """What is done."""

    SETTLE = "settle"
    REVERSE = "reverse"
    ADMIT = "admit"
    CHANGE_STAY = "change_stay"
    PAY = "pay"


class State(Enum):
    """How it stands.

    BEGUN: anything may have been sent, and it may end either way. COMMITTED: it stands where that is decided, and goes on until
    it stands everywhere. REVOKED: it never will stand, and what was sent is taken back. DONE and UNDONE: at rest.
    """

    BEGUN = "begun"
    COMMITTED = "committed"
    REVOKED = "revoked"
    DONE = "done"
    UNDONE = "undone"


RUNNING: Final = frozenset((State.BEGUN, State.COMMITTED, State.REVOKED))
"""States of sagas that are not at rest."""

_SECOND: Final = 1_000_000
_Moves = Mapping[State, frozenset[State]]
_COMMITS_OR_REVOKES: Final[_Moves] = MappingProxyType(
    {
        # Both ends may be reached at once: what lies between is stored only where somebody has to wait.
        State.BEGUN: RUNNING | {State.DONE, State.UNDONE},
        State.COMMITTED: frozenset((State.COMMITTED, State.DONE)),
        State.REVOKED: frozenset((State.REVOKED, State.UNDONE)),
        State.DONE: frozenset((State.DONE,)),
        State.UNDONE: frozenset((State.UNDONE,)),
    }
)
_COMMITS: Final[_Moves] = MappingProxyType(
    # Nothing is sent that would have to be taken back.
    {state: to - {State.REVOKED} for state, to in _COMMITS_OR_REVOKES.items() if state is not State.REVOKED}
)

MOVES: Final[Mapping[SagaKind, _Moves]] = MappingProxyType(
    {
        SagaKind.SETTLE: _COMMITS_OR_REVOKES,
        SagaKind.REVERSE: _COMMITS,
        SagaKind.ADMIT: _COMMITS_OR_REVOKES,
        SagaKind.CHANGE_STAY: _COMMITS_OR_REVOKES,
        SagaKind.PAY: _COMMITS_OR_REVOKES,
    }
)
"""Into which states a saga of a kind may come from each; a state that is said again is no harm."""


@dataclass(frozen=True, slots=True)
class Saga:
    """A saga by its row.

    `order_no` is its number: of a settlement that of its order too, of a payment the one that payment gave it. `scope` and
    `request_id` name the institution's message, in the cell of care. `act` says which message it is (`visit`, `stay`, …).
    `target` is the order that is reversed, or the stay. `due_at` is when its lease or its rest is over, `attempts` how often the
    loop took it in vain, and `reason` why the last time, or why it is undone.
    """

    order_no: str
    kind: SagaKind
    care_cell: str
    insured_cell: str
    scope: str
    request_id: str
    content_hash: str
    act: str
    target: str
    state: State
    due_at: int
    created_at: int
    changed_at: int
    setl_id: str = ""
    attempts: int = 0
    reason: str = ""

    @property
    def running(self) -> bool:
        """Whether it is not at rest."""
        return self.state in RUNNING

    @property
    def held(self) -> bool:
        """Whether payment decides how it ends, or its expiry in the insured cell: nobody here knows when."""
        return self.kind is SagaKind.PAY and self.state is State.BEGUN

    @property
    def key(self) -> tuple[str, str, str]:
        """Whose message it is: one saga runs for it at a time."""
        return self.care_cell, self.scope, self.request_id


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a saga that is asked for: the state it came to, and what else is known by then."""

    order_no: str
    state: State
    reason: str = ""
    setl_id: str = ""


class Forbidden(ValueError):
    """A move that the table does not have: two who worked at a saga do not agree how it ended. Always a bug."""


def moved(saga: Saga, move: Move, now: int) -> Saga:
    """The saga after a move; the known one itself where nothing changes. `Forbidden` where the table has none."""
    if move.state not in MOVES[saga.kind].get(saga.state, frozenset()):
        raise Forbidden(f"{saga.kind.value} {saga.order_no}: from {saga.state.value} to {move.state.value}")
    if move.state is saga.state:
        return saga
    setl_id, reason = move.setl_id or saga.setl_id, move.reason or saga.reason
    if move.state is State.DONE:
        reason = ""
    return replace(saga, state=move.state, setl_id=setl_id, reason=reason, changed_at=now)


def leased(saga: Saga, now: int, seconds: int) -> Saga:
    """The saga with a lease: nobody else takes it before that is over."""
    return replace(saga, due_at=leased_until(now, seconds))


def leased_until(now: int, seconds: int) -> int:
    """When a lease from now on is over."""
    return now + seconds * _SECOND


def rested(saga: Saga, reason: str, now: int) -> Saga:
    """The saga after an attempt that came to nothing: it rests, the longer the oftener."""
    return replace(saga, attempts=saga.attempts + 1, reason=reason, due_at=now + rest_s(saga.attempts) * _SECOND)


def same_message(asked: Saga, running: Saga) -> bool:
    """Whether a running saga is of the message that asks; CONFLICT REQUEST_ID_REUSED where its content is another one."""
    if asked.key != running.key:
        return False
    if (asked.kind, asked.content_hash) != (running.kind, running.content_hash):
        raise conflict("REQUEST_ID_REUSED", request_id=asked.request_id)
    return True
