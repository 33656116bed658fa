"""Fee lines: uploaded with the split of each, taken back, listed. Items are priced by one question for the whole call.

Messages are opaque here: `FeeMessages` writes them down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.kernel.clock import beijing_day
from services.kernel.errors import Fault, not_found
from services.kernel.requests import RequestStamp
from services.runtime.pieces import in_pieces
from services.settlement.domain.care.bill import ALL_BATCHES, STAY, VISIT
from services.settlement.domain.care.catalogue import ItemKey, PricedItem, PriceScope
from services.settlement.domain.care.encounters import (
    DISCHARGED,
    OPEN,
    UPLOAD_FEES,
    Encounter,
    EncounterName,
    check_not_settled,
    named_encounter,
    require_state,
)
from services.settlement.domain.care.fees import (
    MAX_LISTED,
    FeeLine,
    StandingFees,
    StandingLine,
    Upload,
    balancing_batches,
    check_no_return_left,
    chosen_for_cancel,
    decide_upload,
    lines_for_cancel,
    new_batches,
)
from services.settlement.domain.care.kinds import KindOfCare, check_same
from services.settlement.domain.care.lines import LineSplit
from services.settlement.domain.care.moments import FeeMoment, check_fees, fee_window, latest_moment
from services.settlement.domain.care.pending import order_pending
from services.settlement.domain.care.pricing import (
    PricedLine,
    SentLine,
    check_amounts,
    check_known,
    item_key,
    price_line,
)
from services.settlement.domain.care.returns import Goods
from services.settlement.operations.care.ports import CataloguePeer
from services.settlement.operations.care.writes import Accepted, CareWrite, Writes
from services.settlement.store.fees import FeeReader, FeeWriter


class FeeMessages(Protocol):
    """Writes the answer of a line down, and reads of a stored one what a policy may free."""

    def answer(self, line: PricedLine) -> bytes:
        """The split of a line as it is stored and answered."""
        ...

    def tags(self, answer: bytes) -> frozenset[str]:
        """The tags of a stored answer."""
        ...

    def returned(self, answer: bytes, line: SentLine, split: LineSplit) -> bytes:
        """The split of a return, by the answer of the line that it takes back."""
        ...

    def goods(self, detail: bytes) -> Goods:
        """What a stored line charges, of its detail."""
        ...


@dataclass(frozen=True, slots=True)
class FeeUpload:
    """Lines for an encounter, and who sends them; `med_type` is what the rows say of it, empty where they do not.

    `business_date` is that of a sandbox's request.
    """

    name: EncounterName
    lines: tuple[SentLine, ...]
    med_type: str = ""
    opter: str = ""
    opter_name: str = ""
    business_date: date | None = None
    local_med_type: str = ""


@dataclass(frozen=True, slots=True)
class ListedFees:
    """Standing lines of an encounter or all lines that a settlement held, in the order they came.

    Where one settlement was asked for, `reversed_by` is what has reversed it, `reverses` what it reverses.
    """

    encounter: Encounter
    lines: tuple[StandingLine, ...]
    reversed_by: str = ""
    reverses: str = ""


@dataclass(frozen=True, slots=True)
class FeeOperations:
    """Keeps fee lines."""

    writes: Writes
    catalogue: CataloguePeer
    messages: FeeMessages

    async def upload(
        self, stamp: RequestStamp, upload: FeeUpload, now: datetime, render: Callable[[Sequence[bytes]], bytes]
    ) -> bytes:
        """Keeps the new lines and answers the split of every line, in the order sent.

        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, FEE_TIME_OUTSIDE, ITEM_UNKNOWN, LINE_AMOUNT_MISMATCH, AMOUNT_INVALID,
        FEE_LINE_EXISTS, BATCH_SETTLED, ORDER_PENDING where a pending order's bill took the batch, FEE_LINE_NOT_FOUND,
        RETURN_MISMATCH, RETURN_EXCEEDS_LINE, REQUEST_ID_REUSED, and INVALID_REQUEST for one number with two contents in
        the message.
        """
        async with self.writes.store.reading() as snapshot:
            answered = await self.writes.answered_in(snapshot, stamp)
            if answered is not None:
                return answered
            known = await _charged_encounter(snapshot, upload, now)
            origins = await self._origin_days(snapshot, known.mdtrt_id, upload.lines)
        priced = await self._priced(known, upload.lines, origins)
        answers = await in_pieces(self.messages.answer, priced)

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = await _charged_encounter(writing, upload, now)
            standing = await self._standing(writing, encounter, upload.lines)
            try:
                decision = decide_upload(priced, standing, stay=encounter.kind == STAY)
            except Fault as fault:
                raise await _waiting(writing, encounter, fault) from None
            known = {number: entry.line.answer for number, entry in standing.lines.items()}
            new, by_number = self._new(decision, priced, answers, known)
            await self._keep(writing, upload, new, now)
            told = [decision.stored.get(place) or by_number[line.feedetl_sn] for place, line in enumerate(upload.lines)]
            return Accepted(render(told), UPLOAD_FEES, encounter)

        return await self.writes.together(CareWrite(stamp, upload.name.psn_no, now, decide, upload.name.mdtrt_id))

    async def cancel_batches(
        self, stamp: RequestStamp, name: EncounterName, chrg_bchno: str, now: datetime, response: bytes
    ) -> bytes:
        """Cancels the unsettled lines of a charge batch, or all with "0000" (2205). What is cancelled already stays so.

        Raises ENCOUNTER_NOT_FOUND, ORDER_PENDING, BATCH_SETTLED, CHARGE_BATCH_NOT_FOUND, RETURN_EXCEEDS_LINE.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            await self.writes.check_unbilled(writing, encounter)
            await _cancel_batches(writing, encounter.mdtrt_id, chrg_bchno, "data.chrg_bchno")
            return Accepted(response, "cancel_fees", encounter)

        return await self.writes.once(stamp, name.psn_no, now, decide)

    async def cancel_lines(
        self, stamp: RequestStamp, name: EncounterName, numbers: Sequence[str], now: datetime, response: bytes
    ) -> bytes:
        """Cancels unsettled lines of a stay, or all with "0000" (2302); also after discharge, before settlement.

        What is cancelled already stays so, also where the stay was cancelled since.
        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, ORDER_PENDING, FEE_LINE_NOT_FOUND, BATCH_SETTLED, RETURN_EXCEEDS_LINE.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            await self.writes.check_unbilled(writing, encounter)
            if ALL_BATCHES in numbers:
                await _cancel_batches(writing, encounter.mdtrt_id, ALL_BATCHES, "data")
            else:
                await self._take_back(writing, encounter, numbers, now)
            return Accepted(response, "cancel_fees", encounter)

        return await self.writes.once(stamp, name.psn_no, now, decide)

    async def listed(self, name: EncounterName, setl_id: str) -> ListedFees:
        """Lines of an encounter, or those that one settlement of it held (5204).

        The bill of a pending order is no settlement yet: its lines stand unsettled, and under its number nothing is found.
        Raises ENCOUNTER_NOT_FOUND, SETTLEMENT_NOT_FOUND.
        """
        async with self.writes.store.reading() as snapshot:
            encounter = named_encounter(name, await snapshot.encounter(name.mdtrt_id))
            if setl_id:
                known = await snapshot.counterpart(encounter.mdtrt_id, setl_id)
                if known is None:
                    raise not_found("SETTLEMENT_NOT_FOUND", setl_id=setl_id, fixmedins_code=name.fixmedins_code)
                lines = await snapshot.settled_lines(encounter.mdtrt_id, setl_id, MAX_LISTED)
                return ListedFees(encounter, tuple(lines), *known)
            standing = await snapshot.listed_lines(encounter.mdtrt_id, MAX_LISTED)
            return ListedFees(encounter, await _settled_lines(snapshot, encounter, standing))

    async def items(self, fixmedins_code: str, keys: Sequence[ItemKey]) -> Mapping[ItemKey, PricedItem]:
        """Items at an institution, each on its own day as the institution was then; unknown ones are absent."""
        scopes = {day: await self._scope(fixmedins_code, day) for day in {key.day: None for key in keys}}
        found: dict[ItemKey, PricedItem] = {}
        for scope in dict.fromkeys(scopes.values()):
            found |= await self.catalogue.priced_items(scope, [key for key in keys if scopes[key.day] == scope])
        return found

    async def _priced(
        self, encounter: Encounter, lines: Sequence[SentLine], origins: Mapping[str, date]
    ) -> list[PricedLine]:
        """Every line split, outside any transaction."""
        check_amounts(lines)
        keys = await in_pieces(lambda line: item_key(line, origins), lines)
        items = await self.items(encounter.fixmedins_code, keys)
        check_known(lines, keys, items)
        return await in_pieces(
            lambda each: price_line(*each), [(line, items[key]) for line, key in zip(lines, keys, strict=True)]
        )

    async def _scope(self, fixmedins_code: str, day: date) -> PriceScope:
        institution = await self.catalogue.institution(fixmedins_code, day)
        return PriceScope(institution.admdvs, institution.hosp_lv, institution.lmtpric_hosp_lv)

    async def _origin_days(self, snapshot: FeeReader, mdtrt_id: str, lines: Sequence[SentLine]) -> dict[str, date]:
        named = {line.init_feedetl_sn for line in lines if line.names_origin}
        if not named:
            return {}
        days = {
            entry.line.feedetl_sn: beijing_day(entry.line.fee_at) for entry in await snapshot.lines(mdtrt_id, named)
        }
        return days | {line.feedetl_sn: beijing_day(line.fee_at) for line in lines if line.feedetl_sn in named}

    def _new(
        self, decision: Upload, priced: Sequence[PricedLine], answers: Sequence[bytes], known: Mapping[str, bytes]
    ) -> tuple[list[tuple[PricedLine, bytes]], dict[str, bytes]]:
        """The new lines with their answers, and these by number; `known` are the answers of the lines that stand."""
        by_number = {priced[place].sent.feedetl_sn: answers[place] for place in decision.places}
        new = []
        for place in decision.places:
            line, answer = priced[place], answers[place]
            split = decision.returned.get(place)
            if split is not None:
                sent = line.sent
                origin = known.get(sent.init_feedetl_sn) or by_number[sent.init_feedetl_sn]
                answer = self.messages.returned(origin, sent, split)
                line = replace(line, split=split, tags=self.messages.tags(answer))
                by_number[sent.feedetl_sn] = answer
            new.append((line, answer))
        return new, by_number

    async def _keep(
        self, writing: FeeWriter, upload: FeeUpload, new: Sequence[tuple[PricedLine, bytes]], now: datetime
    ) -> None:
        if not new:
            return
        mdtrt_id = upload.name.mdtrt_id
        ids = {number: self.writes.new_id("") for number in {line.sent.chrg_bchno: None for line, _ in new}}
        made = new_batches([line for line, _ in new], ids, mdtrt_id, now)
        batches = [replace(batch, opter=upload.opter, opter_name=upload.opter_name) for batch in made]
        lines = [
            FeeLine(
                line_id=self.writes.new_id(""),
                mdtrt_id=mdtrt_id,
                feedetl_sn=line.sent.feedetl_sn,
                fee_batch_id=ids[line.sent.chrg_bchno],
                line_no=place + 1,
                state=OPEN,
                fee_at=line.sent.fee_at,
                split=line.split,
                init_feedetl_sn=line.sent.init_feedetl_sn,
                cnt=line.sent.cnt,
                detail=line.sent.detail,
                answer=answer,
            )
            for place, (line, answer) in enumerate(new)
        ]
        await writing.add_fees(batches, lines)

    async def _standing(self, snapshot: FeeReader, encounter: Encounter, lines: Sequence[SentLine]) -> StandingFees:
        """What an upload must know of what stands: at most three statements, whatever the number of lines."""
        mdtrt_id = encounter.mdtrt_id
        origins = {line.init_feedetl_sn for line in lines if line.names_origin}
        found = await snapshot.lines(mdtrt_id, {line.feedetl_sn for line in lines} | origins)
        charges = [entry.line for entry in found if entry.line.feedetl_sn in origins and not entry.line.takes_back]
        return StandingFees(
            lines={entry.line.feedetl_sn: entry for entry in found},
            returns=await snapshot.returns(mdtrt_id, origins) if origins else (),
            # Charge batches are a visit's; a stay is settled whole.
            batches=await snapshot.batches(mdtrt_id) if encounter.kind == VISIT else (),
            goods={line.feedetl_sn: self.messages.goods(line.detail) for line in charges},
        )

    async def _take_back(self, writing: FeeWriter, encounter: Encounter, numbers: Sequence[str], now: datetime) -> None:
        named, mdtrt_id = set(numbers), encounter.mdtrt_id
        found = {entry.line.feedetl_sn: entry for entry in await writing.lines(mdtrt_id, named)}
        lost = named - found.keys()
        cancelled = await writing.cancelled(mdtrt_id, lost) if lost else set()
        if cancelled != named:
            require_state(encounter, OPEN, DISCHARGED)
        chosen = lines_for_cancel(numbers, StandingFees(found, await writing.returns(mdtrt_id, named)), cancelled)
        if not chosen:
            return
        ids = {number: self.writes.new_id("") for number in {entry.chrg_bchno: None for entry in chosen}}
        tags = [self.messages.tags(entry.line.answer) for entry in chosen]
        for number, fee_batch_id in ids.items():
            own = [entry.line.line_id for entry in chosen if entry.chrg_bchno == number]
            await writing.cancel_lines(fee_batch_id, own)
        await writing.add_fees(balancing_batches(chosen, tags, ids, now), [])


async def _charged_encounter(snapshot: FeeReader, upload: FeeUpload, now: datetime) -> Encounter:
    """The encounter, if it takes these lines: an open one, or a stay after its discharge until that is settled."""
    found = named_encounter(upload.name, await snapshot.encounter(upload.name.mdtrt_id))
    require_state(found, OPEN, DISCHARGED)
    if found.state == DISCHARGED:
        try:
            check_not_settled(found, await snapshot.settled_since_discharge(found.mdtrt_id))
        except Fault as fault:
            raise await _waiting(snapshot, found, fault) from None
    check_same(KindOfCare(upload.med_type, upload.local_med_type), found.care)
    window = fee_window(found.begin_at, found.end_at, latest_moment(now, upload.business_date))
    check_fees([FeeMoment(line.feedetl_sn, line.fee_at) for line in upload.lines], window)
    return found


async def _waiting(snapshot: FeeReader, encounter: Encounter, fault: Fault) -> Fault:
    """A refusal that names a settlement; ORDER_PENDING where that is the bill of a pending order."""
    blocking = await snapshot.pending_order(encounter.mdtrt_id, encounter.psn_no)
    waiting = blocking is not None and fault.metadata.get("setl_id") == blocking.setl_id
    return order_pending(blocking) if blocking is not None and waiting else fault


async def _settled_lines(
    snapshot: FeeReader, encounter: Encounter, lines: Sequence[StandingLine]
) -> tuple[StandingLine, ...]:
    """The lines as queries tell them: those of the bill of a pending order are not settled yet."""
    blocking = await snapshot.pending_order(encounter.mdtrt_id, encounter.psn_no)
    if blocking is None:
        return tuple(lines)
    setl_id = blocking.setl_id
    return tuple(await in_pieces(lambda each: replace(each, setl_id="") if each.setl_id == setl_id else each, lines))


async def _cancel_batches(writing: FeeWriter, mdtrt_id: str, chrg_bchno: str, path: str) -> None:
    """Cancels the named batches, unless a return of their lines would stand alone; `path` names them in the request."""
    chosen = chosen_for_cancel(await writing.batches(mdtrt_id), chrg_bchno, path)
    fee_batch_ids = [batch.fee_batch_id for batch in chosen]
    check_no_return_left(await writing.returns_left(mdtrt_id, fee_batch_ids), path)
    await writing.cancel_batches(fee_batch_ids)
