"""Ledgers: opened with balances and accumulators, and read. Only settlements and reversals move what is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.kernel.clock import beijing_day, to_micros
from services.kernel.codes import cum_type_code
from services.kernel.errors import Fault
from services.kernel.persons import person_not_found
from services.kernel.requests import RequestStamp
from services.runtime.writes import Frame
from services.settlement.domain.benefits.stack import CompiledStack, StackRequest
from services.settlement.domain.benefits.versions import benefit_year
from services.settlement.domain.books.entries import StoredAnswer, Wanted
from services.settlement.domain.books.ledger import AccountHead, AccountKey, LedgerKey, YearLedger
from services.settlement.domain.books.opening import Opening, book_openings, check_openings
from services.settlement.domain.care.encounters import Entry
from services.settlement.domain.care.insured import Enrolment, Insured
from services.settlement.operations.benefits.ports import PolicyPeer
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import IdentityPeer, NewId
from services.settlement.operations.care.writes import BUSY
from services.settlement.store.settlements import SettlementBooks, SettlementReader, SettlementWriter

TRIES: Final = 4
_CALENDAR_YEAR: Final = "01-01"
_NO_STACK = ("STACK_NOT_FOUND", "POLICY_NOT_EFFECTIVE")


@dataclass(frozen=True, slots=True)
class Cumulation:
    """One accumulation of a person; `counts` where it is a number of times and no money."""

    insutype: str
    year: str
    code: str
    value: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Opens and reads ledgers."""

    store: SettlementBooks
    identity: IdentityPeer
    catalogue: PolicyPeer
    new_id: NewId
    lapsing: Lapsing

    async def open(
        self, stamp: RequestStamp, openings: Sequence[Opening], now: datetime, render: Callable[[int, int], bytes]
    ) -> bytes:
        """Opens ledgers, all or none; `render` takes how many were opened and how many stood already.

        Raises LEDGER_OPEN, ORDER_PENDING, REQUEST_ID_REUSED, INVALID.
        """
        check_openings(openings)

        async def act(work: SettlementWriter) -> bytes:
            wanted = Wanted(
                ledgers=tuple(dict.fromkeys(opening.key for opening in openings if opening.accumulators)),
                accounts=tuple(dict.fromkeys(opening.account for opening in openings)),
            )
            source_id = self.new_id("")
            books, standing = await work.load(wanted), await work.opened([opening.key for opening in openings])
            self.lapsing.check_free(next(iter(books.pending.values()), None))
            changes, unchanged = book_openings(openings, books, standing, source_id, to_micros(now))
            response = render(len(openings) - unchanged, unchanged)
            await work.save(changes)
            await work.add_entry(Entry(source_id, stamp, response, None, "opening", now))
            return response

        frame = Frame(self.store.writing, find_entry, BUSY)
        persons = {opening.key.psn_no for opening in openings}
        return await self.lapsing.past(
            lambda: frame.once(stamp, act, stored_response, hold=lambda work: work.lock(persons)), BUSY
        )

    async def accumulators(self, key: LedgerKey) -> dict[str, int]:
        """What stands under each key of a year, nothing that is 0."""
        async with self.store.reading() as snapshot:
            books = await snapshot.load(Wanted(ledgers=(key,)))
        return _standing(books.years.get(key, YearLedger()))

    async def account(self, key: AccountKey, now: datetime) -> AccountHead:
        """An account, an empty one where none was opened; the current year's part as seen from the moment."""
        async with self.store.reading() as snapshot:
            books = await snapshot.load(Wanted(accounts=(key,)))
        head = books.accounts.get(key, AccountHead())
        if not head.current_year_fen:
            return head
        year = await self._year_of(key, beijing_day(now))
        return AccountHead(head.seq, head.balance_fen, head.current_in(year), head.benefit_year)

    async def cumulations(self, psn_no: str, day: date) -> list[Cumulation]:
        """What a person accumulated in the benefit years that hold the day (5206). Raises PERSON_NOT_FOUND.

        The bill of a pending order counts, as its money is gone from the account too: the next bill is decided after it.
        """
        insured = (await self.identity.persons([psn_no])).get(psn_no)
        if insured is None:
            raise person_not_found("data.psn_no")
        found: list[Cumulation] = []
        for insutype, admdvs in dict.fromkeys((entry.insutype, entry.insuplc_admdvs) for entry in insured.enrolments):
            stack = await self._stack(admdvs, insutype, day)
            year = _label(stack, day)
            values = await self.accumulators(LedgerKey(psn_no, insutype, admdvs, year))
            codes, counters = _meaning(stack)
            found += [
                Cumulation(insutype, year, cum_type_code(codes.get(key, key)), value, key in counters)
                for key, value in sorted(values.items())
            ]
        return found

    async def counting_keys(self, insutype: str, admdvs: str, benefit_year: str, today: date) -> set[str]:
        """Which keys of a benefit year are numbers of times and no money, by the policies of its last day or of today."""
        day = min(today, date(int(benefit_year), 12, 31)) if benefit_year.isdecimal() else today
        return _meaning(await self._stack(admdvs, insutype, day))[1]

    async def _year_of(self, key: AccountKey, day: date) -> str:
        insured = (await self.identity.persons([key.psn_no])).get(key.psn_no)
        enrolment = None if insured is None else _latest(insured, key.insutype)
        if enrolment is None:
            return _label(None, day)
        return _label(await self._stack(enrolment.insuplc_admdvs, key.insutype, day), day)

    async def _stack(self, admdvs: str, insutype: str, day: date) -> CompiledStack | None:
        try:
            return (await self.catalogue.stack(StackRequest(admdvs, insutype, day, day, day))).stack
        except Fault as fault:
            if fault.reason not in _NO_STACK:
                raise
            return None


async def find_entry(books: SettlementReader, stamp: RequestStamp) -> StoredAnswer | None:
    """What a request left that makes no settlement."""
    return await books.entry(stamp.scope, stamp.request_id)


async def stored_response(_: object, stored: StoredAnswer) -> bytes:
    """What a repeat is told: the answer of before."""
    return stored.response


def _standing(ledger: YearLedger) -> dict[str, int]:
    return {key: value for key, value in ledger.accumulators.items() if value}


def _latest(insured: Insured, insutype: str) -> Enrolment | None:
    own = [entry for entry in insured.enrolments if entry.insutype == insutype]
    return max(own, key=lambda entry: entry.from_day, default=None)


def _label(stack: CompiledStack | None, day: date) -> str:
    """The benefit year of a day; the calendar year where no stack says otherwise (our decision)."""
    return benefit_year(_CALENDAR_YEAR if stack is None else stack.benefit_year_start, day).label


def _meaning(stack: CompiledStack | None) -> tuple[dict[str, str], set[str]]:
    """National codes of accumulators by key, and the keys that count."""
    if stack is None:
        return {}, set()
    codes = {key: code for policy in stack.policies for key, code in policy.national_keys}
    return codes, {layer.count_key for _, layer in stack.layers if layer.count_key is not None}
