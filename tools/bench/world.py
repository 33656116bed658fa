"""The invented world of the benchmark: people of the sandbox division, hospitals of the sample catalogue, bills of 20 lines.

Everything is made from numbers, so that a run can be repeated; nobody in it exists.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from services.kernel.money import round_quotient
from tools.cli.seed import SAMPLES
from tools.played.messages import Row, amount_of
from tools.played.people import DIVISION, EMPLOYEE, EMPLOYER, INSURED_SINCE, person
from yibao.identity.v1 import partner_pb2
from yibao.options.v1 import options_pb2

OUT_PATIENT: Final = "11"
LINES: Final = 20
BILLS: Final = 12
OPENING_FEN: Final = 500_000
API_KEY: Final = "bench-key-of-"
HOSPITAL_NAME: Final = "测试医院"
HOSPITALS: Final = ("H99010000001", "H99010000002", "H99010000003")


@dataclass(frozen=True, slots=True)
class SampleBill:
    """A bill at a hospital."""

    hospital: str
    lines: tuple[Row, ...]

    @property
    def amount_fen(self) -> int:
        """Sum of the lines."""
        return amount_of(self.lines)


def partner(hospital: str) -> partner_pb2.Partner:
    """The hospital's profile; it proves itself by a key in a header."""
    return partner_pb2.Partner(
        partner_code=hospital,
        partner_name=HOSPITAL_NAME,
        role=options_pb2.ROLE_INSTITUTION,
        auth_style=partner_pb2.AUTH_STYLE_API_KEY,
        secret=API_KEY + hospital,
        sandbox=True,
        # As outside a sandbox: what is measured is a settlement, not the advice about its message.
        dialect=partner_pb2.Dialect(lenient_warnings=False),
    )


def bills(other: Path | None = None) -> list[SampleBill]:
    """Twelve bills of 20 different items each: classes A, B and C, some over their ceiling, 1,800 to 5,500 yuan.

    With an `other` sample catalogue their items stand in both.
    """
    chance = Random(2207)
    known = None if other is None else {code for code, _ in _items(other)}
    items = [(code, name) for code, name in _items(SAMPLES) if known is None or code in known]
    return [_bill(HOSPITALS[place % len(HOSPITALS)], chance.sample(items, LINES), chance) for place in range(BILLS)]


def _items(catalogue: Path) -> list[tuple[str, str]]:
    with (catalogue / "items.csv").open(encoding="utf-8", newline="") as file:
        return [(row["med_list_codg"], row["item_name"]) for row in csv.DictReader(file) if row["to_day"] == ""]


def _bill(hospital: str, items: list[tuple[str, str]], chance: Random) -> SampleBill:
    lines = [Row(code, chance.randint(1, 3), chance.randint(300, 15_000), name) for code, name in items]
    wanted_fen = chance.randint(200_000, 500_000)
    sum_fen = amount_of(lines)
    fitted = (replace(line, price_fen=max(1, round_quotient(line.price_fen * wanted_fen, sum_fen))) for line in lines)
    return SampleBill(hospital, tuple(fitted))


def seed_documents(
    tree: Path, hospitals: Sequence[str], first: int, persons: int, each: int = 500
) -> list[Mapping[str, Any]]:
    """The hospitals, and people with their accounts, as `yibao seed` of any revision reads them; so many people a document."""
    # An older contract does not know the switch, and gives no advice.
    contract = (tree / "protos" / "yibao" / "identity" / "v1").glob("*.proto")
    knows = any("lenient_warnings" in file.read_text(encoding="utf-8") for file in contract)
    dialect: Mapping[str, Any] = {"dialect": {"lenient_warnings": False}} if knows else {}
    found: list[Mapping[str, Any]] = [{"partners": [{**_partner_row(code), **dialect} for code in hospitals]}]
    for begin in range(first, first + persons, each):
        numbers = range(begin, min(begin + each, first + persons))
        found.append(
            {
                "persons": [_person_row(number) for number in numbers],
                "ledgers": [_ledger_row(number) for number in numbers],
            }
        )
    return found


def _partner_row(code: str) -> Mapping[str, Any]:
    told = {"partner_code": code, "partner_name": HOSPITAL_NAME, "role": "INSTITUTION", "sandbox": True}
    return told | {"auth_style": "API_KEY", "secret": API_KEY + code}


def _person_row(number: int) -> Mapping[str, Any]:
    who = person(number)
    told = {"psn_no": who.psn_no, "psn_name": who.psn_name, "psn_cert_type": "01", "certno": who.certno}
    told |= {"gend": "1", "naty": "01", "brdy": f"{who.brdy}"}
    enrolment = {"insutype": EMPLOYEE, "insuplc_admdvs": DIVISION, "psn_type": "11", "psn_insu_stas": "1"}
    enrolment |= {"status": "active", "from_day": f"{INSURED_SINCE}", "emp_name": EMPLOYER}
    return {"person": told, "enrolments": [enrolment]}


def _ledger_row(number: int) -> Mapping[str, Any]:
    row = {"psn_no": person(number).psn_no, "insutype": EMPLOYEE, "insuplc_admdvs": DIVISION}
    return {**row, "balance_fen": OPENING_FEN}


def catalogue_folder() -> Path:
    """The shipped sample catalogue, with which the mesh begins."""
    return SAMPLES
