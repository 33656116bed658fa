"""Visits and stays: registered, described, cancelled. Identity and catalogue are asked before a transaction opens.

Messages are opaque here: whoever calls brings the functions that write them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.kernel.clock import beijing_day
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.settlement.domain.care.ahead import VisitName
from services.settlement.domain.care.bill import STAY, VISIT
from services.settlement.domain.care.diagnoses import ADMISSION, NONE_TOLD, DiagnosesTold
from services.settlement.domain.care.diagnoses import VISIT as VISITED
from services.settlement.domain.care.encounters import (
    ADMIT,
    CANCELLED,
    DESCRIBE,
    MAX_LISTED,
    OPEN,
    REGISTER,
    Encounter,
    EncounterFilter,
    EncounterName,
    check_no_open_stay,
    check_same_cover,
    named_encounter,
    require_state,
)
from services.settlement.domain.care.insured import Cover, CredentialQuery, Enrolment, Insured, enrolment_on
from services.settlement.domain.care.kinds import KindOfCare, check_setting
from services.settlement.domain.care.moments import (
    check_begin,
    check_range,
    check_standing_fees,
    fee_window,
    latest_moment,
)
from services.settlement.operations.care.diagnoses import told_diagnoses
from services.settlement.operations.care.kinds import national_kind
from services.settlement.operations.care.ports import CataloguePeer, ShownCredentials
from services.settlement.operations.care.stays import Revise, cancelled, check_admittable
from services.settlement.operations.care.writes import Accepted, CareWrite, Writes
from services.settlement.store.fees import FeeWriter

Describe = Callable[[Encounter, Insured, Enrolment], bytes]
"""Writes down what 5201 tells of a new encounter."""


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
class EncounterOperations:
    """Registers and changes encounters."""

    writes: Writes
    credentials: ShownCredentials
    catalogue: CataloguePeer

    async def register(
        self,
        stamp: RequestStamp,
        registration: Registration,
        now: datetime,
        describe: Describe,
        render: Callable[[Encounter], bytes],
        told: Cover | None = None,
    ) -> bytes:
        """Registers a visit or stay and answers it. A visit still open under the same number is answered again.

        A visit keeps its insurance type; whoever wants another cancels it first. The ecToken that was shown last is kept:
        a bill that shows no credential of its own spends it (our decision). `told` is what another cell told of the person;
        it was asked about the credential, and nobody here is.

        Raises the refusals of `cover`, INSTITUTION_UNKNOWN, VISIT_OPEN, STAY_OPEN, TIME_IN_FUTURE, MED_TYPE_UNDECLARED,
        MED_TYPE_MISMATCH, MESSAGE_VOIDED, REQUEST_ID_REUSED.
        """
        answered = await self.writes.answered(stamp)
        if answered is not None:
            return answered
        node = "data" if registration.kind == VISIT else "mdtrtinfo"
        check_begin(registration.begin_at, latest_moment(now, registration.business_date), f"{node}.begntime")
        cover = told or await self.cover(registration)
        fresh = await self._new_encounter(registration, cover, now)
        fresh = replace(fresh, details=describe(fresh, cover.insured, cover.enrolment))

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = None
            if fresh.kind == VISIT:
                encounter = await writing.open_visit(fresh.fixmedins_code, fresh.psn_no, fresh.ipt_otp_no)
                check_same_cover(encounter, fresh.insutype, fresh.insured_cell)
            else:
                check_no_open_stay(await writing.open_stay(fresh.psn_no), fresh.fixmedins_code)
                if cover.mdtrt_id:
                    await check_admittable(writing, cover.mdtrt_id, stamp.request_id)
            if encounter is None:
                encounter = fresh
                await self._add(writing, fresh, registration.diagnoses)
            elif fresh.ec_token_digest:
                await writing.change_encounter(replace(encounter, ec_token_digest=fresh.ec_token_digest))
            return Accepted(render(encounter), ADMIT if fresh.kind == STAY else REGISTER, encounter)

        if fresh.kind == STAY:
            return await self.writes.once(stamp, fresh.psn_no, now, decide)
        visit = VisitName(fresh.fixmedins_code, fresh.psn_no, fresh.ipt_otp_no)
        return await self.writes.together(CareWrite(stamp, fresh.psn_no, now, decide, visit=visit))

    async def cover(self, registration: Registration) -> Cover:
        """The person behind the credential, and the enrolment that pays on the day that the care begins.

        Raises the refusals of the credential, EC_TOKEN_SPENT, NOT_ENROLLED and its kin.
        """
        insured = await self.credentials.shown(registration.credential)
        return Cover(insured, enrolment_on(insured, registration.insutype, beijing_day(registration.begin_at)))

    async def cancel(
        self, stamp: RequestStamp, name: EncounterName, now: datetime, response: bytes, *, order_no: str = ""
    ) -> bytes:
        """Cancels a visit (2202) or an admission (2404); one that is cancelled already stays so, and that is a success.

        `order_no` as in `StayOperations`.
        Raises ENCOUNTER_NOT_FOUND, ENCOUNTER_STATE, ORDER_PENDING, FEES_SETTLED, FEES_PRESENT, INSURED_ELSEWHERE.
        """

        async def decide(writing: FeeWriter) -> Accepted:
            encounter = named_encounter(name, await writing.encounter(name.mdtrt_id))
            if encounter.state != CANCELLED:
                await cancelled(self.writes, writing, encounter, order_no, stamp.request_id)
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
        try:
            kind = await self._kind_of_visit(told, name.fixmedins_code)
        except Fault:
            # A repeat is answered whatever its kind of care is today. Where it stands, the commit looks for repeats.
            answered = await self.writes.answered(stamp)
            if answered is not None:
                return answered
            raise

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

        return await self.writes.together(CareWrite(stamp, name.psn_no, now, decide, name.mdtrt_id))

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

    async def _kind_of_visit(self, told: VisitInformation, fixmedins_code: str) -> KindOfCare:
        day, sent = beijing_day(told.begin_at), KindOfCare(told.med_type, told.local_med_type)
        kind = await national_kind(self.catalogue, sent, fixmedins_code, day, "mdtrtinfo.med_type")
        check_setting(kind, "mdtrtinfo.med_type", stay=False)
        return kind

    async def _add(self, writing: FeeWriter, fresh: Encounter, told: DiagnosesTold) -> None:
        await writing.add_encounter(fresh)
        await told_diagnoses(writing, self.writes.new_id, fresh.mdtrt_id, ADMISSION, told, fresh.created_at)

    async def _new_encounter(self, registration: Registration, cover: Cover, now: datetime) -> Encounter:
        code, day = registration.credential.fixmedins_code, beijing_day(registration.begin_at)
        institution = await self.catalogue.institution(code, day)
        kind = KindOfCare(registration.med_type, registration.local_med_type)
        if registration.kind == STAY:
            kind = await national_kind(self.catalogue, kind, code, day, "mdtrtinfo.med_type")
            check_setting(kind, "mdtrtinfo.med_type", stay=True)
        return Encounter(
            mdtrt_id=cover.mdtrt_id or self.writes.new_id(""),
            fixmedins_code=code,
            psn_no=cover.insured.person.psn_no,
            insutype=registration.insutype,
            kind=registration.kind,
            ipt_otp_no=registration.ipt_otp_no,
            state=OPEN,
            med_type=kind.national,
            begin_at=registration.begin_at,
            end_at=None,
            insuplc_admdvs=cover.enrolment.insuplc_admdvs,
            mdtrtarea_admvs=registration.mdtrtarea_admvs or institution.admdvs,
            mdtrt_cert_type=registration.credential.mdtrt_cert_type,
            dise_codg=registration.dise_codg,
            dise_name=registration.dise_name,
            exp_content=registration.exp_content,
            details=b"",
            created_at=now,
            ec_token_digest=cover.insured.ec_token_digest or None,
            local_med_type=kind.local,
            insured_cell=cover.cell,
        )
