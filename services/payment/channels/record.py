"""The record of what channels are told: each request for an order is noted before it leaves, with marks for what is secret in it
and for who somebody is.

What cannot be noted does not leave. Nothing is written here: what is noted goes into the next transaction of the store.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from services.payment.domain.told import ToldRequest
from services.runtime.masking import Marks, masked
from services.runtime.outgoing import SentRequest, Unanswered

_SHOWN_HEADERS: Final = frozenset({"accept", "content-type", "user-agent", "wechatpay-serial"})
_HIDDEN: Final = "‹header›"


@dataclass(slots=True)
class _About:
    """For which order something is told now. Where nothing is told nothing has to be marked."""

    pay_ord_id: str
    number: str
    step: str
    message: Message
    _marks: Marks | None = None

    @property
    def marks(self) -> Marks:
        """What may not be noted."""
        if self._marks is None:
            self._marks = Marks(self.message)
        return self._marks


_ABOUT: ContextVar[_About | None] = ContextVar("yibao_told_about", default=None)


class Record:
    """Notes what is told. `note` takes it, and says False where there is no room; `now` gives microseconds."""

    def __init__(self, note: Callable[[ToldRequest], bool], now: Callable[[], int]) -> None:
        self._note, self._now = note, now

    @contextmanager
    def about(self, pay_ord_id: str, number: str, step: str, message: Message) -> Iterator[None]:
        """A block in which a channel is told of an order, out of a message, under a number of ours."""
        token = _ABOUT.set(_About(pay_ord_id, number, step, message))
        try:
            yield
        finally:
            _ABOUT.reset(token)

    def told(self, sent: SentRequest) -> None:
        """Notes a request; `Unanswered` where there is no room, so that it does not leave. Outside of such a block nothing of an
        order is told: a day's bill is asked for, a terminal signs on."""
        about = _ABOUT.get()
        if about is None:
            return
        headers = {name: value if name.lower() in _SHOWN_HEADERS else _HIDDEN for name, value in sent.headers.items()}
        content = {"headers": headers} if headers else {}
        if sent.plain is not None:
            content["content"] = masked(sent.plain, about.marks)
        elif sent.body:
            content["content"] = {"bytes": str(len(sent.body))}
        at = self._now()
        told = ToldRequest(
            *(about.pay_ord_id, sent.provider, about.step, about.number, sent.method),
            target=about.marks.in_place(sent.url),
            content=json.dumps(content, separators=(",", ":")),
            first_at=at,
            last_at=at,
        )
        if not self._note(told):
            raise Unanswered("RECORD_FULL", sent=False)
