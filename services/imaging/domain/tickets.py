"""Tickets: what one says, how long it lives, when it dies before that, and which key signs it. Pure.

A ticket opens one study at one node, to one reader for one purpose. It names no person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

ISSUER: Final = "imaging"
LIFE: Final = timedelta(seconds=300)
"""So long a ticket opens its study (I§6.6)."""
TOLD: Final = timedelta(minutes=20)
"""So long what was revoked is told (our decision): longer than any ticket lives."""
KEY_DAYS: Final = 30
"""A key signs for so many days, then the next one (our decision)."""
BESIDE: Final = timedelta(days=1)
"""So long before its first day a key is told already, and after its last one still: nodes keep a key set for an hour."""

_DAY_S: Final = 24 * 60 * 60
_GRANT_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Ticket:
    """One that was given, as long as it lives: its id, the grant and the cell that keeps that, the study, the institutions as
    whose nodes tell it, between blanks, and the session that asked for it. Of an own study's the cell is "".
    """

    jti: str
    cell: str
    grant_no: str
    study_uid: str
    fixmedins_codes: str
    session_no: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class GrantEnd:
    """What became of a grant: it ended, or, where a study or an institution is named, that was hidden from its reader, or is
    `shown` again."""

    seq: int
    grant_no: str
    study_uid: str
    fixmedins_code: str
    ended_at: datetime
    shown: bool = False

    @property
    def is_end(self) -> bool:
        """Whether nothing is read under the grant any more."""
        return not (self.study_uid or self.fixmedins_code)

    def hides(self, ticket: Ticket) -> bool:
        """Whether a ticket is for what was hidden."""
        if ticket.grant_no != self.grant_no or self.is_end or self.shown:
            return False
        return ticket.study_uid == self.study_uid or (
            self.fixmedins_code != "" and self.fixmedins_code in ticket.fixmedins_codes.split()
        )


def grant_digest(grant_no: str) -> str:
    """What a ticket says of its grant, and by what the list of revocations names it: 16 hexadecimal digits."""
    return hashlib.sha256(grant_no.encode()).hexdigest()[:_GRANT_DIGITS]


def expiry(now: datetime, *ends: datetime | None) -> datetime:
    """Until when a ticket given now opens its study: for five minutes, but never longer than what it was given under holds."""
    return min((now + LIFE, *(each for each in ends if each is not None)))


def claims(*, node_no: str, organisation: str, purpose: str, ticket: Ticket, now: datetime) -> Mapping[str, Any]:
    """What a ticket says (RFC 7519, 4.1): `sub` is the session, of which the audit log alone knows whose it is."""
    return {
        "iss": ISSUER,
        "aud": node_no,
        "sub": ticket.session_no,
        "org": organisation,
        "pur": purpose,
        "stu": ticket.study_uid,
        "gra": grant_digest(ticket.grant_no),
        "jti": ticket.jti,
        "nbf": int(now.timestamp()),
        "exp": int(ticket.expires_at.timestamp()),
    }


def revoked_names(ends: Sequence[GrantEnd], tickets: Collection[Ticket]) -> list[str]:
    """What the list gets for what became of grants: the digest of a grant that ended, which no ticket can bear any more, and the
    ids of tickets for what was hidden, for the grant lives on."""
    ended = [grant_digest(each.grant_no) for each in ends if each.is_end]
    hidden = [ticket.jti for ticket in tickets if any(each.hides(ticket) for each in ends)]
    return list(dict.fromkeys([*ended, *hidden]))


def signing_period(now: datetime) -> int:
    """The number of the key that signs now."""
    return _day(now) // KEY_DAYS


def told_periods(now: datetime) -> tuple[int, ...]:
    """The numbers of the keys that are told now, the one that signs first: around a change those on both sides of it."""
    periods = (signing_period(now), signing_period(now - BESIDE), signing_period(now + BESIDE))
    return tuple(dict.fromkeys(periods))


def _day(now: datetime) -> int:
    return int(now.timestamp()) // _DAY_S
