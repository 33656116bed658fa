"""One bill decided on the state of the books: trial and settlement are the same decision; only what follows differs.

It writes nothing. What it needs from others (person, policies, institution) was fetched before; what may have changed
meanwhile is compared, and a difference is `Moved`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from services.kernel.clock import from_micros
from services.kernel.errors import Fault, precondition
from services.kernel.policy.document import FactValue
from services.kernel.requests import Moved
from services.settlement.domain.benefits.outcome import Settlement
from services.settlement.domain.benefits.refusals import told_refusal
from services.settlement.domain.benefits.settle import settle
from services.settlement.domain.benefits.stack import StackChoice
from services.settlement.domain.books.basis import Basis, Purses
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.entries import Books, PolicyName, Wanted
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger
from services.settlement.domain.care.bill import (
    STAY,
    BilledBatch,
    BilledEncounter,
    SentParts,
    check_encounter,
    check_sent,
    check_state,
    check_sum,
    chosen_batches,
    totals_of_batches,
)
from services.settlement.domain.care.catalogue import Institution
from services.settlement.domain.care.insured import Enrolment, Insured
from services.settlement.domain.care.kinds import KindOfCare
from services.settlement.domain.care.moments import FeeMoment, check_standing_fees, fee_window, latest_moment
from services.settlement.domain.care.pending import PendingOrder


class PreparedBill(NamedTuple):
    """A bill request with all that others know about it. `facts` are those of a first settlement of the stay.

    `ec_token_digest` is that of the ecToken shown with the bill, else with the registration; empty where none was.
    """

    request: BillRequest
    encounter: BilledEncounter
    insured: Insured
    enrolment: Enrolment
    institution: Institution
    choice: StackChoice
    policies: tuple[PolicyName, ...]
    med_type: str
    day: date
    facts: Mapping[str, FactValue]
    key: LedgerKey
    own: AccountKey
    family: AccountKey | None
    ec_token_digest: str
    local_med_type: str = ""


class Decision(NamedTuple):
    """What a bill comes to, the ecToken that it spends (or empty), and the state of the books that it was decided on."""

    settlement: Settlement
    batches: tuple[BilledBatch, ...]
    ledger: YearLedger
    trial_hash: str
    ec_token_digest: str
    basis: Basis


_NO_LEDGER = YearLedger()
_NO_ACCOUNT = AccountHead()


def wanted_of(bills: Iterable[PreparedBill], *, trial: bool) -> Wanted:
    """All that the books must tell before these bills are decided."""
    items = tuple(bills)
    families = (item.family for item in items if item.family is not None)
    encounters = tuple({item.encounter.mdtrt_id: None for item in items if item.request.carried is None})
    openings = [item.request.opening for item in items if item.request.opening is not None]
    return Wanted(
        requests=()
        if trial
        else tuple({(item.request.stamp.scope, item.request.stamp.request_id): None for item in items}),
        encounters=encounters,
        batches=encounters,
        digests=tuple({item.ec_token_digest: None for item in items if item.ec_token_digest}),
        ledgers=tuple({item.key: None for item in items}),
        accounts=tuple(dict.fromkeys((*(item.own for item in items), *families))),
        stays=tuple({item.encounter.mdtrt_id: None for item in items if item.encounter.kind == STAY}),
        orders=tuple({each.order_no: None for each in openings}),
        entries=tuple({(each.stamp.scope, each.stamp.request_id): None for each in openings}),
        carried=tuple({item.encounter.mdtrt_id: None for item in items if item.request.carried is not None}),
    )


def blocking_order(item: PreparedBill, books: Books) -> PendingOrder | None:
    """The pending order for which a bill has to wait: one on the person's ledgers and account of the insurance type, or on
    the family account that it would use."""
    if not books.pending:
        return None
    own = books.pending.get(item.own)
    return own if own is not None or item.family is None else books.pending.get(item.family)


def decide(prepared: PreparedBill, books: Books, *, trial: bool) -> Decision:
    """Decides a bill; the books stay as they are.

    Raises `Moved` where the encounter changed since it was prepared, and the faults of a settlement: ENCOUNTER_NOT_FOUND,
    ENCOUNTER_STATE, NOT_DISCHARGED, EC_TOKEN_SPENT, FEE_TIME_OUTSIDE, NOTHING_TO_SETTLE, CHARGES_SETTLED, CHARGE_BATCH_NOT_FOUND,
    BATCH_SETTLED, FEE_SUM_MISMATCH, TRIAL_OUTDATED, SPLIT_CHANGED and all of `settle`.
    """
    request = prepared.request
    bill = request.bill
    carried = request.carried
    encounter = carried.encounter if carried else check_encounter(bill, books.encounters.get(bill.mdtrt_id))
    check_state(bill, encounter, trial=trial)
    if encounter != prepared.encounter:
        raise Moved
    token = _spent_token(prepared, books)
    if encounter.mdtrt_id in books.outside:
        check_fees_inside(request, encounter, books.outside[encounter.mdtrt_id])
    if carried:
        carried.check_unsettled(books.carried)
    every: Sequence[BilledBatch] = (carried.batch,) if carried else books.batches.get(bill.mdtrt_id, ())
    batches = chosen_batches(bill, every)
    totals = totals_of_batches(batches)
    check_sum(bill, totals)
    ledger = books.years.get(prepared.key, _NO_LEDGER)
    own = books.accounts.get(prepared.own, _NO_ACCOUNT)
    family = _NO_ACCOUNT if prepared.family is None else books.accounts.get(prepared.family, _NO_ACCOUNT)
    purses = Purses(prepared.own, prepared.family, bill.use_own, bill.use_family, bill.bank_fen)
    account = purses.state(books.accounts, prepared.key.benefit_year)
    basis = Basis(totals, prepared.facts, purses, encounter.kind == STAY)
    facts = basis.facts_now(goes_on=encounter.mdtrt_id in books.continued)
    try:
        settlement = settle(prepared.choice.stack, totals, facts, ledger.accumulators, account)
    except Fault as fault:
        care = KindOfCare(prepared.med_type, prepared.local_med_type)
        raise told_refusal(fault, bill, care, prepared.key.insuplc_admdvs, batches, every) from None
    digest = ""
    if trial or request.trial_hash:
        digest = _trial_hash(prepared, batches, (ledger.seq, own.seq, family.seq))
        if request.trial_hash and request.trial_hash != digest:
            raise precondition("TRIAL_OUTDATED", mdtrt_id=bill.mdtrt_id)
    parts = settlement.components
    check_sent(bill.sent, {name: getattr(parts, name) for name in SentParts.__slots__})
    return Decision(settlement, tuple(batches), ledger, digest, token, basis)


def check_fees_inside(request: BillRequest, encounter: BilledEncounter, outside: Sequence[FeeMoment]) -> None:
    """PRECONDITION (FEE_TIME_OUTSIDE): fees that an older release took, or that a changed begin or end left outside."""
    begin = from_micros(encounter.begin_at)
    end = None if encounter.end_at is None else from_micros(encounter.end_at)
    check_standing_fees(
        outside, fee_window(begin, end, latest_moment(request.now, request.business_date)), "data.mdtrt_id"
    )


def _spent_token(prepared: PreparedBill, books: Books) -> str:
    """The digest of the ecToken that the settlement spends, or empty; raises EC_TOKEN_SPENT.

    The token of an admission is spent by the first settlement of the stay; further ones of the same stay that show no
    credential pass (our decision). A visit's token pays once.
    """
    digest, encounter = prepared.ec_token_digest, prepared.encounter
    if digest not in books.spent:
        return digest
    shown = bool(prepared.request.bill.mdtrt_cert_no)
    if shown or encounter.kind != STAY or books.spent[digest] != encounter.mdtrt_id:
        raise precondition("EC_TOKEN_SPENT")
    return ""


def _trial_hash(prepared: PreparedBill, batches: Iterable[BilledBatch], sequences: tuple[int, ...]) -> str:
    """SHA-256 over policy versions, places in the ledgers, bill and use of accounts; of a bill for which something comes along
    with each message (filing, kind of care and its time) over the facts too."""
    request, bill = prepared.request, prepared.request.bill
    told = request.carried is not None or request.sought is not None
    facts = tuple(sorted(prepared.facts.items())) if told else ()
    told_by_bank = () if bill.bank_fen is None else (bill.bank_fen,)
    content = (
        tuple((version.id, version.version, version.content_hash) for version in prepared.choice.versions),
        tuple(prepared.key),
        sequences,
        tuple(tuple(batch) for batch in batches),
        (bill.use_own, bill.use_family, prepared.med_type, prepared.local_med_type),
        *facts,
        *told_by_bank,
    )
    return hashlib.sha256(repr(content).encode()).hexdigest()
