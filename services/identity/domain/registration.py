"""The registration of many persons at once: all or none. What is refused is named by its place in the list, never by a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.identity.domain.certificates import is_card_number
from services.identity.domain.enrolment import day_violations, overlap_fault, overlapping
from services.identity.domain.person import IDENTITY_CARD, PersonRecord, in_order
from services.kernel.errors import Fault, FaultKind, Violation

MAX_VIOLATIONS: Final = 20
"""Violations named at most: they travel in gRPC trailers, which hold 8 KiB. The metadata says how many there are."""


@dataclass(frozen=True, slots=True)
class RegisteredBefore:
    """What is registered already, of all that a registration touches.

    `records` by psn_no, lists in order; `certificates` and `cards` say who holds a (type, number) or a card number;
    `owners` are those of the account owners named that are registered.
    """

    records: Mapping[str, PersonRecord]
    certificates: Mapping[tuple[str, str], str]
    cards: Mapping[str, str]
    owners: frozenset[str]


@dataclass(frozen=True, slots=True)
class Registration:
    """What a registration writes, and how many persons stood already with the same content."""

    new: tuple[PersonRecord, ...]
    unchanged_count: int


def check_records(records: Sequence[PersonRecord]) -> None:
    """What can be told from the records alone: INVALID_REQUEST, then ENROLMENT_OVERLAPS; every violation is named."""
    _refuse(FaultKind.INVALID, "INVALID_REQUEST", [v for i, r in enumerate(records) for v in _field_violations(r, i)])
    overlaps = [
        Violation(f"persons[{i}].enrolments[{place}].from_day", "overlaps")
        for i, record in enumerate(records)
        for place in overlapping(record.enrolments)
    ]
    if overlaps:
        raise overlap_fault(overlaps[:MAX_VIOLATIONS])


def decide_registration(records: Sequence[PersonRecord], standing: RegisteredBefore) -> Registration:
    """New persons and those that stand; PERSON_EXISTS, CERTIFICATE_TAKEN or FAMILY_OWNER_UNKNOWN refuses all.

    A person may occur twice with the same content. New records are given back with their lists in order.
    """
    seen: dict[str, PersonRecord] = dict(standing.records)
    new: list[PersonRecord] = []
    existing: list[Violation] = []
    unchanged_count = 0
    for i, record in enumerate(in_order(each) for each in records):
        known = seen.get(record.person.psn_no)
        if known is None:
            seen[record.person.psn_no] = record
            new.append(record)
        elif known == record:
            unchanged_count += 1
        else:
            existing.append(Violation(f"persons[{i}].person.psn_no", "exists", "stands with other content"))
    _refuse(FaultKind.CONFLICT, "PERSON_EXISTS", existing)
    _refuse(FaultKind.CONFLICT, "CERTIFICATE_TAKEN", _taken(records, standing))
    _refuse(FaultKind.PRECONDITION, "FAMILY_OWNER_UNKNOWN", _unknown_owners(records, seen.keys() | standing.owners))
    return Registration(tuple(new), unchanged_count)


def with_own_links(record: PersonRecord, cell: str) -> PersonRecord:
    """The record, its links to owners of this cell written as such."""
    links = (replace(each, owner_cell="") if each.owner_cell == cell else each for each in record.family_links)
    return replace(record, family_links=tuple(links))


def _refuse(kind: FaultKind, reason: str, violations: Sequence[Violation]) -> None:
    if violations:
        raise Fault(kind, reason, {"count": str(len(violations))}, violations=violations[:MAX_VIOLATIONS])


def _field_violations(record: PersonRecord, index: int) -> list[Violation]:
    path, person = f"persons[{index}]", record.person
    broken: list[Violation] = []
    if person.psn_cert_type == IDENTITY_CARD and not is_card_number(person.certno):
        broken.append(
            Violation(f"{path}.person.certno", "identity_card_number", "18 characters with a right check digit")
        )
    elif not person.certno:
        broken.append(Violation(f"{path}.person.certno", "required", "blanks are no number"))
    for place, enrolment in enumerate(record.enrolments):
        broken += day_violations(enrolment, f"{path}.enrolments[{place}]")
    for place, identity in enumerate(record.identities):
        if identity.to_day is not None and identity.to_day < identity.from_day:
            broken.append(Violation(f"{path}.identities[{place}].to_day", "before_from_day"))
    for place, link in enumerate(record.family_links):
        if link.to_day is not None and link.to_day < link.from_day:
            broken.append(Violation(f"{path}.family_links[{place}].to_day", "before_from_day"))
        if link.owner_psn_no == person.psn_no:
            broken.append(Violation(f"{path}.family_links[{place}].owner_psn_no", "not_oneself"))
    return broken


def _taken(records: Sequence[PersonRecord], standing: RegisteredBefore) -> list[Violation]:
    certificates, cards = dict(standing.certificates), dict(standing.cards)
    taken: list[Violation] = []
    for i, record in enumerate(records):
        person = record.person
        if certificates.setdefault((person.psn_cert_type, person.certno), person.psn_no) != person.psn_no:
            taken.append(Violation(f"persons[{i}].person.certno", "taken", "belongs to another person"))
        if person.card_no and cards.setdefault(person.card_no, person.psn_no) != person.psn_no:
            taken.append(Violation(f"persons[{i}].person.card_no", "taken", "belongs to another person"))
    return taken


def _unknown_owners(records: Sequence[PersonRecord], known: set[str]) -> list[Violation]:
    return [
        Violation(f"persons[{i}].family_links[{place}].owner_psn_no", "unknown", "the owner is not registered")
        for i, record in enumerate(records)
        for place, link in enumerate(record.family_links)
        if not link.owner_cell and link.owner_psn_no not in known
    ]
