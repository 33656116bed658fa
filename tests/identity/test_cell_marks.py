"""Codes and ecTokens in two cells: each checks its own, and refuses another's without looking anything up."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import pytest

from services.cells import SANDBOX
from services.identity.domain.verification import CertType, Query, Verified
from services.identity.operations.credentials import Activation, CredentialOperations
from services.identity.store.unit import IdentityStore
from services.kernel.clock import from_micros
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.runtime.db import Database
from tests.identity.people import NOON, TODAY, Dice, person, record

HERE, THERE = "110000", "370000"
HOSPITAL = "H99010000001"
DUMP = Path(__file__).parents[1] / "mesh" / "stores" / "0.1.0"
SHOWN_AT = from_micros(1781056807992923)
"""When the release that was dumped showed the code that nobody scanned."""


class Untouchable(IdentityStore):
    """A store in which nothing may be looked up."""

    def __init__(self) -> None:
        """Without a database."""

    def write(self) -> NoReturn:
        """Fails."""
        raise AssertionError("a transaction was opened")

    read = write


@dataclass(frozen=True, slots=True)
class Counter:
    """What a test does in one cell."""

    operations: CredentialOperations

    async def show(self) -> str:
        """A code of the first person, whose credential is activated before."""
        asked = Activation("APP", person(1).psn_name, "01", person(1).certno)
        await self.operations.activate(RequestStamp("APP", "a1", "/s/Activate", "a"), asked, NOON, lambda _: b"")
        return (await self.operations.show_code(person(1).psn_no, "APP", NOON))[0]

    async def decode(self, code: str, now: datetime = NOON, request_id: str = "6101:m1") -> str:
        """The token of a scanned code."""
        stamp = RequestStamp(HOSPITAL, request_id, "/s/DecodeCode", code)
        return (await self.operations.decode(stamp, HOSPITAL, code, now, lambda _: b"who"))[1]

    async def verify(self, *tokens: str, now: datetime = NOON, **asked: Any) -> list[str]:
        """Whose the tokens are, or why not."""
        query = Query(CertType.EC, "", "", "", "", "", HOSPITAL, "", TODAY, now)
        queries = [replace(query, cert_no=token, **asked) for token in tokens]
        answers = await self.operations.verify(queries)
        return [each.person.psn_no if isinstance(each, Verified) else refusal(each) for each in answers]


def refusal(fault: Fault) -> str:
    """Everything that a refusal tells."""
    told = [f"{name}={value}" for name, value in fault.metadata.items()]
    return " ".join([fault.reason, *told, *map(str, fault.violations)])


def counter(store: IdentityStore, cell: str, seed: int = 0) -> Counter:
    """The operations of a cell on a store."""
    ids = count(1)
    return Counter(CredentialOperations(store, lambda _: str(next(ids)), Dice(seed), lambda: [cell.encode()], cell))


async def refused(counter_of_cell: Counter, code: str, request_id: str = "6101:m9") -> str:
    """Why a code is not decoded."""
    with pytest.raises(Fault) as caught:
        await counter_of_cell.decode(code, request_id=request_id)
    return refusal(caught.value)


@pytest.fixture
async def here(store: IdentityStore) -> Counter:
    """A cell that knows two persons."""
    async with store.write() as work:
        await work.persons.add([record(1), record(2)])
    return counter(store, HERE)


async def test_another_cell_refuses_code_and_token_before_any_look_up_and_names_the_cell_alone(here: Counter) -> None:
    there, sandbox = counter(Untouchable(), THERE), counter(Untouchable(), SANDBOX)
    code = await here.show()
    for other in (there, sandbox):
        assert await refused(other, code) == f"CREDENTIAL_OF_ANOTHER_CELL cell={HERE}"
    token = await here.decode(code)
    assert (len(code), len(token)) == (28, 40)
    for other in (there, sandbox):
        beside: dict[str, Any] = {"certno": person(2).certno, "psn_no": person(1).psn_no}
        assert await other.verify(token, **beside) == [f"CREDENTIAL_OF_ANOTHER_CELL cell={HERE}"]
    assert await here.verify(token) == [person(1).psn_no]
    assert await here.decode(code) == token


async def test_in_a_batch_the_token_of_another_cell_is_its_own_querys_matter(here: Counter) -> None:
    token = await here.decode(await here.show())
    foreign = "u" + THERE + token[7:]
    assert await here.verify(foreign, token, "0" * 40, "0" * 39, token) == [
        f"CREDENTIAL_OF_ANOTHER_CELL cell={THERE}",
        person(1).psn_no,
        f"CREDENTIAL_OF_ANOTHER_CELL cell={SANDBOX}",
        "EC_TOKEN_UNKNOWN",
        person(1).psn_no,
    ]


async def test_a_code_or_token_whose_mark_was_changed_is_good_nowhere(here: Counter, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'there.sqlite'}", lambda: NOON)
    store = IdentityStore(database)
    await store.start()
    async with store.write() as work:
        await work.persons.add([record(1)])
    there, code = counter(store, THERE, seed=100), await here.show()
    await there.show()
    moved = code.replace(HERE, THERE)
    assert await refused(here, moved) == f"CREDENTIAL_OF_ANOTHER_CELL cell={THERE}"
    assert await refused(there, moved) == "CODE_UNKNOWN"
    token = await here.decode(code)
    moved = token.replace(HERE, THERE)
    assert await here.verify(moved) == [f"CREDENTIAL_OF_ANOTHER_CELL cell={THERE}"]
    assert await there.verify(moved) == ["EC_TOKEN_UNKNOWN"]
    await database.close()


async def test_codes_and_tokens_of_the_last_release_are_good_in_the_sandbox_and_known_as_its_elsewhere(
    tmp_path: Path,
) -> None:
    journal = json.loads((DUMP / "sqlite.journal.json").read_text(encoding="utf-8"))
    answers = [(each["name"], json.loads(each["answer"])) for each in journal]
    code = [answer["ecQrCode"] for name, answer in answers if name == "/v1/credentials:showCode" if answer][-1]
    token = next(answer["output"]["OutData"]["ecToken"] for name, answer in answers if name == "6101")
    with closing(sqlite3.connect(tmp_path / "identity.sqlite")) as dumped:
        dumped.executescript((DUMP / "identity.sqlite.sql").read_text(encoding="utf-8"))
    now = SHOWN_AT + timedelta(seconds=30)
    database = Database(f"sqlite:///{tmp_path / 'identity.sqlite'}", lambda: now)
    store = IdentityStore(database)
    await store.start()
    sandbox, elsewhere = counter(store, SANDBOX), counter(Untouchable(), HERE)
    assert await refused(elsewhere, code) == f"CREDENTIAL_OF_ANOTHER_CELL cell={SANDBOX}"
    assert await elsewhere.verify(token, now=now) == [f"CREDENTIAL_OF_ANOTHER_CELL cell={SANDBOX}"]
    assert await sandbox.verify(token, now=now) == ["9901000000001002"]
    fresh = await sandbox.decode(code, now, "6101:after the upgrade")
    assert await sandbox.verify(fresh, now=now) == ["9901000000001008"]
    await database.close()
