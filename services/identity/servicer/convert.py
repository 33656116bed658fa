"""Persons as messages and as domain values. Decides nothing; a day that does not exist is refused here.

What is `put` is written where it belongs in an answer: a message that is given to another's constructor is written and read for
that, and one with days in it twice.
"""

from __future__ import annotations

from services.identity.domain.certificates import folded, folded_type
from services.identity.domain.person import Enrolment, FamilyLink, Person, PersonIdentity, PersonRecord
from services.runtime.wire import DayReader, put_day
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
    message = person_pb2.PersonRecord()
    put_person(message.person, record.person)
    for enrolment in record.enrolments:
        put_enrolment(message.enrolments.add(), enrolment)
    for identity in record.identities:
        put_identity(message.identities.add(), identity)
    for link in record.family_links:
        put_link(message.family_links.add(), link)
    return message


def write_enrolment(enrolment: Enrolment) -> person_pb2.Enrolment:
    """An enrolment."""
    message = person_pb2.Enrolment()
    put_enrolment(message, enrolment)
    return message


def put_person(message: person_pb2.Person, person: Person) -> None:
    """A person, in an empty message."""
    message.psn_no = person.psn_no
    message.psn_name = person.psn_name
    message.psn_cert_type = person.psn_cert_type
    message.certno = person.certno
    message.gend = person.gend
    message.naty = person.naty
    put_day(message.brdy, person.brdy)
    message.card_no = person.card_no
    message.card_sn = person.card_sn


def put_enrolment(message: person_pb2.Enrolment, enrolment: Enrolment) -> None:
    """An enrolment, in an empty message."""
    message.insutype = enrolment.insutype
    message.insuplc_admdvs = enrolment.insuplc_admdvs
    message.psn_type = enrolment.psn_type
    message.psn_insu_stas = enrolment.psn_insu_stas
    message.status = enrolment.status
    put_day(message.from_day, enrolment.from_day)
    if enrolment.to_day is not None:
        put_day(message.to_day, enrolment.to_day)
    if enrolment.insured_since is not None:
        put_day(message.insured_since, enrolment.insured_since)
    message.cvlserv_flag = enrolment.cvlserv_flag
    message.emp_name = enrolment.emp_name
    if enrolment.facts:
        message.facts.update(enrolment.facts)


def put_identity(message: person_pb2.PersonIdentity, identity: PersonIdentity) -> None:
    """A special identity, in an empty message."""
    message.psn_idet_type = identity.psn_idet_type
    message.identity = identity.identity
    put_day(message.from_day, identity.from_day)
    if identity.to_day is not None:
        put_day(message.to_day, identity.to_day)
    message.memo = identity.memo
    message.psn_type_lv = identity.psn_type_lv


def put_link(message: person_pb2.FamilyLink, link: FamilyLink) -> None:
    """A family link, in an empty message."""
    message.owner_psn_no = link.owner_psn_no
    message.owner_insutype = link.owner_insutype
    put_day(message.from_day, link.from_day)
    if link.to_day is not None:
        put_day(message.to_day, link.to_day)
    message.owner_cell = link.owner_cell
