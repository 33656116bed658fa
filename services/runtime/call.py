"""Who calls, on which day and until when: the context of the call that is being served, carried in a context variable.

It holds no request and no span. Reading it outside a call is a programming error and raises at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from services.kernel.clock import BEIJING

CALLER_KEY: Final = "yibao-caller"
BUSINESS_DATE_KEY: Final = "yibao-business-date"
"""Metadata of a call: the caller token, and in a sandbox the day on which it is decided."""


class Role(StrEnum):
    """The one role of a caller; names mirror `yibao.options.v1.Role`."""

    INSTITUTION = "institution"
    CHANNEL = "channel"
    PERSON = "person"
    OPERATOR = "operator"
    SERVICE = "service"
    PUBLIC = "public"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a role, its subject (institution code, channel code, psn_no, operator or node number, member name), sandbox or
    not.

    `via` is the member that made the token of a call being served, `cell` the cell by whose key it did; they are no part of who
    calls.
    """

    role: Role
    subject: str
    sandbox: bool = False
    via: str = field(default="", compare=False)
    cell: str = field(default="", compare=False)


ANYBODY = Caller(Role.PUBLIC, "", False)


@dataclass(frozen=True, slots=True)
class CallContext:
    """One call while it is served.

    `method` is the path `/pkg.Service/Method`; `deadline` the moment (UTC, the machine's clock) after which nobody waits;
    `now` the moment on which the call is decided, with the sandbox's business date already applied.
    """

    caller: Caller
    method: str
    deadline: datetime | None
    business_date: date | None
    now: datetime

    def remaining_s(self) -> float | None:
        """Seconds left until the deadline, never negative; None without one."""
        if self.deadline is None:
            return None
        return max(0.0, (self.deadline - wire_time()).total_seconds())


_CALL: ContextVar[CallContext] = ContextVar("yibao_call")


def current_call() -> CallContext:
    """The call being served; LookupError outside one."""
    return _CALL.get()


def find_call() -> CallContext | None:
    """The call being served, or None outside one."""
    return _CALL.get(None)


@contextmanager
def use_call(context: CallContext) -> Iterator[CallContext]:
    """Makes `context` the current call for a block."""
    token = _CALL.set(context)
    try:
        yield context
    finally:
        _CALL.reset(token)


def wire_time() -> datetime:
    """The moment by which deadlines are measured: always the machine's clock, for a deadline is a fact of transport."""
    return datetime.now(UTC)


def on_business_date(now: datetime, day: date | None) -> datetime:
    """`now` moved to the business date: the date is replaced, the wall time in Beijing kept; UTC."""
    if day is None:
        return now
    return datetime.combine(day, now.astimezone(BEIJING).timetz()).astimezone(UTC)
