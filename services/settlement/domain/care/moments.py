"""Moments that an institution tells: nothing that is still to come, no end before its begin, fees within their encounter.

They are compared with the moment on which the request is decided; a hospital's clock may go ten minutes ahead of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from services.kernel.clock import BEIJING, beijing_day
from services.kernel.errors import MOST_VIOLATIONS, Fault, FaultKind, Violation, Violations, invalid

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far clocks may be apart (our decision)."""

BEFORE_BEGIN = timedelta(hours=24)
"""Fees of an emergency come before the admission that follows it, by so much at most (our decision)."""

_LAST_SECOND = time(23, 59, 59)
_MOST_IN_TEXT = 3
_LONGEST_NUMBERS = 30


class FeeMoment(NamedTuple):
    """When the fee of a line arose."""

    feedetl_sn: str
    fee_at: datetime


class FeeWindow(NamedTuple):
    """First and last moment at which a fee of an encounter may arise, both included."""

    first: datetime
    last: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether a fee of that moment belongs to the encounter."""
        return self.first <= moment <= self.last


class EndedWindow(FeeWindow):
    """A window that the end of the encounter closes."""

    __slots__ = ()


def latest_moment(now: datetime, business_date: date | None = None) -> datetime:
    """The last moment that a request decided at `now` may tell.

    A sandbox's business date names a day and no hour, so with one the whole of that day has been (our decision).
    """
    latest = now + CLOCKS_DIFFER
    if business_date is None:
        return latest
    return max(latest, datetime.combine(business_date, _LAST_SECOND, BEIJING))


def fee_window(begin_at: datetime, end_at: datetime | None, latest: datetime) -> FeeWindow:
    """When fees may arise: from 24 hours before the begin to ten minutes after the end, while it lasts to `latest`."""
    if end_at is None:
        return FeeWindow(begin_at - BEFORE_BEGIN, latest)
    return EndedWindow(begin_at - BEFORE_BEGIN, end_at + CLOCKS_DIFFER)


def check_begin(begin_at: datetime, latest: datetime, path: str) -> None:
    """INVALID (TIME_IN_FUTURE) for a visit or stay that would begin after `latest`."""
    if begin_at > latest:
        raise _future(begin_at, latest, path)


def check_end(begin_at: datetime, end_at: datetime, latest: datetime, path: str) -> None:
    """INVALID for a stay that would end before it began, or (TIME_IN_FUTURE) after `latest`.

    A client that tells no more than the day means its last second: the day of `latest` may be told so.
    """
    if end_at < begin_at:
        raise invalid(path, "not_before_begin", "the encounter begins later")
    if end_at > latest and not _is_day_of(end_at, latest):
        raise _future(end_at, latest, path)


def check_range(begin: datetime, end: datetime, path: str) -> None:
    """INVALID where what is asked for ends before it begins."""
    if end < begin:
        raise invalid(path, "not_before_begin", "ends before it begins")


def check_fees(fees: Sequence[FeeMoment], window: FeeWindow) -> None:
    """INVALID (FEE_TIME_OUTSIDE) for fees of an upload that arose outside the encounter: the first are named, all counted."""
    wrong = [place for place, fee in enumerate(fees) if not window.holds(fee.fee_at)]
    if wrong:
        broken = Violations()
        for place in wrong:
            if not broken.full():
                broken.append(_beyond(f"feedetail[{place}].fee_ocur_time", fees[place], window))
        raise _outside(FaultKind.INVALID, [fees[place] for place in wrong], window, broken)


def check_standing_fees(outside: Sequence[FeeMoment], window: FeeWindow, path: str) -> None:
    """PRECONDITION (FEE_TIME_OUTSIDE) where fees stand that lie outside the encounter as the field at `path` tells it."""
    if outside:
        early = [fee for fee in outside if fee.fee_at < window.first]
        late = [fee for fee in outside if fee.fee_at >= window.first]
        broken = [_standing_beyond(path, fees, window) for fees in (early, late) if fees]
        raise _outside(FaultKind.PRECONDITION, outside, window, broken)


def _beyond(path: str, fee: FeeMoment, window: FeeWindow) -> Violation:
    """The bound that a fee of an upload is beyond, with its moment."""
    if fee.fee_at < window.first:
        return Violation(path, "fee.before_begin", values={"first": _text(window.first)})
    ended = isinstance(window, EndedWindow)
    return Violation(path, "fee.after_end" if ended else "fee.after_now", values={"last": _text(window.last)})


def _standing_beyond(path: str, fees: Sequence[FeeMoment], window: FeeWindow) -> Violation:
    """The bound that fees which stand are beyond, with its moment and theirs."""
    first, last = _text(window.first), _text(window.last)
    # The reason names the lines already: with long numbers an envelope has room for one moment more.
    told = {"count": str(len(fees)), "at": _text(fees[0].fee_at)}
    named = ", ".join(f"{fee.feedetl_sn} ({_text(fee.fee_at)})" for fee in fees[:MOST_VIOLATIONS])
    if fees[0].fee_at < window.first:
        said = f"lines {named} arose before {first}, 24 hours before the begin"
        return Violation(path, "fees.before_begin", said, {**told, "first": first})
    told["last"] = last
    if isinstance(window, EndedWindow):
        return Violation(
            path, "fees.after_end", f"lines {named} arose after {last}, 10 minutes after the discharge", told
        )
    return Violation(path, "fees.after_now", f"lines {named} arose after {last}, the latest that can be told now", told)


def _outside(kind: FaultKind, fees: Sequence[FeeMoment], window: FeeWindow, broken: Sequence[Violation]) -> Fault:
    metadata = {
        "feedetl_sn": _numbers(fees),
        "lines": str(len(fees)),
        "first": _text(window.first),
        "last": _text(window.last),
    }
    return Fault(kind, "FEE_TIME_OUTSIDE", metadata, violations=broken)


def _numbers(fees: Sequence[FeeMoment]) -> str:
    """The first numbers, of long ones fewer: a refusal has room for what is wrong with them as well."""
    shown = fees[0].feedetl_sn
    for fee in fees[1:_MOST_IN_TEXT]:
        if len(shown) + len(fee.feedetl_sn) > _LONGEST_NUMBERS:
            break
        shown = f"{shown}, {fee.feedetl_sn}"
    return shown


def _future(moment: datetime, latest: datetime, path: str) -> Fault:
    told, last = _text(moment), _text(latest)
    return invalid(path, "not_in_future", f"at the latest {last}", reason="TIME_IN_FUTURE", told=told, latest=last)


def _is_day_of(moment: datetime, latest: datetime) -> bool:
    local = moment.astimezone(BEIJING)
    return local.time() == _LAST_SECOND and local.date() <= beijing_day(latest)


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
