"""Invented people, made from numbers, so that a run can be repeated: employees of division 990100, which stands in no table;
nobody of them exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.kernel.persons import check_digit
from services.runtime.wire import day_message
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import ledger_pb2

DIVISION: Final = "990100"
EMPLOYEE: Final = "310"
INSURED_SINCE: Final = date(2015, 1, 1)
EMPLOYER: Final = "测试用人单位"
_BORN: Final = date(1980, 6, 15)
_OF_A_YEAR: Final = 900
_OF_A_PLACE: Final = 100 * _OF_A_YEAR
# Names differ in two characters. They lie apart, so that one is not taken for another.
_APART: Final = 23
_CHARACTERS: Final = 97
_FIRST_CHARACTER: Final = 0x4F00


@dataclass(frozen=True, slots=True)
class InventedPerson:
    """Numbers, name and birthday of an invented person."""

    psn_no: str
    psn_name: str
    certno: str
    card_no: str
    brdy: date


def person(number: int) -> InventedPerson:
    """The invented person of a number below 10,000,000: born in 1980, a certificate with a valid check digit in a division
    99xxxx, which is nowhere. Each differs from all others in every number and in the name, and all are of one length.
    """
    place, own = divmod(number, _OF_A_PLACE)
    body = f"99{place:04}{1900 + own // _OF_A_YEAR:04}{_BORN:%m%d}{own % _OF_A_YEAR + 100:03}"
    return InventedPerson(f"99010000{number:08}", _name(number), body + check_digit(body), f"C99{number:08}", _BORN)


def _name(number: int) -> str:
    """A surname and two characters: the first 9,409 numbers take each `_APART`th one, later ones those between."""
    between, own = divmod(number, _CHARACTERS * _CHARACTERS)
    further, first = divmod(between, _APART)
    beyond, second = divmod(further, _APART)
    places = (_APART * (own // _CHARACTERS) + first, _APART * (own % _CHARACTERS + _CHARACTERS * beyond) + second)
    return "测" + "".join(chr(_FIRST_CHARACTER + each) for each in places)


def person_record(who: InventedPerson) -> person_pb2.PersonRecord:
    """The person as an employee of division 990100, insured since 2015."""
    return person_pb2.PersonRecord(
        person=person_pb2.Person(
            psn_no=who.psn_no,
            psn_name=who.psn_name,
            psn_cert_type="01",
            certno=who.certno,
            gend="1",
            naty="01",
            brdy=day_message(who.brdy),
            card_no=who.card_no,
        ),
        enrolments=[
            person_pb2.Enrolment(
                insutype=EMPLOYEE,
                insuplc_admdvs=DIVISION,
                psn_type="11",
                psn_insu_stas="1",
                status="active",
                from_day=day_message(INSURED_SINCE),
                emp_name=EMPLOYER,
            )
        ],
    )


def opening(psn_no: str, balance_fen: int) -> ledger_pb2.LedgerOpening:
    """An account with this balance."""
    return ledger_pb2.LedgerOpening(psn_no=psn_no, insutype=EMPLOYEE, insuplc_admdvs=DIVISION, balance_fen=balance_fen)
