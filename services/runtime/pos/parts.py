"""Parts within fields 48, 54, 60 and 61, and the transactions by their codes (C§3.2). What nobody has published is marked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.runtime.pos.messages import CURRENCY, Malformed

ACCEPTED: Final = "00"
UNDONE: Final = frozenset({"00", "12", "25"})
"""Answers to a reversal that end it: done, nothing to undo, never seen (C§3.2)."""
DUPLICATE: Final = "94"
BAD_SEAL: Final = "A0"
SIGN_ON, SIGN_OFF = "001", "002"
"""F60.3: double-length keys are 003 on many terminals; we take both for a sign-on."""
SETTLE, UPLOAD, UPLOADED = "201", "201", "202"
_BALANCE_KIND: Final = "1002"
_TOTAL: Final = 15
_SIDE: Final = 31


class Kind(Enum):
    """A transaction: type of message, processing code (F3), code in F60.1."""

    BALANCE = ("0200", "310000", "01")
    PURCHASE = ("0200", "000000", "22")
    VOID = ("0200", "200000", "23")
    REFUND = ("0220", "200000", "25")

    @property
    def mti(self) -> str:
        """The type of its message."""
        return self.value[0]

    @property
    def processing(self) -> str:
        """F3."""
        return self.value[1]

    @property
    def code(self) -> str:
        """F60.1."""
        return self.value[2]


def kind_of(mti: str, processing: str, code: str) -> Kind | None:
    """The transaction with these codes; None for one that is not served."""
    return next((kind for kind in Kind if kind.value == (mti, processing, code)), None)


@dataclass(frozen=True, slots=True)
class Route:
    """Field 60: kind of transaction, batch, number of the network's transaction."""

    code: str
    batch: str
    network: str = "000"

    def __str__(self) -> str:
        return f"{self.code}{self.batch}{self.network}"


def route_of(field: str) -> Route:
    """Field 60 in its parts; `Malformed` where it is too short."""
    if len(field) < 11:
        raise Malformed("field 60: at least 11 digits")
    return Route(field[:2], field[2:8], field[8:11])


@dataclass(frozen=True, slots=True)
class Original:
    """Field 61: the transaction that is meant, by batch, trace and day (MMDD)."""

    batch: str
    trace: str
    day: str

    def __str__(self) -> str:
        return f"{self.batch}{self.trace}{self.day}"


def original_of(field: str) -> Original:
    """Field 61 in its parts; `Malformed` where it is too short."""
    if len(field) < 16:
        raise Malformed("field 61: at least 16 digits")
    return Original(field[:6], field[6:12], field[12:16])


def balance_field(fen: int) -> str:
    """Field 54: kind of account and amount, currency, sign (C where there is money), 12 digits of fen."""
    return f"{_BALANCE_KIND}{CURRENCY}{'D' if fen < 0 else 'C'}{abs(fen):012d}"


def balance_of(field: str) -> int:
    """The fen in field 54; `Malformed`."""
    sign, amount = field[7:8], field[8:20]
    if len(field) != 20 or sign not in {"C", "D"} or not amount.isdigit():
        raise Malformed("field 54: no balance")
    return int(amount) if sign == "C" else -int(amount)


@dataclass(frozen=True, slots=True)
class Totals:
    """Field 48 of a settlement: what came in (debit) and went back (credit), in fen and in number."""

    debit_fen: int = 0
    debits: int = 0
    credit_fen: int = 0
    credits: int = 0


def totals_field(totals: Totals, verdict: int = 0) -> str:
    """62 digits: cards of this country with the verdict (0 asked, 1 equal, 2 different), then those of others, which are none."""
    own = f"{totals.debit_fen:012d}{totals.debits:03d}{totals.credit_fen:012d}{totals.credits:03d}{verdict}"
    return own + "0" * _SIDE


def totals_of(field: str) -> tuple[Totals, int]:
    """Totals and verdict of field 48; `Malformed`."""
    if len(field) < _SIDE:
        raise Malformed("field 48: no totals")
    back = field[_TOTAL:]
    return Totals(int(field[:12]), int(field[12:15]), int(back[:12]), int(back[12:15])), int(field[30])


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One transaction in an upload: its trace, card and amount, and whether it gave back."""

    trace: str
    card: str
    amount_fen: int
    credit: bool = False


_DETAIL: Final = 40
MOST_DETAILS: Final = 8


def details_field(lines: tuple[Uploaded, ...]) -> str:
    """Field 48 of an upload: the number of lines (2 digits), then for each its side (00 in, 01 back: ours), trace, card in 20
    digits and amount. `Malformed` for more than eight.
    """
    if len(lines) > MOST_DETAILS:
        raise Malformed(f"field 48: at most {MOST_DETAILS} lines")
    return f"{len(lines):02d}" + "".join(
        f"{int(line.credit):02d}{line.trace}{line.card or '0':0>20}{line.amount_fen:012d}" for line in lines
    )


def details_of(field: str) -> tuple[Uploaded, ...]:
    """The lines of an upload; `Malformed`."""
    if len(field) < 2 or len(field) != 2 + int(field[:2]) * _DETAIL:
        raise Malformed("field 48: the number of lines is another")
    lines = (field[at : at + _DETAIL] for at in range(2, len(field), _DETAIL))
    return tuple(Uploaded(line[2:8], line[8:28].lstrip("0"), int(line[28:]), line[:2] == "01") for line in lines)
