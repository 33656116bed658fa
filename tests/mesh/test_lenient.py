"""Messages as the national text wants them are answered without a warning, from the first of a day to its last."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.mesh import journeys
from tests.mesh.world import Sandbox
from tools.cli.mesh_client import NationalAnswer

# What these answers tell is what happened to a settlement, not what their message lacks.
OF_REVERSALS = {"2208", "2305"}


def lenient(answers: Mapping[str, NationalAnswer]) -> dict[str, str]:
    """The warnings of a journey."""
    told = {name: str(answer.body["warn_msg"] or "") for name, answer in answers.items()}
    return {name: text for name, text in told.items() if text and not (name in OF_REVERSALS and "LENIENT" not in text)}


async def test_a_visit_as_the_text_has_it_is_never_warned_about(town: Sandbox) -> None:
    assert lenient(await journeys.out_patient(town.hospital, await town.newcomers.one())) == {}


async def test_a_stay_as_the_text_has_it_is_never_warned_about(town: Sandbox) -> None:
    assert lenient(await journeys.in_patient(town.hospital, await town.newcomers.one())) == {}


async def test_a_day_without_a_sign_in_is_told_of_it(town: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.hospital, "sign_no", "")
    who = await town.newcomers.one()
    query = who.id_card | {"psn_cert_type": "01", "certno": who.certno, "psn_name": who.name}
    answer = await town.hospital.done("1101", {"data": query})
    assert answer.body["warn_msg"] == "[LENIENT] 共1处与规范不符：sign_no 未填签到编号"
