"""Transactions with two numbers: 2207A is 2207, and 2203A is 2203.

Their messages are kept under the plain number. Stores of before may hold two messages of one msgid, one under each number:
what stands under the second is looked for where what stands under the plain one is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.kernel.requests import RequestStamp, S, refusal_of

_SECOND: Final[Mapping[str, str]] = {"2203": "2203A", "2207": "2207A"}


def both_numbers(infno: str) -> tuple[str, ...]:
    """The numbers of a transaction, the plain one first."""
    plain = infno.removesuffix("A")
    return (plain, _SECOND[plain]) if infno in (plain, _SECOND.get(plain)) and plain in _SECOND else (infno,)


def second_id(stamp: RequestStamp, standing: S | None) -> str:
    """The request id under which the answer to this request may stand too, as `standing` is none; "" where nothing may."""
    infno, colon, msgid = stamp.request_id.partition(":")
    second = _SECOND.get(infno, "") if colon else ""
    if not second or standing is None or refusal_of(stamp, standing) is None:
        return ""
    return f"{second}:{msgid}"


def answering(stamp: RequestStamp, standing: S | None, second: S | None) -> S | None:
    """What answers this request: what stands under the second number where that does, else what stands under the plain one."""
    return second if second is not None and refusal_of(stamp, second) is None else standing
