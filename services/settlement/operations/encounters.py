"""Visits and stays: registered, described, ended and undone. Identity and catalogue are asked before a transaction opens.

Messages are opaque here: whoever calls brings the functions that write them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.kernel.clock import beijing_day
from services.kernel.requests import Moved, RequestStamp
from services.settlement.domain.bill import STAY, VISIT
from services.settlement.domain.diagnoses import ADMISSION, NONE_TOLD, DiagnosesTold
from services.settlement.domain.diagnoses import DISCHARGE as AT_DISCHARGE
from services.settlement.domain.diagnoses import VISIT as VISITED
from services.settlement.domain.encounters import (
    ADMIT,
    CANCELLED,
    DESCRIBE,
    DISCHARGE,
    DISCHARGED,
    MAX_LISTED,
    OPEN,
    REGISTER,
    UNDO_DISCHARGE,
    VOID,
    Encounter,
    EncounterFilter,
    EncounterName,
    Entry,
    check_admission_cancellable,
    check_no_open_stay,
    check_not_settled,
    check_same_insutype,
    check_taken_back,
    check_visit_cancellable,
    named_encounter,
    require_state,
)
from services.settlement.domain.insured import Enrolment, Insured, enrolment_on
from services.settlement.domain.kinds import KindOfCare, check_setting
from services.settlement.domain.moments import (
    check_begin,
    check_end,
    check_range,
    check_standing_fees,
    fee_window,
    latest_moment,
)
from services.settlement.operations.diagnoses import told_diagnoses
from services.settlement.operations.kinds import national_kind
from services.settlement.operations.persons import Persons
from services.settlement.operations.ports import CataloguePeer, CredentialQuery
from services.settlement.operations.writes import Accepted, Writes
from services.settlement.store.fees import FeeReader, FeeWriter

Describe = Callable[[Encounter, Insured, Enrolment], bytes]
"""Writes down what 5201 tells of a new encounter."""

Revise = Callable[[bytes], bytes]
"""Writes newly told things into what 5201 tells."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A visit (2201) or stay (2401) to be registered; `med_type` is the national code, empty for a visit.

    `business_date` is that of a sandbox's request, here and below.
    """

    kind: str
    credential: CredentialQuery
    insutype: str
    begin_at: datetime
    ipt_otp_no: str
    mdtrtarea_admvs: str
    med_type: str = ""
    dise_codg: str = ""
    dise_name: str = ""
    exp_content: str = ""
    business_date: date | None = None
    local_med_type: str = ""
    diagnoses: DiagnosesTold = NONE_TOLD


@dataclass(frozen=True, slots=True)
class VisitInformation:
    """What 2203 tells of a visit."""

    med_type: str
    begin_at: datetime
    dise_codg: str
    dise_name: str
    exp_content: str
    business_date: date | None = None
    local_med_type: str = ""
    diagnoses: DiagnosesTold = NONE_TOLD


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
class EncounterOperations:
    """Registers and changes encounters."""

    writes: Writes
    persons: Persons
    catalogue: CataloguePeer

    async def register(
        self,
        stamp: RequestStamp,
        registration: Registration,
        now: datetime,
        describe: Describe,
        render: Callable[[Encounter], bytes],
    ) -> bytes:
        """Registers a visit or stay and answers it. A visit still open under the same number is answered again.

        A visit keeps its insurance type; whoever wants another cancels it first. The ecToken that was shown last is kept:
        a bill that shows no credential of its own spends it (our decision).

        Raises the refusals of the credential, EC_TOKEN_SPENT, NOT_ENROLLED and its kin, INSTITUTION_UNKNOWN, VISIT_OPEN,
        STAY_OPEN, TIME_IN_FUTURE, MED_TYPE_UNDECLARED, MED_TYPE_MISMATCH, MESSAGE_VOIDED, REQUEST_ID_REUSED.
        """
        answered = await self.writes.answered(stamp)
        if answered is not None:
            return answered
        node = "data" if registration.kind == VISIT else "mdtrtinfo"
        check_begin(registration.begin_at, latest_moment(now, registration.business_date), f"{node}.begntime")
        insured = await self.persons.shown(registration.credential)
        day = beijing_day(registration.begin_at)
        enrolment = enrolment_on(insured, registration.insutype, day)
        code = registration.credential.fixmedins_code
        institution = await self.catalogue.institution(code, day)
        if registration.kind == STAY:
            sent = KindOfCare(registration.med_type, registration.local_med_type)
            kind = await national_kind(self.catalogue, sent, code, day, "mdtrtinfo.med_type")
            check_setting(kind, "mdtrtinfo.med_type", stay=True)
            registration = replace(registration, med_type=kind.national, local_med_type=kind.local)
        fresh = self._new_encounter(registration, insured, enrolment, institution.admdvs, now)
        fresh = replace(fresh, details=describe(fresh, insured, enrolment))

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = None
            if fresh.kind == VISIT:
                encounter = await writing.open_visit(fresh.fixmedins_code, fresh.psn_no, fresh.ipt_otp_no)
                check_same_insutype(encounter, fresh.insutype)
            else:
                check_no_open_stay(await writing.open_stay(fresh.psn_no), fresh.fixmedins_code)
            if encounter is None:
                encounter = fresh
                await self._add(writing, fresh, registration.diagnoses)
            elif fresh.ec_token_digest:
                await writing.change_encounter(replace(encounter, ec_token_digest=fresh.ec_token_digest))
            return Accepted(render(encounter), ADMIT if fresh.kind == STAY else REGISTER, encounter)

        return await self.writes.once(stamp, fresh.psn_no, now, decide)

    async def cancel(self, stamp: RequestStamp, name: EncounterName, now: datetime, response: bytes) -> bytes:
        """Cancels a visit (2202) or an admission (2404); one that is cancelled already stays so, and that is a success.

        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, ORDER_PENDING, FEES_SETTLED, FEES_PRESENT.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            if encounter.state != CANCELLED:
                await self._cancel(writing, encounter)
            return Accepted(response, "cancel", encounter)

        return await self.writes.once(stamp, name.psn_no, now, decide)

    async def describe_visit(
        self,
        stamp: RequestStamp,
        name: EncounterName,
        told: VisitInformation,
        now: datetime,
        revise: Revise,
        response: bytes,
    ) -> bytes:
        """Keeps what 2203 tells of an open visit; the latest counts, and an empty `exp_content` tells nothing.

        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, TIME_IN_FUTURE, MED_TYPE_UNDECLARED, MED_TYPE_MISMATCH, and
        FEE_TIME_OUTSIDE where it would begin more than 24 hours after unsettled fees.
        """
        answered = await self.writes.answered(stamp)
        if answered is not None:
            return answered
        day, sent = beijing_day(told.begin_at), KindOfCare(told.med_type, told.local_med_type)
        kind = await national_kind(self.catalogue, sent, name.fixmedins_code, day, "mdtrtinfo.med_type")
        check_setting(kind, "mdtrtinfo.med_type", stay=False)

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            require_state(encounter, OPEN)
            latest = latest_moment(now, told.business_date)
            check_begin(told.begin_at, latest, "mdtrtinfo.begntime")
            window = fee_window(told.begin_at, None, latest)
            outside = await writing.unsettled_before(encounter.mdtrt_id, window.first)
            check_standing_fees(outside, window, "mdtrtinfo.begntime")
            changed = replace(
                encounter,
                med_type=kind.national,
                local_med_type=kind.local,
                begin_at=told.begin_at,
                dise_codg=told.dise_codg,
                dise_name=told.dise_name,
                exp_content=told.exp_content or encounter.exp_content,
                details=revise(encounter.details),
            )
            await writing.change_encounter(changed)
            await told_diagnoses(writing, self.writes.new_id, encounter.mdtrt_id, VISITED, told.diagnoses, now)
            return Accepted(response, DESCRIBE, encounter)

        return await self.writes.once(stamp, name.psn_no, now, decide)

    async def discharge(
        self,
        stamp: RequestStamp,
        name: EncounterName,
        told: DischargeInformation,
        now: datetime,
        revise: Revise,
        response: bytes,
    ) -> bytes:
        """Ends an open stay (2402). What the admission said stands where the discharge says nothing.

        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, TIME_IN_FUTURE, INVALID where it would end before it began, and
        FEE_TIME_OUTSIDE naming the lines that would lie outside the stay.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            require_state(encounter, OPEN)
            latest = latest_moment(now, told.business_date)
            check_end(encounter.begin_at, told.end_at, latest, "dscginfo.endtime")
            window = fee_window(encounter.begin_at, told.end_at, latest)
            check_standing_fees(await writing.fees_outside(encounter.mdtrt_id, window), window, "dscginfo.endtime")
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

    async def undo_discharge(self, stamp: RequestStamp, name: EncounterName, now: datetime, response: bytes) -> bytes:
        """Puts a discharged stay back into hospital (2405), unless it was settled since or another stay is open.

        A second undo under another message is a success as long as the stay lies as the first one left it: open, and not
        discharged anew. On a stay that was discharged again it undoes that discharge; on one that was never discharged,
        or cancelled since, it is refused (our decision).
        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, ORDER_PENDING, STAY_OPEN.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            if encounter.state == OPEN and await writing.entry_after(encounter.mdtrt_id, UNDO_DISCHARGE, ""):
                return Accepted(response, UNDO_DISCHARGE, encounter)
            require_state(encounter, DISCHARGED)
            await self.writes.check_unbilled(writing, encounter)
            check_not_settled(encounter, await writing.settled_since_discharge(encounter.mdtrt_id))
            check_no_open_stay(await writing.open_stay(encounter.psn_no), encounter.fixmedins_code)
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
    ) -> bytes:
        """Takes a message 2401 back (2601). `originals` name it; `render` is told the stay, "" where it never arrived.

        The first of them is where it stands if it came. One that never arrived is remembered as void under each, so that a
        late arrival is refused; a second reversal is told the same.
        Raises FEES_SETTLED, FEES_PRESENT, ENCOUNTER_STATE, NOT_REVERSIBLE where the stay is another person's or it was no
        admission.
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
                await self._cancel(writing, stay)
            return Accepted(render(stay.mdtrt_id), "reverse", stay)

        return await self.writes.once(stamp, psn_no if known is None else known.psn_no, now, decide)

    async def listed(self, wanted: EncounterFilter) -> list[Encounter]:
        """Encounters of a person at an institution (5201), newest first; INVALID for a range that ends before it begins."""
        check_range(wanted.begin, wanted.end, "data.endtime")
        async with self.writes.store.reading() as snapshot:
            return await snapshot.encounters(wanted, MAX_LISTED)

    async def care(self, name: EncounterName) -> tuple[Encounter, bool]:
        """An encounter, and whether a settlement of it stands; ENCOUNTER_NOT_FOUND."""
        async with self.writes.store.reading() as snapshot:
            encounter = named_encounter(name, await snapshot.encounter(name.mdtrt_id))
            return encounter, bool((await snapshot.fee_presence(encounter.mdtrt_id)).setl_id)

    async def _cancel(self, writing: FeeWriter, encounter: Encounter) -> None:
        await self.writes.check_unbilled(writing, encounter)
        fees = await writing.fee_presence(encounter.mdtrt_id)
        if encounter.kind == VISIT:
            check_visit_cancellable(encounter, fees)
        else:
            check_admission_cancellable(encounter, fees)
        await writing.change_encounter(replace(encounter, state=CANCELLED))

    async def _add(self, writing: FeeWriter, fresh: Encounter, told: DiagnosesTold) -> None:
        await writing.add_encounter(fresh)
        await told_diagnoses(writing, self.writes.new_id, fresh.mdtrt_id, ADMISSION, told, fresh.created_at)

    def _new_encounter(
        self, registration: Registration, insured: Insured, enrolment: Enrolment, admdvs: str, now: datetime
    ) -> Encounter:
        return Encounter(
            mdtrt_id=self.writes.new_id(""),
            fixmedins_code=registration.credential.fixmedins_code,
            psn_no=insured.person.psn_no,
            insutype=registration.insutype,
            kind=registration.kind,
            ipt_otp_no=registration.ipt_otp_no,
            state=OPEN,
            med_type=registration.med_type,
            begin_at=registration.begin_at,
            end_at=None,
            insuplc_admdvs=enrolment.insuplc_admdvs,
            mdtrtarea_admvs=registration.mdtrtarea_admvs or admdvs,
            mdtrt_cert_type=registration.credential.mdtrt_cert_type,
            dise_codg=registration.dise_codg,
            dise_name=registration.dise_name,
            exp_content=registration.exp_content,
            details=b"",
            created_at=now,
            ec_token_digest=insured.ec_token_digest or None,
            local_med_type=registration.local_med_type,
        )


async def _admitted(snapshot: FeeReader, original: RequestStamp, psn_no: str) -> tuple[Entry | None, Encounter | None]:
    """What a message 2401 left, and the stay that it admitted to; raises NOT_REVERSIBLE."""
    entry = await snapshot.entry(original.scope, original.request_id)
    stay = None if entry is None or entry.mdtrt_id is None else await snapshot.encounter(entry.mdtrt_id)
    if entry is not None:
        check_taken_back(entry, stay, psn_no)
    return entry, stay
