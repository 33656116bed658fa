"""Domain values of persons as rows of their tables, and back. Pure: no connection, no statement."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from services.identity.domain.credential import EcToken
from services.identity.domain.person import Enrolment, FamilyLink, Person, PersonIdentity, PersonRecord, in_order
from services.kernel.clock import from_micros
from services.runtime.db import to_json

PERSON: Final = "p"
ENROLMENT: Final = "e"
IDENTITY: Final = "i"
LINK: Final = "f"
TOKEN: Final = "t"

_NO_FACTS: Final = "{}"


def person_row(person: Person) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    p = person
    born = p.brdy.isoformat()
    return (p.psn_no, p.psn_name, p.psn_cert_type, p.certno, p.gend, p.naty, born, p.card_no or None, p.card_sn)


def to_person(row: Sequence[Any]) -> Person:
    """From the table's columns in their order."""
    psn_no, psn_name, psn_cert_type, certno, gend, naty, brdy, card_no, card_sn = row
    born = date.fromisoformat(brdy)
    return Person(psn_no, psn_name, psn_cert_type, certno, gend, naty, born, card_no or "", card_sn)


def enrolment_row(psn_no: str, enrolment: Enrolment) -> tuple[Any, ...]:
    """In the order of the table's columns."""
    e = enrolment
    facts = to_json(dict(e.facts))
    return (
        psn_no, e.insutype, e.from_day.isoformat(), _text(e.to_day), e.insuplc_admdvs, e.psn_type, e.psn_insu_stas,
        e.status, _text(e.insured_since), "1" if e.cvlserv_flag else "0", e.emp_name, facts,
    )  # fmt: skip


def identity_rows(record: PersonRecord) -> Iterator[tuple[Any, ...]]:
    """In the order of the table's columns."""
    for row_no, each in enumerate(record.identities):
        days = each.from_day.isoformat(), _text(each.to_day)
        yield (record.person.psn_no, row_no, each.psn_idet_type, each.identity, *days, each.memo, each.psn_type_lv)


def link_rows(record: PersonRecord) -> Iterator[tuple[Any, ...]]:
    """In the order of the table's columns."""
    for row_no, each in enumerate(record.family_links):
        days = each.from_day.isoformat(), _text(each.to_day)
        yield (record.person.psn_no, row_no, each.owner_psn_no, each.owner_insutype, *days, each.owner_cell)


class RecordRows:
    """Rows of persons, enrolments, identities, links and tokens as one statement gives them: psn_no, kind, days (of a token
    moments), nine texts."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self.people: dict[str, Person] = {}
        self.tokens: dict[str, EcToken] = {}
        self._enrolments: defaultdict[str, list[Enrolment]] = defaultdict(list)
        self._identities: defaultdict[str, list[PersonIdentity]] = defaultdict(list)
        self._links: defaultdict[str, list[FamilyLink]] = defaultdict(list)
        for psn_no, kind, first, last, *rest in rows:
            if kind == PERSON:
                # The only day of a person is that of birth.
                self.people[psn_no] = to_person([psn_no, *rest[:5], first, *rest[5:7]])
                continue
            if kind == TOKEN:
                issued_at, expires_at = from_micros(int(first)), from_micros(int(last))
                self.tokens[rest[0]] = EcToken(rest[0], psn_no, rest[1], rest[2], issued_at, expires_at)
                continue
            from_day, to_day = date.fromisoformat(first), _day(last)
            if kind == ENROLMENT:
                self._enrolments[psn_no].append(_enrolment(from_day, to_day, rest))
            elif kind == IDENTITY:
                self._identities[psn_no].append(PersonIdentity(rest[0], rest[1], from_day, to_day, rest[2], rest[3]))
            else:
                self._links[psn_no].append(FamilyLink(rest[0], rest[1], from_day, to_day, rest[2]))

    def records(self) -> list[PersonRecord]:
        """Of all persons among the rows."""
        return [self.record(person) for person in self.people.values()]

    def record(self, person: Person) -> PersonRecord:
        """The person's record, lists in order."""
        number = person.psn_no
        return in_order(
            PersonRecord(
                person,
                tuple(self._enrolments.get(number, ())),
                tuple(self._identities.get(number, ())),
                tuple(self._links.get(number, ())),
            )
        )


def _enrolment(from_day: date, to_day: date | None, rest: Sequence[Any]) -> Enrolment:
    insutype, insuplc_admdvs, psn_type, psn_insu_stas, status, insured_since, cvlserv_flag, emp_name, facts = rest
    return Enrolment(
        insutype,
        insuplc_admdvs,
        psn_type,
        psn_insu_stas,
        status,
        from_day,
        to_day,
        _day(insured_since),
        cvlserv_flag == "1",
        emp_name,
        {} if facts == _NO_FACTS else json.loads(facts),
    )


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
