"""What channels say of charges and refunds, in one set of words. An adapter translates; what follows is decided elsewhere.

What a channel says that nobody knows is UNKNOWN, which means: ask again. Amounts are fen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from types import MappingProxyType
from typing import Final


class ChannelState(Enum):
    """How a charge stands at its channel.

    ABSENT: the channel has never heard of it, so that it may be sent again under the same number. WAITING: the person may still
    pay. CHARGED: the cash is collected. CLOSED: nobody can pay it any more, nothing was collected. REFUSED: the channel will
    not have it, and nothing was collected. RETURNED: all of it went back. UNKNOWN: ask again.
    """

    ABSENT = "absent"
    WAITING = "waiting"
    CHARGED = "charged"
    CLOSED = "closed"
    REFUSED = "refused"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class Half(Enum):
    """How the insured half of a mixed order stands at the channel, which settles it with the bureau; NONE where there is none."""

    NONE = "none"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    RETURNED = "returned"
    UNKNOWN = "unknown"


class RefundStanding(Enum):
    """How a refund of cash stands. ABSENT: may be sent again under the same number. ABNORMAL: people have to look, as where the
    person's card is closed. UNKNOWN: ask again.
    """

    ABSENT = "absent"
    UNDER_WAY = "under_way"
    RETURNED = "returned"
    REFUSED = "refused"
    ABNORMAL = "abnormal"
    UNKNOWN = "unknown"


NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Seen:
    """What a channel says of a charge.

    `charged_fen` is what was collected (0 before), `total_fen` what the channel believes the whole order comes to (None where
    it does not say). `trade_no` and `mix_trade_no` are its own numbers. `code` is its word for a refusal, `says` its
    sentence: both may be shown to operators, neither to a person. `doubted` says that the channel believes in another whole
    than we do, `unasked` that CLOSED is no word of the channel's, which cannot close it: the bureau will refuse it from now
    on. `short` says of a refusal that the account has less than that, `refused` of UNKNOWN that the channel has answered and will
    not say more. `front` is what the front end needs so that the person
    can pay: `prepay_id`, `code_url`, `pay_url`, …; it is stored with the charge and told to the institution alone.
    """

    standing: ChannelState
    half: Half = Half.NONE
    charged_fen: int = 0
    total_fen: int | None = None
    trade_no: str = ""
    mix_trade_no: str = ""
    paid_at: datetime | None = None
    code: str = ""
    says: str = ""
    doubted: bool = False
    unasked: bool = False
    short: bool = False
    refused: bool = False
    front: Mapping[str, str] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class RefundSeen:
    """What a channel says of a refund; `refund_trade_no` is its own number, `refused` as in `Seen`."""

    standing: RefundStanding
    refunded_fen: int = 0
    refund_trade_no: str = ""
    returned_at: datetime | None = None
    code: str = ""
    says: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came of telling a channel something: it has heard, or will not, by its word `code`; neither where nobody knows."""

    heard: bool = False
    refused: bool = False
    code: str = ""


class About(Enum):
    """What a notify is about."""

    CHARGE = "charge"
    REFUND = "refund"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Heard:
    """A notify that was verified. `event` is its key: heard twice, it is heard once. `number` is our number of the charge or
    the refund; `charge` or `refund` is what it says. `merchant` is whose account it speaks of, the merchant's number and the
    sub-merchant's, where it tells one: of another's charge it proves nothing, for merchants choose their numbers themselves.
    `nonce` is the signature's, good once; empty where the provider has none. `answer` is the body that tells the channel that
    it was heard.
    """

    event: str
    about: About
    number: str
    charge: Seen | None = None
    refund: RefundSeen | None = None
    merchant: tuple[str, str] = ("", "")
    nonce: str = ""
    answer: bytes = b""
    answer_type: str = "application/json"


class BillKind(Enum):
    """A line of a channel's daily bill."""

    CHARGE = "charge"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class BillLine:
    """A line of a channel's daily bill: our number (charge or refund; of a reversal the charge's), the channel's, the amount, the
    day it is booked on, and the currency, where the bill names one.
    """

    kind: BillKind
    number: str
    trade_no: str
    amount_fen: int
    day: date
    fee_fen: int = 0
    currency: str = "CNY"
