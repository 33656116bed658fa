"""Stays: ended and put back, their admissions undone. Whether one is registered, and whether the person lies there, may be asked,
and what has not come be closed, by numbers alone.

A stay of somebody whom another cell insures is changed where routing asks for it: that cell holds the person to one stay,
and is told. Messages are opaque here, as with registrations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from services.kernel.errors import conflict, precondition
from services.kernel.requests import Moved, RequestStamp
from services.settlement.domain.care.bill import VISIT
from services.settlement.domain.care.diagnoses import DISCHARGE as AT_DISCHARGE
from services.settlement.domain.care.diagnoses import NONE_TOLD, DiagnosesTold
from services.settlement.domain.care.encounters import (
    CANCELLED,
    DISCHARGE,
    DISCHARGED,
    OPEN,
    UNDO_DISCHARGE,
    VOID,
    Encounter,
    EncounterName,
    Entry,
    check_admission_cancellable,
    check_insured_here,
    check_no_open_stay,
    check_not_settled,
    check_taken_back,
    check_visit_cancellable,
    named_encounter,
    require_state,
)
from services.settlement.domain.care.moments import check_end, check_standing_fees, fee_window, latest_moment
from services.settlement.operations.care.diagnoses import told_diagnoses
from services.settlement.operations.care.writes import Accepted, Writes
from services.settlement.store.fees import FeeReader, FeeWriter

Revise = Callable[[bytes], bytes]
"""Writes newly told things into what 5201 tells."""

_SCOPE: Final = "service:settlement"


@dataclass(frozen=True, slots=True)
class DischargeInformation:
    """What 2402 tells of a stay; empty texts tell nothing."""

    end_at: datetime
    dise_codg: str
    dise_name: str
    exp_content: str
    business_date: date | None = None
    diagnoses: DiagnosesTold = NONE_TOLD


@dataclass(frozen=True, slots=True)
class StayOperations:
    """Changes stays. `order_no` is the number under which routing asks, which tells the insured cell; empty where the institution
    does.
    """

    writes: Writes

    async def discharge(
        self,
        stamp: RequestStamp,
        name: EncounterName,
        told: DischargeInformation,
        now: datetime,
        revise: Revise,
        response: bytes,
        *,
        order_no: str = "",
    ) -> bytes:
        """Ends an open stay (2402). What the admission said stands where the discharge says nothing.

        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, TIME_IN_FUTURE, INVALID where it would end before it began,
        FEE_TIME_OUTSIDE naming the lines that would lie outside the stay, INSURED_ELSEWHERE.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            require_state(encounter, OPEN)
            latest = latest_moment(now, told.business_date)
            check_end(encounter.begin_at, told.end_at, latest, "dscginfo.endtime")
            window = fee_window(encounter.begin_at, told.end_at, latest)
            check_standing_fees(await writing.fees_outside(encounter.mdtrt_id, window), window, "dscginfo.endtime")
            await check_changeable(writing, encounter, order_no, stamp.request_id)
            changed = replace(
                encounter,
                state=DISCHARGED,
                end_at=told.end_at,
                dise_codg=told.dise_codg or encounter.dise_codg,
                dise_name=told.dise_name or encounter.dise_name,
                exp_content=told.exp_content or encounter.exp_content,
                details=revise(encounter.details),
            )
            await writing.change_encounter(changed)
            await told_diagnoses(writing, self.writes.new_id, encounter.mdtrt_id, AT_DISCHARGE, told.diagnoses, now)
            return Accepted(response, DISCHARGE, encounter)

        return await self.writes.once(stamp, name.psn_no, now, decide)

    async def undo_discharge(
        self, stamp: RequestStamp, name: EncounterName, now: datetime, response: bytes, *, order_no: str = ""
    ) -> bytes:
        """Puts a discharged stay back into hospital (2405), unless it was settled since or another stay is open.

        A second undo under another message is a success as long as the stay lies as the first one left it: open, and not
        discharged anew. On a stay that was discharged again it undoes that discharge; on one that was never discharged,
        or cancelled since, it is refused (our decision).
        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, ORDER_PENDING, STAY_OPEN, INSURED_ELSEWHERE.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            if encounter.state == OPEN and await writing.entry_after(encounter.mdtrt_id, UNDO_DISCHARGE, ""):
                return Accepted(response, UNDO_DISCHARGE, encounter)
            require_state(encounter, DISCHARGED)
            await self.writes.check_unbilled(writing, encounter)
            check_not_settled(encounter, await writing.settled_since_discharge(encounter.mdtrt_id))
            check_no_open_stay(await writing.open_stay(encounter.psn_no), encounter.fixmedins_code)
            await check_changeable(writing, encounter, order_no, stamp.request_id)
            await writing.change_encounter(replace(encounter, state=OPEN, end_at=None))
            await writing.replace_diagnoses(encounter.mdtrt_id, AT_DISCHARGE)
            return Accepted(response, UNDO_DISCHARGE, encounter)

        return await self.writes.once(stamp, name.psn_no, now, decide)

    async def reverse_admission(
        self,
        stamp: RequestStamp,
        originals: Sequence[RequestStamp],
        psn_no: str,
        now: datetime,
        render: Callable[[str], bytes],
        *,
        order_no: str = "",
    ) -> bytes:
        """Takes a message 2401 back (2601). `originals` name it; `render` is told the stay, "" where it never arrived.

        The first of them is where it stands if it came. One that never arrived is remembered as void under each, so that a
        late arrival is refused; a second reversal is told the same.
        Raises FEES_SETTLED, FEES_PRESENT, ENCOUNTER_STATE, NOT_REVERSIBLE where the stay is another person's or it was no
        admission, INSURED_ELSEWHERE.
        """
        original, *others = originals
        answered = await self.writes.answered(stamp)
        async with self.writes.store.reading() as snapshot:
            _, known = await _admitted(snapshot, original, psn_no)
        if answered is not None:
            # As with settlements: what the first one did is told from what stands.
            return render("" if known is None else known.mdtrt_id)

        async def decide(writing: FeeWriter) -> Accepted:
            entry, stay = await _admitted(writing, original, psn_no)
            if entry is None:
                for each in (original, *others):
                    stands = await writing.entry(each.scope, each.request_id)
                    if stands is None:
                        await writing.add_entry(Entry(self.writes.new_id(""), each, b"", None, VOID, now))
                    elif stands.kind != VOID:
                        # It came since it was looked for, under another of its names.
                        raise Moved
            if stay is None:
                return Accepted(render(""), "reverse", None)
            if known is None:
                # It came since the snapshot: its person may not be the one that is locked.
                await writing.lock(stay.psn_no)
                _, stay = await _admitted(writing, original, psn_no)
            if stay is None:
                raise Moved
            if stay.state != CANCELLED:
                await cancelled(self.writes, writing, stay, order_no, stamp.request_id)
            return Accepted(render(stay.mdtrt_id), "reverse", stay)

        return await self.writes.once(stamp, psn_no if known is None else known.psn_no, now, decide)

    async def admitted(self, original: RequestStamp, psn_no: str) -> Encounter | None:
        """The stay that a message 2401 admitted to; None where it never arrived or is void. Raises NOT_REVERSIBLE."""
        async with self.writes.store.reading() as snapshot:
            return (await _admitted(snapshot, original, psn_no))[1]

    async def end_admission(self, mdtrt_id: str, now: datetime) -> bool:
        """Whether a stay of that number is registered; from then on none will be, where it is not."""

        async def decide(writing: FeeWriter) -> bool:
            await writing.lock_stay(mdtrt_id)
            if await writing.encounter(mdtrt_id) is not None:
                return True
            await self._end(writing, _admission_of(mdtrt_id), now)
            return False

        return await self.writes.unasked(decide)

    async def end_change(self, order_no: str, mdtrt_id: str, now: datetime) -> bool:
        """Whether the person lies in the stay; from then on the change of that number is refused, where it has not come."""

        async def decide(writing: FeeWriter) -> bool:
            await writing.lock_stay(mdtrt_id)
            await self._end(writing, _change_of(order_no), now)
            return _lies(await writing.encounter(mdtrt_id))

        return await self.writes.unasked(decide)

    async def lies(self, mdtrt_id: str) -> bool:
        """Whether the person lies in the stay."""
        async with self.writes.store.reading() as snapshot:
            return _lies(await snapshot.encounter(mdtrt_id))

    async def _end(self, writing: FeeWriter, stamp: RequestStamp, now: datetime) -> None:
        if await writing.entry(stamp.scope, stamp.request_id) is None:
            await writing.add_entry(Entry(self.writes.new_id(""), stamp, b"", None, VOID, now))


async def check_admittable(writing: FeeWriter, mdtrt_id: str, request_id: str) -> None:
    """Raises MESSAGE_VOIDED where the stay of that number was ended before it began, REQUEST_ID_REUSED where there is one."""
    await writing.lock_stay(mdtrt_id)
    stamp = _admission_of(mdtrt_id)
    if await writing.entry(stamp.scope, stamp.request_id) is not None:
        raise precondition("MESSAGE_VOIDED", request_id=request_id)
    if await writing.encounter(mdtrt_id) is not None:
        raise conflict("REQUEST_ID_REUSED", request_id=request_id)


async def check_changeable(writing: FeeWriter, stay: Encounter, order_no: str, request_id: str) -> None:
    """Raises INSURED_ELSEWHERE where another cell holds the person to the stay and routing does not ask, MESSAGE_VOIDED where
    what routing asks was ended before it came.
    """
    check_insured_here(stay, by_routing=bool(order_no))
    if not order_no:
        return
    await writing.lock_stay(stay.mdtrt_id)
    stamp = _change_of(order_no)
    if await writing.entry(stamp.scope, stamp.request_id) is not None:
        raise precondition("MESSAGE_VOIDED", request_id=request_id)


async def cancelled(writes: Writes, writing: FeeWriter, encounter: Encounter, order_no: str, request_id: str) -> None:
    """Cancels a visit or an admission; ENCOUNTER_STATE, ORDER_PENDING, FEES_SETTLED, FEES_PRESENT and, of an admission, what
    `check_changeable` raises.
    """
    await writes.check_unbilled(writing, encounter)
    fees = await writing.fee_presence(encounter.mdtrt_id)
    if encounter.kind == VISIT:
        check_visit_cancellable(encounter, fees)
    else:
        check_admission_cancellable(encounter, fees)
        await check_changeable(writing, encounter, order_no, request_id)
    await writing.change_encounter(replace(encounter, state=CANCELLED))


def _admission_of(mdtrt_id: str) -> RequestStamp:
    """Under what the end of an admission stands that has not come: whoever asks for it knows the number of the stay alone."""
    return RequestStamp(_SCOPE, f"admission:{mdtrt_id}", "EndAdmission", "")


def _change_of(order_no: str) -> RequestStamp:
    """Under what the end of a change stands; whoever asks for it knows the number of the change."""
    return RequestStamp(_SCOPE, f"change:{order_no}", "EndStayChange", "")


def _lies(stay: Encounter | None) -> bool:
    return stay is not None and stay.state == OPEN


async def _admitted(snapshot: FeeReader, original: RequestStamp, psn_no: str) -> tuple[Entry | None, Encounter | None]:
    """What a message 2401 left, and the stay that it admitted to; raises NOT_REVERSIBLE."""
    entry = await snapshot.entry(original.scope, original.request_id)
    stay = None if entry is None or entry.mdtrt_id is None else await snapshot.encounter(entry.mdtrt_id)
    if entry is not None:
        check_taken_back(entry, stay, psn_no)
    return entry, stay
