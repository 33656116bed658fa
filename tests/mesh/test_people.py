"""Who stands at the counter: any certificate finds its person, names are compared as people write them, enrolments tell what
they are.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.mesh.hospital import DRUG
from tests.mesh.world import Sandbox
from tools.played.messages import Patient, Row

VISITOR = Patient("99000000000000000801", "TEST VISITOR", "E99000801")
PERMIT = Patient("99000000000000000802", "港测乙", "H99000802")
NAMESAKE = Patient("99000000000000000803", "OTHER VISITOR", "H99000802")
DOTTED = Patient("99000000000000000804", "测试·丙", "990000198207158041")
PASSPORT = {"psn_cert_type": "08", "certno": "E99000801"}


def shown(mdtrt_cert_type: str, mdtrt_cert_no: str = "", **more: str) -> dict[str, str]:
    """A credential as clients send it."""
    return {"mdtrt_cert_type": mdtrt_cert_type, "mdtrt_cert_no": mdtrt_cert_no, **more}


@pytest.mark.parametrize(
    "node",
    [
        shown("02", "E99000801", **PASSPORT, psn_name="TEST VISITOR"),
        shown("02", "ｅ99000801 ", psn_cert_type="8", certno="e99000801", psn_name=" Test Visitor"),
        shown("02", "E99000801", psn_cert_type="08"),
        shown("99", "", **PASSPORT),
        shown("99", "E99000801", **PASSPORT),
        shown("", "", **PASSPORT),
        PASSPORT,
        {"certno": "E99000801"},
    ],
)
async def test_1101_finds_a_passport_by_type_and_number(town: Sandbox, node: dict[str, str]) -> None:
    told = (await town.hospital.done("1101", {"data": node})).output["baseinfo"]
    assert (told["psn_no"], told["psn_cert_type"], told["certno"]) == (VISITOR.psn_no, "08", "E99000801")


async def test_a_number_under_two_types_is_decided_by_the_type_and_never_picked(town: Sandbox) -> None:
    hospital = town.hospital
    for who, cert_type in ((PERMIT, "04"), (NAMESAKE, "08")):
        for node in (shown("02", who.certno, psn_cert_type=cert_type), shown("99", "", psn_cert_type=cert_type)):
            node["certno"] = who.certno
            told = (await hospital.done("1101", {"data": node})).output["baseinfo"]
            assert told["psn_no"] == who.psn_no
    answer = await hospital.send("1101", {"data": {"certno": PERMIT.certno}})
    assert answer.message.startswith("[CERTIFICATE_AMBIGUOUS] ")
    assert "data.psn_cert_type" in answer.message
    assert await hospital.refused("1101", {"data": shown("02", PERMIT.certno)}) == "PERSON_NOT_FOUND"


@pytest.mark.parametrize(
    "how", [shown("02", "E99000801"), shown("99", "", **PASSPORT), shown("02", "e99000801", **PASSPORT)]
)
async def test_a_passport_serves_a_whole_visit_and_a_stay(town: Sandbox, how: dict[str, str]) -> None:
    hospital = town.hospital
    node = await hospital.open_visit(VISITOR, [Row(DRUG, 1, 1_000)], how)
    await hospital.done("2206", {"data": node})
    info = (await hospital.settle(node)).info
    assert (info["psn_no"], info["mdtrt_cert_type"], info["certno"]) == (VISITOR.psn_no, "02", "E99000801")
    mdtrt_id = await hospital.admit(VISITOR, how)
    times = {"begntime": hospital.moment(-2), "endtime": hospital.moment(2), "mdtrt_id": mdtrt_id}
    (stay,) = (await hospital.done("5201", {"data": {"psn_no": VISITOR.psn_no, **times}})).output["mdtrtinfo"]
    assert (stay["psn_no"], stay["mdtrt_cert_type"]) == (VISITOR.psn_no, "02")
    await hospital.done("2404", {"data": {"mdtrt_id": mdtrt_id, "psn_no": VISITOR.psn_no}})


@pytest.mark.parametrize(
    ("infno", "node", "reason", "path"),
    [
        ("1101", shown("02", "E99000899", psn_cert_type="08"), "PERSON_NOT_FOUND", "data.mdtrt_cert_no"),
        ("1101", shown("99", "", psn_cert_type="08", certno="E99000899"), "PERSON_NOT_FOUND", "data.certno"),
        ("1101", shown("03", "C99999999"), "PERSON_NOT_FOUND", "data.mdtrt_cert_no"),
        ("1101", shown("02", "E99000801", **PASSPORT, psn_name="别人"), "NAME_MISMATCH", "data.psn_name"),
        ("1101", shown("99"), "INVALID_REQUEST", "data.mdtrt_cert_no"),
        ("5206", {"psn_no": "nobody"}, "PERSON_NOT_FOUND", "data.psn_no"),
    ],
)
async def test_a_refusal_names_the_field_that_was_looked_at(
    town: Sandbox, infno: str, node: dict[str, str], reason: str, path: str
) -> None:
    answer = await town.hospital.send(infno, {"data": node})
    assert answer.message.startswith(f"[{reason}] ")
    assert f"：{path} " in answer.message


async def test_a_visit_of_another_persons_certificate_is_refused_by_its_field(town: Sandbox) -> None:
    hospital = town.hospital
    for how, path in (
        (shown("02", PERMIT.certno, psn_cert_type="04"), "data.mdtrt_cert_no"),
        (shown("99", "", psn_cert_type="04", certno=PERMIT.certno), "data.certno"),
        (shown("02", VISITOR.certno, psn_cert_type="04", certno=PERMIT.certno), "data.certno"),
    ):
        node = {"psn_no": VISITOR.psn_no, "insutype": "310", "begntime": hospital.moment(), "ipt_otp_no": "V1", **how}
        answer = await hospital.send("2201", {"data": node})
        assert answer.message.startswith("[CERTIFICATE_MISMATCH] ")
        assert path in answer.message
    nothing = {"psn_no": VISITOR.psn_no, "insutype": "310", "begntime": hospital.moment(), "ipt_otp_no": "V1"}
    answer = await hospital.send("2201", {"data": nothing})
    assert "data.mdtrt_cert_no" in answer.message


@pytest.mark.parametrize("dot", "·•・‧.．･")
async def test_the_dot_of_a_name_is_one_dot_however_it_is_written(town: Sandbox, dot: str) -> None:
    node = shown("02", DOTTED.certno, psn_cert_type="01", certno="", psn_name=f"测试{dot}丙")
    told = (await town.hospital.done("1101", {"data": node})).output
    assert told["baseinfo"]["psn_name"] == "测试·丙"


async def test_1101_tells_identities_with_their_degree(town: Sandbox) -> None:
    (held,) = (await town.hospital.done("1101", {"data": DOTTED.id_card})).output["idetinfo"]
    known = ("2308", "2", "残疾证", "2020-01-01 00:00:00", None)
    assert tuple(held[name] for name in ("psn_idet_type", "psn_type_lv", "memo", "begntime", "endtime")) == known


@pytest.mark.parametrize(
    ("certno", "begntime", "status", "paused"),
    [
        ("990000198802099029", "", "4", "2020-12-31"),
        ("990000198802099029", "2019-05-01 08:00:00", "1", None),
        ("990000198801099019", "", "2", "2010-01-01"),
        ("990000199001010011", "", "1", None),
    ],
)
async def test_1101_tells_what_an_enrolment_is_on_the_day(
    town: Sandbox, certno: str, begntime: str, status: str, paused: str | None
) -> None:
    node: dict[str, Any] = shown("02", certno) | {"begntime": begntime}
    (row,) = (await town.hospital.done("1101", {"data": node})).output["insuinfo"]
    assert (row["psn_insu_stas"], row["paus_insu_date"]) == (status, paused)
