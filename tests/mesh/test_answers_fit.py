"""Answers fit the fields of the national interface: what the text requires is there, lengths hold, codes are the dictionary's.

Compared with the tables beside the project; without them the cases that stand here in our own words remain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.clock import BEIJING
from services.runtime.contract import Contract
from tests.mesh import journeys, paying, statements
from tests.mesh.hospital import DRUG
from tests.mesh.world import Sandbox
from tools.played.messages import Row

REFERENCE: Final = Path(__file__).resolve().parents[3] / "shared" / "reference"
INTERFACE: Final = REFERENCE / "nhsa-interface.json"
DICTIONARIES: Final = REFERENCE / "nhsa-dicts.json"
NOTHING: Final[Mapping[str, Any]] = {"output": {}}
# Codes that real answers carry and the one published edition of the dictionaries lacks: naty is GB/T 3304's, with its
# zero; med_type 21 is the head of its group.
BEYOND: Final[Mapping[str, tuple[str, ...]]] = {
    "naty": tuple(f"{code:02d}" for code in range(1, 10)),
    "med_type": ("21",),
    # As the text of 6302 fixes it.
    "callType": ("02",),
}


def rows_of(output: Any, node: str) -> list[Mapping[str, Any]]:
    """The rows of a node of an answer."""
    found = output if node == "" else output.get(node)
    return [found] if isinstance(found, dict) else list(found or [])


def misfits(infno: str, output: Any, facts: Mapping[str, Any], dictionaries: Mapping[str, Any]) -> Iterator[str]:
    """What in an answer does not fit its fields."""
    for node, told in facts["output"].items():
        for row in rows_of(output, node):
            for field in told["fields"]:
                if wrong := misfit(row, field, dictionaries):
                    yield f"{infno} {node}.{field['name']} {wrong}"


def misfit(row: Mapping[str, Any], field: Mapping[str, Any], dictionaries: Mapping[str, Any]) -> str:
    """What is wrong with one field of a row; empty where nothing is. A code counts by its dictionary, not by its length."""
    name, known = field["name"], dictionaries.get(field["dict"] or "", {"values": ()})["values"]
    if name not in row:
        return "is missing"
    value = row[name]
    if value is None or value == "":
        return "is empty though required" if field["required"] else ""
    if field["type"] == "decimal":
        return "" if isinstance(value, int | Decimal) else f"is no number: {value!r}"
    if known and str(value) not in (*known, *BEYOND.get(field["dict"], ())):
        return f"is no code of {field['dict']}: {value}"
    if field["type"] == "string" and field["len"] and len(str(value)) > field["len"] and not known:
        return f"has {len(str(value))} characters and room for {field['len']}"
    return ""


async def played(town: Sandbox) -> list[tuple[str, Any]]:
    """Every answer that a hospital gets on the way through all transactions."""
    hospital = town.hospital
    start = len(hospital.journal)
    people = await town.newcomers.many(5)
    await journeys.out_patient(hospital, people[0])
    await journeys.in_patient(hospital, people[1])
    await journeys.filings(hospital, people[1])
    await hospital.register(people[2], journeys.with_token(await journeys.ec_token(hospital, people[2])))
    for infno in ("2206A", "2207A"):
        node = await hospital.open_visit(people[3], [Row(DRUG, 1, 1_000)])
        await hospital.done(infno, {"data": node})
    await paying.journey(hospital, people[4])
    await journeys.recognition(hospital, people[1], await journeys.ec_code(hospital, people[1]))
    await statements.journey(hospital, (await hospital.visit(people[0], journeys.BILL)).info)
    exchanges = [each for each in hospital.journal[start:] if each.text.startswith('{"infcode":0')]
    return [(each.name, each.answer.output or {}) for each in exchanges]


@pytest.mark.skipif(not INTERFACE.exists(), reason="the tables of the national interface do not lie beside the project")
async def test_every_answer_fits_the_fields_of_the_national_text(town: Sandbox) -> None:
    facts = json.loads(INTERFACE.read_text(encoding="utf-8"))
    dictionaries = json.loads(DICTIONARIES.read_text(encoding="utf-8"))
    answers = await played(town)
    served = {each.infno for method in Contract.of_mesh().methods.values() for each in method.transactions}
    unplayed = {infno for infno in served & facts.keys() if facts[infno]["output"]} - {infno for infno, _ in answers}
    assert unplayed == set()
    found = {
        text: None
        for infno, output in answers
        for text in misfits(infno, output, facts.get(infno.removesuffix("A"), facts.get(infno, NOTHING)), dictionaries)
    }
    assert list(found) == []


async def test_the_answer_that_undoes_a_stay_tells_what_was_undone(town: Sandbox) -> None:
    told = await journeys.in_patient(town.hospital, await town.newcomers.one())
    settled, undone = told["2304"].output["setlinfo"], told["2305"].output["setlinfo"]
    assert undone["crt_dedc"] == undone["act_pay_dedc"] == -settled["act_pay_dedc"]
    assert (undone["setl_type"], undone["insu_admdvs"], undone["begndate"], undone["enddate"]) == (
        *("2", "990100"),
        *(f"{town.clock().astimezone(BEIJING):%Y-%m-%d}",) * 2,
    )
    for name in ("psn_insu_rlts_id", "mdtrt_cert_no", "invono", "exp_content"):
        assert undone[name] is None


async def test_a_line_without_names_is_told_with_those_of_the_catalogue(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    mdtrt_id = await hospital.register(who)
    nodes: Any = hospital.lines(who, mdtrt_id, [Row(DRUG, 1, 1_000)])
    for name in ("medins_list_codg", "medins_list_name"):
        nodes["feedetail"][0].pop(name, None)
    await hospital.done("2204", nodes)
    told = (await hospital.done("5204", {"data": {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}})).output
    rows: Any = told["data"] if isinstance(told, dict) else told
    (row,) = rows
    assert row["medins_list_name"] == row["hilist_name"]
    assert row["medins_list_codg"] == DRUG
    for name in ("medins_list_name", "dosform_name", "list_type"):
        assert row[name]
    assert row["prodname"] is None


async def test_accumulations_have_codes_of_at_most_ten_characters_each_its_own(town: Sandbox) -> None:
    hospital, who = town.hospital, await town.newcomers.one()
    await hospital.visit(who, journeys.BILL)
    rows = (await hospital.done("5206", {"data": {"psn_no": who.psn_no}})).output["cuminfo"]
    codes = [row["cum_type_code"] for row in rows]
    assert len(set(codes)) == len(codes) >= 2
    assert all(0 < len(code) <= 10 for code in codes)
