"""A sandbox that starts again sends nothing again and says what stood; a refusal says what had been loaded before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.mesh.commands import Yibao, at
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.world import Sandbox
from tools.cli import seed, seeded
from tools.cli.mesh_client import MeshClient, MeshRefusal, Said

HEAD = "fixmedins_code,fixmedins_name,fixmedins_type,hosp_lv,admdvs,from_day,to_day"


class Listening(MeshClient):
    """A client that remembers which methods it called."""

    def __init__(self, url: str) -> None:
        super().__init__(url, OPERATOR_KEY)
        self.called: list[str] = []

    def call(self, method: str, request: Message, *given: Any, **named: Any) -> Any:
        """As the real one."""
        self.called.append(method.rpartition(".")[2])
        return super().call(method, request, *given, **named)


@pytest.fixture
def client(town: Sandbox) -> Iterator[Listening]:
    with Listening(town.mesh.url) as client:
        yield client


def institution(folder: Path, code: str) -> Path:
    """A table of one institution."""
    file = folder / "institutions.csv"
    file.write_text(f"{HEAD}\n{code},测试八八医院,1,3,990100,2020-01-01,\n", encoding="utf-8")
    return file


async def loaded(client: Listening, file: Path, note: Path) -> str:
    """What a start says."""
    return str(await asyncio.to_thread(seed.load, client, [file], note=seeded.Note(client, note)))


async def test_a_second_start_sends_nothing_again_and_says_what_stood(client: Listening, tmp_path: Path) -> None:
    first = await asyncio.to_thread(seed.load_samples, client, tmp_path)
    assert set(client.called) == {"Publish", "RegisterPartner", "IssueApiKey", "RegisterPersons", "OpenLedger"}
    client.called.clear()
    again = await asyncio.to_thread(seed.load_samples, client, tmp_path)
    assert client.called == ["ListAccumulators"]
    assert again == seed.Loaded(new=dict.fromkeys(first.new, 0), unchanged=first.new)
    assert str(again).startswith("loaded 0; unchanged 56 divisions")
    assert (tmp_path / seeded.FILE_NAME).stat().st_mode & 0o777 == 0o600


async def test_what_is_new_in_an_old_sandbox_is_loaded(client: Listening, tmp_path: Path) -> None:
    note = tmp_path / "note"
    assert await loaded(client, institution(tmp_path, "H99010000881"), note) == "loaded 1 institutions; unchanged 0"
    assert await loaded(client, institution(tmp_path, "H99010000882"), note) == "loaded 1 institutions; unchanged 0"
    assert await loaded(client, institution(tmp_path, "H99010000881"), note) == "loaded 0; unchanged 1 institutions"


@pytest.mark.parametrize("note", ["", "[1, 2]", "{}", "\x00", "no JSON"])
async def test_a_broken_note_is_none(client: Listening, tmp_path: Path, note: str) -> None:
    (tmp_path / "note").write_text(note, encoding="ascii")
    await loaded(client, institution(tmp_path, "H99010000883"), tmp_path / "note")
    assert client.called == ["Publish"]


def absent(_client: MeshClient) -> bool:
    raise MeshRefusal("ITEM_NOT_FOUND", Said("not there"))


@pytest.mark.parametrize("witness", [absent, lambda _client: False])
async def test_a_note_of_another_database_counts_for_nothing(
    client: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, witness: Callable[[MeshClient], bool]
) -> None:
    file, note = institution(tmp_path, "H99010000884"), tmp_path / "note"
    await loaded(client, file, note)
    monkeypatch.setattr(seeded, "WITNESSES", {**seeded.WITNESSES, "catalogue": witness})
    await loaded(client, file, note)
    assert client.called == ["Publish", "Publish"]


async def test_where_the_mesh_refuses_it_is_told_what_had_been_loaded(
    town: Sandbox, yibao: Yibao, tmp_path: Path
) -> None:
    institution(tmp_path, "H99010000885")
    other = (
        "ledgers:\n  - {psn_no: '99000000000000000001', insutype: '310', insuplc_admdvs: '990100', balance_fen: 7}\n"
    )
    (tmp_path / "other.yaml").write_text(other, encoding="utf-8")
    run = await yibao("seed", tmp_path, *at(town))
    assert (run.code, run.out) == (1, "")
    assert "until here: loaded 1 institutions; unchanged 0" in run.err
    assert "other.yaml" in run.err
    assert "line 2" in run.err
