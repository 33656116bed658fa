"""Settling bills: prepared outside, decided one after the other inside one transaction, written in bulk, committed once.

The same person or the same request twice in a batch behaves as if one had come after the other. A refused bill writes
nothing and harms no other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from services.kernel.clock import to_micros
from services.kernel.errors import Fault
from services.kernel.requests import Moved, Regions, refusal_of
from services.runtime.writes import AGAIN, Again
from services.settlement.domain.answer import Answer
from services.settlement.domain.bill import Order
from services.settlement.domain.booking import settlement_postings
from services.settlement.domain.decision import Decision, PreparedBill, decide, wanted_of
from services.settlement.domain.entries import (
    SETTLE,
    Books,
    Heading,
    StoredAnswer,
    Writing,
    accumulator_entries,
    settlement_row,
)
from services.settlement.domain.ledger import after_deltas
from services.settlement.operations.ports import NewId, Scribe
from services.settlement.operations.preparation import Preparation, decided_bills
from services.settlement.store.hot import HotBooks

_WITH_PRESELFPAY: Final = "personal_inscp_plus_presel"


Outcome: TypeAlias = StoredAnswer | Again
Submit: TypeAlias = Callable[[int, PreparedBill], Awaitable[Outcome]]
"""Hands the bill of the order at a place to the committer and waits for its outcome; raises its Fault."""


@dataclass(frozen=True, slots=True)
class Settling:
    """Settles bills."""

    preparation: Preparation
    books: HotBooks
    scribe: Scribe
    new_id: NewId

    async def settle(self, orders: Sequence[Order], submit: Submit) -> list[StoredAnswer | BaseException]:
        """The answer of each order, now or from before, or why it has none: a Fault, or a bug of that one order."""
        return cast("list[StoredAnswer | BaseException]", await decided_bills(self.preparation, orders, submit))

    async def commit(self, bills: Sequence[PreparedBill]) -> list[Outcome | Fault]:
        """Decides and books a batch in one transaction: what the committer runs."""
        persons = {item.key.psn_no for item in bills}
        persons.update(item.family.psn_no for item in bills if item.family is not None)
        try:
            async with self.books.writing() as work:
                await work.lock(persons)
                books = await work.load(wanted_of(bills, trial=False))
                writing = Writing()
                outcomes = [self._outcome(item, books, writing) for item in bills]
                if writing.settlements:
                    await work.save(writing)
                return outcomes
        except Moved:
            return [AGAIN] * len(bills)

    def _outcome(self, item: PreparedBill, books: Books, writing: Writing) -> Outcome | Fault:
        stamp = item.order.stamp
        stored = books.answers.get((stamp.scope, stamp.request_id))
        if stored is not None:
            return refusal_of(stamp, stored) or stored
        try:
            decision = decide(item, books, trial=False)
        except Moved:
            return AGAIN
        except Fault as fault:
            return fault
        return self._book(item, decision, books, writing)

    def _book(self, item: PreparedBill, decision: Decision, books: Books, writing: Writing) -> StoredAnswer:
        """Moves the books by a decision and notes its rows; nothing that can fail comes after the first change."""
        order, settlement, key = item.order, decision.settlement, item.key
        setl_id = self.new_id("")
        answer = answer_of(item, decision, setl_id)
        response, record = self.scribe.settled(answer)
        seq, at = decision.ledger.seq + 1, to_micros(order.now)
        heading = _heading(item, decision, setl_id, seq, at)
        row = settlement_row(heading, settlement.components, response, record)
        entries = accumulator_entries(key, seq, settlement.accumulator_deltas, setl_id)
        postings = settlement_postings(setl_id, settlement, item.own, item.family, books.accounts, key.benefit_year, at)
        writing.settlements.append(row)
        writing.accumulators += entries
        writing.postings += postings
        writing.settled += [(batch.fee_batch_id, setl_id) for batch in decision.batches]
        stamp = order.stamp
        stored = StoredAnswer(
            *(stamp.scope, stamp.request_id, stamp.content_hash, SETTLE, setl_id, response),
            *(stamp.hash_version, heading.stamp.regions),
        )
        books.answers[stamp.scope, stamp.request_id] = stored
        books.years[key] = after_deltas(decision.ledger, settlement.accumulator_deltas)
        if decision.ec_token_digest:
            books.spent[decision.ec_token_digest] = item.encounter.mdtrt_id
        if item.encounter.kind == "stay":
            books.continued.add(item.encounter.mdtrt_id)
        chosen = {batch.fee_batch_id for batch in decision.batches}
        books.batches[item.encounter.mdtrt_id] = [
            batch._replace(setl_id=setl_id) if batch.fee_batch_id in chosen else batch
            for batch in books.batches[item.encounter.mdtrt_id]
        ]
        return stored


def answer_of(item: PreparedBill, decision: Decision, setl_id: str) -> Answer:
    """What the settlement of a prepared bill tells."""
    return Answer(
        setl_id=setl_id,
        order=item.order,
        encounter=item.encounter,
        insured=item.insured,
        enrolment=item.enrolment,
        institution=item.institution,
        med_type=item.med_type,
        benefit_year=item.key.benefit_year,
        settlement=decision.settlement,
        local_med_type=item.local_med_type,
    )


def _heading(item: PreparedBill, decision: Decision, setl_id: str, seq: int, at: int) -> Heading:
    order, bill = item.order, item.order.bill
    return Heading(
        setl_id=setl_id,
        stamp=order.stamp.resolved(Regions(item.enrolment.insuplc_admdvs, item.institution.admdvs)),
        kind=SETTLE,
        mdtrt_id=item.encounter.mdtrt_id,
        key=item.key,
        ledger_seq=seq,
        med_type=item.med_type,
        setl_at=at,
        msgid=bill.desk.msgid,
        opter=bill.desk.opter,
        opter_name=bill.desk.opter_name,
        invono=bill.invono,
        ec_token_digest=decision.ec_token_digest or None,
        preselfpay_in_base=any(layer.base_kind == _WITH_PRESELFPAY for layer in decision.settlement.layers),
        policies_json=item.policies_json,
        fee_batches=tuple(batch.fee_batch_id for batch in decision.batches),
    )
