"""Invented people of division 990000, which is no place, and a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.identity.domain.person import Enrolment, FamilyLink, Person, PersonIdentity, PersonRecord
from services.kernel.persons import check_digit

NOON = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 5)


class Ticking:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def tick(self, **by: float) -> None:
        """Moves on by a timedelta's arguments."""
        self.now += timedelta(**by)


class Dice:
    """Random bytes that a test can foresee: each draw is another, none repeats."""

    def __init__(self, seed: int = 0) -> None:
        self._drawn = seed

    def __call__(self, count: int) -> bytes:
        self._drawn += 1
        return bytes((self._drawn * 31 + 7 * place) % 256 for place in range(count - 4)) + self._drawn.to_bytes(
            4, "big"
        )


def card_number(number: int) -> str:
    """A well-formed identity-card number of nobody."""
    first17 = f"990000{19000101 + number // 1000:08d}{number % 1000:03d}"
    return first17 + check_digit(first17)


def person(number: int = 1, **changed: Any) -> Person:
    """The person of that number."""
    made = Person(
        psn_no=f"99{number:018d}",
        psn_name=f"测试{number}",
        psn_cert_type="01",
        certno=card_number(number),
        gend="1",
        naty="01",
        brdy=date(1990, 1, 1),
        card_no="",
        card_sn="",
    )
    return replace(made, **changed)


def enrolment(**changed: Any) -> Enrolment:
    """An employee's enrolment since 2020 that lasts."""
    made = Enrolment(
        insutype="310",
        insuplc_admdvs="990100",
        psn_type="1101",
        psn_insu_stas="1",
        status="active",
        from_day=date(2020, 1, 1),
        to_day=None,
        insured_since=None,
        cvlserv_flag=False,
        emp_name="",
        facts={},
    )
    return replace(made, **changed)


def identity(**changed: Any) -> PersonIdentity:
    """Minimum living security since 2024."""
    return replace(PersonIdentity("2301", "dibao", date(2024, 1, 1), None, ""), **changed)


def link(owner: int, **changed: Any) -> FamilyLink:
    """Leave to use the account of the person of that number."""
    return replace(FamilyLink(person(owner).psn_no, "310", date(2024, 1, 1), None), **changed)


def record(number: int = 1, *enrolments: Enrolment, **changed: Any) -> PersonRecord:
    """A person with one enrolment, or those given."""
    return PersonRecord(person(number, **changed), enrolments or (enrolment(),))
