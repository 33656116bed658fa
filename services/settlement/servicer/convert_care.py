"""A person whom another cell insures, between messages and domain values."""

from __future__ import annotations

from services.kernel.clock import beijing_day
from services.kernel.errors import invalid
from services.runtime.wire import day_of, optional_day_of
from services.settlement.domain.care.insured import Cover, Enrolment, Insured, Person
from services.settlement.operations.care.encounters import Registration
from services.settlement.servicer.convert_encounters import insuinfo
from services.settlement.servicer.convert_persons import person_fields
from yibao.settlement.v1 import care_pb2, insured_pb2


def insured_elsewhere(cell: str, cover: Cover, registration: Registration) -> care_pb2.InsuredElsewhere:
    """What this cell tells the one where the care is given; an account's balance is not for it."""
    day = beijing_day(registration.begin_at)
    return care_pb2.InsuredElsewhere(
        cell=cell,
        person=insured_pb2.Baseinfo(**person_fields(cover.insured.person, day)),
        enrolment=insuinfo(cover.enrolment, day, 0),
        ec_token_digest=cover.insured.ec_token_digest,
    )


def told_cover(told: care_pb2.InsuredElsewhere, own_cell: str, registration: Registration, mdtrt_id: str) -> Cover:
    """The same as it came here. Raises INVALID for a person without number or birthday, and for another insurance type than
    the registration's."""
    person, enrolment = told.person, told.enrolment
    if not person.psn_no:
        raise invalid("insured.person.psn_no", "required")
    if enrolment.insutype != registration.insutype:
        raise invalid("insured.enrolment.insutype", "encounter.insutype", insutype=registration.insutype)
    brdy = day_of(person.brdy, "insured.person.brdy")
    since = optional_day_of(enrolment, "psn_insu_date", "insured.enrolment") or beijing_day(registration.begin_at)
    who = Person(
        *(person.psn_no, person.psn_name, person.psn_cert_type, person.certno, person.gend, person.naty),
        brdy=brdy,
    )
    pays = Enrolment(
        insutype=enrolment.insutype,
        insuplc_admdvs=enrolment.insuplc_admdvs,
        psn_type=enrolment.psn_type,
        psn_insu_stas=enrolment.psn_insu_stas,
        # Bills are decided where the person is insured, by the enrolment as it is known there.
        status="",
        from_day=since,
        to_day=None,
        insured_since=since,
        cvlserv_flag=enrolment.cvlserv_flag,
        emp_name=enrolment.emp_name,
    )
    insured = Insured(who, (pays,), ec_token_digest=told.ec_token_digest)
    return Cover(insured, pays, "" if told.cell == own_cell else told.cell, mdtrt_id)
