"""Persons as messages and as domain values. Decides nothing; a day that does not exist is refused here."""

from __future__ import annotations

from services.identity.domain.certificates import folded, folded_type
from services.identity.domain.person import Enrolment, FamilyLink, Person, PersonIdentity, PersonRecord
from services.runtime.wire import DayReader, day_message, optional_day_message
from yibao.identity.v1 import person_pb2


def read_record(message: person_pb2.PersonRecord, path: str, days: DayReader) -> PersonRecord:
    """A record; wrong days are remembered in `days`."""
    return PersonRecord(
        read_person(message.person, f"{path}.person", days),
        tuple(read_enrolment(e, f"{path}.enrolments[{i}]", days) for i, e in enumerate(message.enrolments)),
        tuple(_read_identity(e, f"{path}.identities[{i}]", days) for i, e in enumerate(message.identities)),
        tuple(_read_link(e, f"{path}.family_links[{i}]", days) for i, e in enumerate(message.family_links)),
    )


def read_person(message: person_pb2.Person, path: str, days: DayReader) -> Person:
    """A person, the certificate and the card in the one writing in which they are looked for."""
    return Person(
        message.psn_no,
        message.psn_name,
        folded_type(message.psn_cert_type),
        folded(message.certno),
        message.gend,
        message.naty,
        days.day(message.brdy, f"{path}.brdy"),
        folded(message.card_no),
        message.card_sn,
    )


def read_enrolment(message: person_pb2.Enrolment, path: str, days: DayReader) -> Enrolment:
    """An enrolment."""
    return Enrolment(
        message.insutype,
        message.insuplc_admdvs,
        message.psn_type,
        message.psn_insu_stas,
        message.status,
        days.day(message.from_day, f"{path}.from_day"),
        days.optional(message, "to_day", path),
        days.optional(message, "insured_since", path),
        message.cvlserv_flag,
        message.emp_name,
        dict(message.facts),
    )


def _read_identity(message: person_pb2.PersonIdentity, path: str, days: DayReader) -> PersonIdentity:
    return PersonIdentity(
        message.psn_idet_type,
        message.identity,
        days.day(message.from_day, f"{path}.from_day"),
        days.optional(message, "to_day", path),
        message.memo,
        message.psn_type_lv,
    )


def _read_link(message: person_pb2.FamilyLink, path: str, days: DayReader) -> FamilyLink:
    return FamilyLink(
        message.owner_psn_no,
        message.owner_insutype,
        days.day(message.from_day, f"{path}.from_day"),
        days.optional(message, "to_day", path),
        message.owner_cell,
    )


def write_record(record: PersonRecord) -> person_pb2.PersonRecord:
    """A record."""
    return person_pb2.PersonRecord(
        person=write_person(record.person),
        enrolments=[write_enrolment(each) for each in record.enrolments],
        identities=[write_identity(each) for each in record.identities],
        family_links=[write_link(each) for each in record.family_links],
    )


def write_person(person: Person) -> person_pb2.Person:
    """A person."""
    return person_pb2.Person(
        psn_no=person.psn_no,
        psn_name=person.psn_name,
        psn_cert_type=person.psn_cert_type,
        certno=person.certno,
        gend=person.gend,
        naty=person.naty,
        brdy=day_message(person.brdy),
        card_no=person.card_no,
        card_sn=person.card_sn,
    )


def write_enrolment(enrolment: Enrolment) -> person_pb2.Enrolment:
    """An enrolment."""
    return person_pb2.Enrolment(
        insutype=enrolment.insutype,
        insuplc_admdvs=enrolment.insuplc_admdvs,
        psn_type=enrolment.psn_type,
        psn_insu_stas=enrolment.psn_insu_stas,
        status=enrolment.status,
        from_day=day_message(enrolment.from_day),
        to_day=optional_day_message(enrolment.to_day),
        insured_since=optional_day_message(enrolment.insured_since),
        cvlserv_flag=enrolment.cvlserv_flag,
        emp_name=enrolment.emp_name,
        facts=enrolment.facts,
    )


def write_identity(identity: PersonIdentity) -> person_pb2.PersonIdentity:
    """A special identity."""
    return person_pb2.PersonIdentity(
        psn_idet_type=identity.psn_idet_type,
        identity=identity.identity,
        from_day=day_message(identity.from_day),
        to_day=optional_day_message(identity.to_day),
        memo=identity.memo,
        psn_type_lv=identity.psn_type_lv,
    )


def write_link(link: FamilyLink) -> person_pb2.FamilyLink:
    """A family link."""
    return person_pb2.FamilyLink(
        owner_psn_no=link.owner_psn_no,
        owner_insutype=link.owner_insutype,
        from_day=day_message(link.from_day),
        to_day=optional_day_message(link.to_day),
        owner_cell=link.owner_cell,
    )
