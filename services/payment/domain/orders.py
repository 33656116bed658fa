"""Orders of mobile payment as values: an order, its charges, its refunds. Moments are microseconds UTC by payment's clock.

Nothing clinical stands in them: payment keeps numbers, amounts and whose they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from services.kernel.rests import rest_s
from services.payment.domain.charges import ChannelState, Half
from services.payment.domain.phases import MOVES, RUNNING, Phase, ord_stas
from services.payment.domain.splits import Split
from services.payment.domain.terms import OrderType

SECOND: Final = 1_000_000
LEASE_S: Final = 30
"""For how long an order is left to whoever works at it: longer than all the calls of one step may last (our decision)."""


class Goal(Enum):
    """What becomes of an order once nothing stands of it any more."""

    FAILED = "failed"
    SAVED = "saved"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Bill:
    """Which bill it is, as settlement knows it; `med_type` and `acct_used_flag` are the contract's numbers, `ipt_otp_no` the
    institution's of the visit.
    """

    psn_no: str
    insutype: str
    mdtrt_id: str
    chrg_bchno: str
    med_type: int
    local_med_type: str
    psn_setlway: str
    acct_used_flag: int
    fee_fen: int
    stay: bool
    invono: str = ""
    ipt_otp_no: str = ""


@dataclass(frozen=True, slots=True)
class PayOrder:
    """An order by its row.

    `insured_cell` is the cell that insures the person where routing is asked about the bill, "" where the own cell needs nobody.
    `person` is a digest of who was named in 6201. `own_visit` says that its visit was registered for it. `open_no` is its number
    in settlement, a new one for each attempt; `charge_no` that of its last charge. `split` is how it was tried, `opened` how
    it was opened; `balance_fen` what the bank of a real account told for it,
    `deposit_fen` what deposits of the stay bear of it. `goal` is where it goes once nothing stands.
    `due_at` is when its lease, its rest or the person's time is over; `tries` how often the loop took it in vain. `version`
    counts its changes: who changes an older one is told so. `traceparent` names the span of the call that began to pay it last.
    """

    pay_ord_id: str
    fixmedins_code: str
    med_org_ord: str
    person: str
    order_type: int
    fee_type: str
    admdvs: str
    bill: Bill
    own_visit: bool
    phase: Phase
    saved_at: int
    changed_at: int
    due_at: int
    goal: Goal = Goal.FAILED
    split: Split | None = None
    trial_hash: str = ""
    insured_cell: str = ""
    opened: Split | None = None
    setl_id: str = ""
    auth: str = ""
    attempt: int = 0
    open_no: str = ""
    charge_no: str = ""
    refund_no: str = ""
    charged_fen: int = 0
    refunded_fen: int = 0
    insured_returned: bool = False
    agreed: bool = False
    balance_fen: int | None = None
    deposit_fen: int = 0
    reason: str = ""
    channel_code: str = ""
    paid_at: int = 0
    tries: int = 0
    version: int = 0
    traceparent: str = ""

    @property
    def is_deposit(self) -> bool:
        """Whether it is a deposit for a stay: cash alone, of which settlement knows nothing."""
        return self.order_type == OrderType.DEPOSIT

    @property
    def running(self) -> bool:
        """Whether it comes on by itself."""
        return self.phase in RUNNING


UNSAID: Final = -1
"""A sum that a channel has not said."""


def bank_part_fen(order: PayOrder) -> int:
    """What is charged for the own account because a bank keeps it, until the insured part goes back."""
    return 0 if order.split is None or order.insured_returned else order.split.bank_fen


class ChargeState(Enum):
    """Where a charge stands here: PLANNED before it is asked for, ASKED while nobody knows, then as the channel says. RETURNING:
    what was collected goes back though its order does not wait for it.
    """

    PLANNED = "planned"
    ASKED = "asked"
    WAITING = "waiting"
    CHARGED = "charged"
    ENDED = "ended"
    RETURNING = "returning"
    RETURNED = "returned"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge by its row. `message` is the ChannelCharge without what is secret or about the person. `front` is what the front
    end was given. `return_no` is the number under which it goes back, `returned_at` when the channel said that it had.
    `said_total_fen` is what the channel believes the whole order comes to (UNSAID where it has not said), `returned_fen` what it
    says of such a return. `traceparent` names the span of the call that began it.
    """

    charge_no: str
    pay_ord_id: str
    channel: str
    form: int
    charge_fen: int
    message: bytes
    state: ChargeState
    created_at: int
    expires_at: int
    due_at: int
    asked_at: int = 0
    standing: ChannelState = ChannelState.UNKNOWN
    half: Half = Half.NONE
    charged_fen: int = 0
    trade_no: str = ""
    mix_trade_no: str = ""
    paid_at: int = 0
    return_no: str = ""
    said_total_fen: int = UNSAID
    returned_fen: int = 0
    returned_at: int = 0
    front: Mapping[str, str] = field(default_factory=dict)
    tries: int = 0
    traceparent: str = ""


class RefundState(Enum):
    """Where a refund stands: the insured part goes first, then the cash, then the channel of a mixed order is told. TOLD: people
    say that it knows.
    """

    BEGUN = "begun"
    INSURED_BACK = "insured_back"
    CASH_BACK = "cash_back"
    TOLD = "told"
    DONE = "done"
    REFUSED = "refused"
    HELD = "held"


_REF_STATUS: Final = {RefundState.DONE: "SUCC", RefundState.REFUSED: "FAIL"}
TAKEN: Final = "TAKEN_AS_GIVEN_BACK"
"""Why a refund is done of which the channel has said nothing: people took it as given back, by a proof. The channel is
never asked for it again."""


class RefundKind(Enum):
    """What goes back (dictionary refdType)."""

    ALL = "ALL"
    CASH = "CASH"
    INSURED = "HI"


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund by its row. `asked_no` is the institution's number (appRefdSn), `said_fen` what the channel says it has
    given back by it; `card_fen` goes back to the card with the insured part, where a bank keeps the own account."""

    refund_no: str
    pay_ord_id: str
    asked_no: str
    kind: RefundKind
    insured_fen: int
    cash_fen: int
    state: RefundState
    created_at: int
    counter_setl_id: str = ""
    done_at: int = 0
    reason: str = ""
    said_fen: int = 0
    card_fen: int = 0

    @property
    def back_fen(self) -> int:
        """What the channel gives back by it."""
        return self.cash_fen + self.card_fen

    @property
    def insured(self) -> bool:
        """Whether the insured part goes back by it."""
        return self.kind is not RefundKind.CASH


class Forbidden(ValueError):
    """A move that the table does not have: always a bug."""


def moved(order: PayOrder, phase: Phase, now: int, **changes: Any) -> PayOrder:
    """The order after a move, with a lease for whoever goes on; `Forbidden` where the table has none. `changes` are fields."""
    if phase is not order.phase and phase not in MOVES[order.phase]:
        raise Forbidden(f"{order.pay_ord_id}: from {order.phase.value} to {phase.value}")
    return kept(order, now, phase=phase, due_at=now + LEASE_S * SECOND, tries=0, **changes)


def kept(order: PayOrder, now: int, **changes: Any) -> PayOrder:
    """The order with other fields, a version later."""
    return replace(order, changed_at=now, version=order.version + 1, **changes)


def rested(order: PayOrder, reason: str, now: int) -> PayOrder:
    """The order after an attempt in vain: it rests, the longer the oftener."""
    due_at = now + rest_s(order.tries) * SECOND
    return kept(order, now, tries=order.tries + 1, reason=reason or order.reason, due_at=due_at)


def told_stas(order: PayOrder, *, knows_17: bool = False) -> int:
    """ordStas of an order (`phases.ord_stas`), by its cash: what a card is charged for the own account goes back with the insured
    part.
    """
    bank = order.split.bank_fen if order.split is not None else 0
    return ord_stas(
        order.phase,
        agreed=order.agreed,
        charged_fen=order.charged_fen - bank,
        refunded_fen=order.refunded_fen - (bank if order.insured_returned else 0),
        insured_returned=order.insured_returned,
        knows_17=knows_17,
    )


def ref_status(refund: Refund) -> str:
    """Dictionary refStatus of a refund."""
    return _REF_STATUS.get(refund.state, "EXP")
