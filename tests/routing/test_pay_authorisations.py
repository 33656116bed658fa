"""Authorisations of payments across cells: good once, for one person at one institution, for minutes; they tell no person."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from services.kernel.authorisations import GOOD_S, digest_of
from services.kernel.errors import Fault
from services.routing.domain.hashes import Hasher
from services.routing.operations.authorisations import KEPT, Authorisations
from services.routing.store.unit import RoutingStore
from services.runtime.db import Database
from tests.routing.sagas import HOSPITAL, NOON, Ticking

PERSON = "99000000000000000001"


async def refused(operations: Authorisations, auth: str, psn_no: str, fixmedins_code: str, used_by: str) -> str:
    with pytest.raises(Fault) as raised:
        await operations.spend(auth, psn_no, fixmedins_code, used_by)
    return raised.value.reason


async def test_one_is_spent_for_one_order_and_forgotten_a_day_after_its_time(tmp_path: Path) -> None:
    clock, keys = Ticking(), [Hasher(b"one"), Hasher(b"before")]
    database = Database(f"sqlite:///{tmp_path / 'routing.sqlite'}", lambda: NOON)
    store = RoutingStore(database)
    await store.start()
    operations = Authorisations(store, clock, lambda: tuple(keys))
    auth = digest_of("AUTHu370000000000000000000001")
    assert await refused(operations, auth, PERSON, HOSPITAL, "order") == "PAY_AUTH_UNKNOWN"
    await operations.keep(auth, PERSON, HOSPITAL)
    assert await refused(operations, auth, "another", HOSPITAL, "order") == "PAY_AUTH_OF_ANOTHER"
    assert await refused(operations, auth, PERSON, "H11010000002", "order") == "PAY_AUTH_OF_ANOTHER"
    # The key has changed meanwhile: the one before still holds.
    keys.insert(0, Hasher(b"new"))
    until = await operations.spend(auth, PERSON, HOSPITAL, "order")
    await operations.keep(auth, PERSON, HOSPITAL)
    assert await operations.spend(auth, PERSON, HOSPITAL, "order") == until
    assert await refused(operations, auth, PERSON, HOSPITAL, "other") == "PAY_AUTH_SPENT"
    late = digest_of("AUTHu370000000000000000000002")
    await operations.keep(late, PERSON, HOSPITAL)
    clock.pass_by(GOOD_S)
    assert await refused(operations, late, PERSON, HOSPITAL, "order") == "PAY_AUTH_UNKNOWN"
    clock.pass_by(KEPT.total_seconds() + 1)
    await operations.keep(digest_of("another"), PERSON, HOSPITAL)
    async with database.write() as connection:
        rows = (await connection.execute(text("SELECT * FROM routing_authorisation"))).all()
    assert len(rows) == 1
    assert PERSON not in str(rows)
    await database.close()
