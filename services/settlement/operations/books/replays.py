"""Replays: a settlement is taken out from under later ones, which are decided anew, in one transaction.

A plan decides the same on a snapshot and writes nothing. What a policy says is asked before the transaction; whatever moved
meanwhile is decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, precondition
from services.kernel.pages import Page, page_of
from services.kernel.requests import Moved, RequestStamp, repeated
from services.runtime.pieces import in_pieces
from services.runtime.writes import Frame
from services.settlement.domain.benefits.stack import CompiledStack
from services.settlement.domain.books.adjustments import Adjustment, AdjustmentFilter, Replaced, UnbookedReplay
from services.settlement.domain.books.answer import Reversal
from services.settlement.domain.books.entries import SETTLE, BookChanges, Books, Heading, NewSettlement, Wanted
from services.settlement.domain.books.notices import NO_ORIGIN, apart
from services.settlement.domain.books.replay import (
    MOST,
    Counter,
    Renewed,
    Replay,
    Scene,
    StandingSettlement,
    check_bases,
    check_target,
    impossible,
    replay,
)
from services.settlement.domain.books.reversal import BookedSettlement, ReversalRequest, counter_heading
from services.settlement.domain.care.bill import Desk
from services.settlement.domain.care.encounters import Entry
from services.settlement.operations.benefits.ports import PolicyPeer
from services.settlement.operations.books.ledger import find_entry, stored_response
from services.settlement.operations.books.ports import NoticeOrigins, Scribe
from services.settlement.operations.care.lapsing import Lapsing
from services.settlement.operations.care.ports import NewId
from services.settlement.operations.care.writes import BUSY
from services.settlement.store.replays import ReplayBooks, ReplayReader, ReplayWriter

_SCOPE = "service:settlement"
"""In whose name counter-entries and renewed settlements are made: the operator's request leaves an entry of its own."""
_UNKNOWN = "POLICY_NOT_FOUND"
WAITING: Final = 50
"""Settlements of other places of care that are told at once."""


@dataclass(frozen=True, slots=True)
class ReplayTarget:
    """What an operator asks: the settlement to be taken out, and why."""

    setl_id: str
    memo: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has come to: its number, empty of a plan, and the settlements in their order with what they leave."""

    replay_no: str
    scene: Scene
    decided: Replay


@dataclass(frozen=True, slots=True)
class Replaying:
    """Plans replays and makes them."""

    store: ReplayBooks
    catalogue: PolicyPeer
    scribe: Scribe
    new_id: NewId
    lapsing: Lapsing
    telling: NoticeOrigins

    async def plan(self, setl_id: str) -> Replayed:
        """What a replay would come to now.

        Raises SETTLEMENT_NOT_FOUND, SETTLEMENT_REFUNDED, REPLAY_ELSEWHERE, REPLAY_TOO_LONG, REPLAY_IMPOSSIBLE, ORDER_PENDING.
        """

        async def attempt() -> Replayed:
            async with self.store.reading() as snapshot:
                scene = await _scene(snapshot, setl_id)
                books, billed = await self._books(snapshot, scene)
            stacks = await self._stacks(scene)
            at = to_micros(self.lapsing.clock())
            return Replayed("", scene, replay(scene, stacks, books, billed, self.new_id, at))

        return await self.lapsing.past(attempt, BUSY)

    async def run(
        self, stamp: RequestStamp, asked: ReplayTarget, now: datetime, render: Callable[[Replayed], bytes]
    ) -> bytes:
        """Makes it, as an answered write. Raises the same, and REQUEST_ID_REUSED."""
        frame = Frame(self.store.writing, find_entry, BUSY)

        async def attempt() -> bytes:
            async with self.store.reading() as snapshot:
                if (stored := repeated(stamp, await find_entry(snapshot, stamp))) is not None:
                    return stored.response
                scene = await _scene(snapshot, asked.setl_id)
            stacks = await self._stacks(scene)

            async def act(work: ReplayWriter) -> bytes:
                found = await _scene(work, asked.setl_id)
                if (found.setl_ids, found.persons) != (scene.setl_ids, scene.persons):
                    raise Moved
                books, billed = await self._books(work, found)
                decided = replay(found, stacks, books, billed, self.new_id, to_micros(now))
                done = Replayed(self.new_id(""), found, decided)
                await self._keep(work, done, _ReplayRequest(stamp, asked.memo, now))
                response = render(done)
                await work.add_entry(Entry(done.replay_no, stamp, response, None, "replay", now))
                return response

            return await frame.attempt(stamp, act, stored_response, hold=lambda work: work.lock(scene.persons))

        return await self.lapsing.past(lambda: frame.decided(attempt), BUSY)

    async def adjustments(self, whose: AdjustmentFilter, after: str, size: int) -> Page[Adjustment]:
        """A page of adjustments, the oldest first; of whom is named."""
        async with self.store.reading() as snapshot:
            found = await snapshot.adjustments(whose, after, size + 1)
        return page_of(found, size, lambda each: each.place)

    async def waiting(self, after: str) -> Page[UnbookedReplay]:
        """A page of what places of care in other cells are not known to have booked."""
        async with self.store.reading() as snapshot:
            found = await snapshot.waiting(after, WAITING + 1)
        return page_of(found, WAITING, lambda each: (each.counter_setl_id,))

    async def booked(self, setl_ids: Sequence[str]) -> int:
        """Keeps that places of care have booked these; how many of them had waited."""
        async with self.store.writing() as work:
            return await work.booked_at_care(setl_ids, to_micros(self.lapsing.clock()))

    async def _books(self, books: ReplayReader, scene: Scene) -> tuple[Books, set[str]]:
        """The books that move; ORDER_PENDING where one of them waits for an order."""
        found = await books.load(Wanted(ledgers=scene.ledgers, accounts=scene.accounts))
        for blocking in found.pending.values():
            self.lapsing.check_free(blocking)
        return found, await books.billed(scene)

    async def _stacks(self, scene: Scene) -> list[CompiledStack]:
        """The versions by which the later ones were decided; REPLAY_IMPOSSIBLE where they are not known any more."""
        check_bases(scene.later)
        stacks = []
        for each in scene.later:
            hashes = [content_hash for _, content_hash in each.settlement.policies]
            try:
                stacks.append(await self.catalogue.stack_of(hashes))
            except Fault as fault:
                if fault.reason != _UNKNOWN:
                    raise
                raise impossible(each.settlement.setl_id, fault.reason) from None
        return stacks

    async def _keep(self, work: ReplayWriter, done: Replayed, request: _ReplayRequest) -> None:
        """Writes it all: rows of the books first, adjustments, and last the notices of what clears."""
        decided = done.decided
        if await work.take_back(done.scene.setl_ids) != len(done.scene.setl_ids):
            raise Moved
        changes = BookChanges(accumulators=[*decided.accumulators], postings=[*decided.postings])
        # Answers of a hundred settlements are read and written: others have their turns in between.
        changes.settlements += await in_pieces(lambda each: self._countered(each, request), decided.counters)
        changes.settlements += await in_pieces(self._renewed, decided.renewed)
        for each in decided.renewed:
            if not each.original.care_admdvs:
                changes.settled += [(batch, each.setl_id) for batch in each.original.fee_batches]
        moved: list[Counter | Renewed] = [*decided.counters, *decided.renewed]
        changes.noticed = [each.setl_id for each in moved if apart(each.original.settlement.regions)]
        changes.told = self.telling() if changes.noticed else NO_ORIGIN
        await work.put_in_place([Replaced(each.original.settlement.setl_id, each.setl_id) for each in decided.renewed])
        await work.add_adjustments(_adjustments(done, request))
        await work.save(changes)

    def _countered(self, each: Counter, request: _ReplayRequest) -> NewSettlement:
        original, setl_id = each.original.settlement, each.setl_id
        asked = request.reversal(each.original, setl_id)
        reversal = Reversal(setl_id, asked.desk, request.now, each.balance_fen, original.rpc.endswith("/SettleStay"))
        response, record = self.scribe.reversed(original.response, original.record, reversal)
        heading = counter_heading(original, asked, setl_id, each.seq, to_micros(request.now))
        return NewSettlement(heading, each.components, response, record)

    def _renewed(self, each: Renewed) -> NewSettlement:
        response = self.scribe.replayed(each.original.settlement.response, each.setl_id, each.settlement)
        heading = renewed_heading(each.original, each.setl_id, each.seq, each.settlement.preselfpay_in_base)
        return NewSettlement(heading, each.settlement.components, response, each.original.settlement.record)


@dataclass(frozen=True, slots=True)
class _ReplayRequest:
    """A replay to be made: whose request, why, when."""

    stamp: RequestStamp
    memo: str
    now: datetime

    def reversal(self, original: StandingSettlement, setl_id: str) -> ReversalRequest:
        """The reversal of one of the settlements, in settlement's own name: the operator's request is the replay."""
        stamp = RequestStamp(_SCOPE, f"replay:{setl_id}", "Replay", "")
        return ReversalRequest(stamp, Desk(original.fixmedins_code, ""), self.now)


def renewed_heading(original: StandingSettlement, setl_id: str, seq: int | None, preselfpay_in_base: bool) -> Heading:
    """What the row of a settlement says that takes another one's place: all but its number and sums is the other's.

    Its ecToken is spent by the other one, for ever.
    """
    was: BookedSettlement = original.settlement
    return Heading(
        setl_id=setl_id,
        stamp=RequestStamp(was.scope, f"replay:{setl_id}", was.rpc, "", regions=was.regions),
        kind=SETTLE,
        mdtrt_id=was.mdtrt_id,
        key=was.key,
        ledger_seq=seq,
        med_type=was.med_type,
        setl_at=original.setl_at,
        msgid=was.msgid,
        opter=original.opter,
        opter_name=original.opter_name,
        invono=was.invono,
        preselfpay_in_base=preselfpay_in_base,
        policies=was.policies,
        fee_batches=original.fee_batches,
        insured_cell=was.insured_cell,
        basis=original.basis,
        replays=original.root,
    )


async def _scene(books: ReplayReader, setl_id: str) -> Scene:
    """What a replay of the settlement is about, or of the one that stands in its place."""
    found = await books.settlement(setl_id)
    scene = await books.scene(check_target(setl_id, found and await books.in_place_of(found)))
    if scene is None:
        raise precondition("REPLAY_TOO_LONG", setl_id=setl_id, most=str(MOST))
    return scene


def _adjustments(done: Replayed, request: _ReplayRequest) -> list[Adjustment]:
    at = to_micros(request.now)
    return [
        Adjustment(
            setl_id=counter.original.settlement.setl_id,
            counter_setl_id=counter.setl_id,
            replayed_by="" if renewed is None else renewed.setl_id,
            replay_no=done.replay_no,
            psn_no=counter.original.settlement.key.psn_no,
            insutype=counter.original.settlement.key.insutype,
            fixmedins_code=counter.original.fixmedins_code,
            care_admdvs=counter.original.settlement.regions.mdtrtarea_admvs,
            care_cell=counter.original.care_cell,
            elsewhere=int(bool(counter.original.care_admdvs)),
            fund_fen=left.fund_fen,
            account_fen=left.account_fen,
            family_fen=left.family_fen,
            cash_fen=left.cash_fen,
            memo=request.memo,
            scope=request.stamp.scope,
            created_at=at,
        )
        for counter, renewed, left in done.decided.differences()
    ]
