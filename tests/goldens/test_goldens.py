"""Every answer of every scene is its golden, letter by letter. After a change that is meant: `python -m tests.goldens`, and read
the diff.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from gateway.national.transactions import Transactions, known_titles
from gateway.reference import national
from services.kernel.clock import BEIJING, to_micros
from services.runtime.contract import Contract
from tests.goldens import kept, letters
from tests.goldens.letters import Names, NotKept
from tests.goldens.scenes import SCENES

AGAIN: Final = "meant? python -m tests.goldens"
NOW: Final = datetime(2026, 6, 10, 10, 0, tzinfo=BEIJING)
NUMBER: Final = f"{to_micros(NOW)}0042"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def answered() -> dict[str, str]:
    """What all scenes are answered."""
    return await kept.played()


@pytest.mark.parametrize("scene", SCENES)
async def test_every_answer_of_a_scene_is_its_golden(scene: str, answered: dict[str, str]) -> None:
    before, now = (
        {name: text for name, text in each.items() if name.startswith(f"{scene}/")} for each in (kept.kept(), answered)
    )
    assert now, scene
    assert not (found := "".join(kept.differences(before, now))), f"{found}\n{AGAIN}"


def test_no_golden_is_left_of_a_scene_that_is_gone() -> None:
    assert {name.partition("/")[0] for name in kept.kept()} == SCENES.keys()


def tells(value: Any) -> bool:
    """Whether anything at all is told in a value, however deep."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(tells, inner)) if isinstance(value, dict | list) else value not in (None, "")


def test_every_served_transaction_has_a_golden_and_not_only_of_refusals_or_of_nothing() -> None:
    table = Transactions(Contract.of_mesh(), known_titles())
    silent = {each["infno"] for each in national.transactions(table, {}) if not each["output"]}
    told = set()
    for name, text in kept.kept().items():
        infno, golden = kept.transaction_of(name), json.loads(text)
        body = golden["body"] if golden["type"] != letters.FILE else {"infcode": 0, "output": golden["body"]}
        done = body.get("infcode", body.get("code")) == 0
        if done and (infno in silent or tells(body.get("output", body.get("data")))):
            told.add(infno)
    assert told == {each.infno for each in table.served}, "play it in tests/goldens/scenes.py"


class TestWhatIsHidden:
    """Only what differs from run to run, and only in its form."""

    @staticmethod
    def golden(step: str, body: str, names: Names | None = None) -> str:
        response = httpx.Response(200, headers={"content-type": "application/json"}, content=body.encode())
        text = (names or Names(NOW, lambda: NOW)).kept(step, response)
        return letters.written(letters.read_loosely(text)["body"])

    def test_a_number_that_the_mesh_made_is_named_by_where_it_first_stands(self) -> None:
        names = Names(NOW, lambda: NOW)
        assert self.golden("2201", f'{{"mdtrt_id":"{NUMBER}"}}', names) == '{"mdtrt_id":"<mdtrt_id of 2201>"}'
        later = self.golden("2207", f'{{"setl_id":"{NUMBER[:-1]}3","warn_msg":"就诊{NUMBER}。"}}', names)
        assert later == '{"setl_id":"<setl_id of 2207>","warn_msg":"就诊<mdtrt_id of 2201>。"}'

    def test_two_numbers_of_one_place_are_told_apart(self) -> None:
        rows = f'[{{"id":"{NUMBER}"}},{{"id":"{NUMBER[:-1]}3"}},{{"id":"{NUMBER}"}}]'
        assert self.golden("2204", rows) == '[{"id":"<id of 2204>"},{"id":"<id of 2204, 2>"},{"id":"<id of 2204>"}]'

    def test_a_number_of_another_moment_stands_as_it_is(self) -> None:
        for moment in (NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)):
            body = f'{{"mdtrt_id":"{to_micros(moment)}0042","psn_no":"99010000000000000001"}}'
            assert self.golden("2201", body) == body

    def test_the_serial_of_an_answer_is_hidden_and_its_region_and_second_are_not(self) -> None:
        body = '{"inf_refmsgid":"990100202606101000000000000001"}'
        assert self.golden("2201", body) == '{"inf_refmsgid":"99010020260610100000<serial>"}'
        for wrong in ("99010020260610100001000000001", "990100202606101000010000000001"):
            with pytest.raises(NotKept):
                self.golden("2201", f'{{"inf_refmsgid":"{wrong}"}}')

    def test_a_secret_of_another_form_is_no_golden(self) -> None:
        assert self.golden("6201", f'{{"payToken":"{"0a" * 16}"}}') == '{"payToken":"<payToken of 6201>"}'
        with pytest.raises(NotKept, match="payToken of 6201"):
            self.golden("6201", '{"payToken":"0a"}')

    def test_digits_blanks_escapes_and_names_said_twice_are_seen(self) -> None:
        body = '{"balc":-0.10,"hifp_pay":1.0,"cnt":2,"whole":1E+2,"none":null,"no":[],"text":"甲\\"乙"}'
        assert self.golden("2207", body) == body
        for other in ('{"balc": 1}', '{"text":"\\u7532"}', '{"balc":1,"balc":1}'):
            with pytest.raises(NotKept):
                self.golden("2207", other)


def test_writing_makes_the_folder_hold_what_is_answered_and_tells_what_changed(tmp_path: Path) -> None:
    first = {"visit/2207": "{\n1\n}\n", "visit/2208": "{\n2\n}\n", "stay/2304": "{\n3\n}\n"}
    assert sum(line.startswith("+") and not line.startswith("+++") for line in kept.write(first, tmp_path)) == 9
    assert kept.kept(tmp_path) == first
    assert kept.write(first, tmp_path) == []
    then = {"visit/2207": "{\n9\n}\n", "stay/2304": first["stay/2304"]}
    changed = [line for line in kept.write(then, tmp_path) if line[0] in "+-" and line[1] not in "+-"]
    assert changed == ["-1\n", "+9\n", "-{\n", "-2\n", "-}\n"]
    assert kept.kept(tmp_path) == then
