"""Encounters and entries on both databases: they come back as they were kept, and what must be unique is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.kernel.clock import to_micros
from services.kernel.requests import Moved, RequestStamp
from services.runtime.db import Database, insert_statement
from services.settlement.domain.benefits.outcome import MONEY_FIELDS
from services.settlement.domain.care.encounters import Encounter, EncounterFilter, Entry
from services.settlement.store import batch_books, care_batches, diagnoses, encounters, fees, own_books
from services.settlement.store.fees import EncounterBooks, FeeWriter
from services.settlement.store.schema import schema
from services.settlement.store.settlement_rows import SETTLEMENT_COLUMNS
from services.settlement.store.tables import SETTLEMENT
from tests.plans import scanned, statements_in
from tests.settlement.counter import BEGIN, SOMEBODY
from tests.settlement.world import HOSPITAL, OTHER_HOSPITAL, Ticking


@pytest.fixture(params=["sqlite", "postgresql"])
async def books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EncounterBooks]:
    """An empty store, on each database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'settlement.sqlite'}" if sqlite else request.getfixturevalue("postgres_database")
    database = Database(url, Ticking())
    await database.start(schema().metadata)
    yield EncounterBooks(database)
    await database.close()


def visit(mdtrt_id: str, **changes: object) -> Encounter:
    made = Encounter(
        mdtrt_id=mdtrt_id,
        fixmedins_code=HOSPITAL,
        psn_no=SOMEBODY,
        insutype="310",
        kind="visit",
        ipt_otp_no="N1",
        state="open",
        med_type="11",
        begin_at=BEGIN,
        end_at=None,
        insuplc_admdvs="990100",
        mdtrtarea_admvs="990100",
        mdtrt_cert_type="02",
        dise_codg="",
        dise_name="𬌗病",
        exp_content="",
        details=b"\x00details",
        created_at=BEGIN,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def entry(request_id: str, **changes: object) -> Entry:
    stamp = RequestStamp(HOSPITAL, request_id, "/s/RegisterVisit", "hash")
    made = Entry(f"E{request_id}", stamp, b"answer", "M1", "register", BEGIN)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


async def test_an_encounter_comes_back_as_it_was_kept(books: EncounterBooks) -> None:
    kept = visit("M1", end_at=BEGIN + timedelta(microseconds=1))
    async with books.writing() as writing:
        await writing.lock(SOMEBODY)
        await writing.add_encounter(kept)
    async with books.reading() as snapshot:
        assert await snapshot.encounter("M1") == kept
        assert await snapshot.encounter("M2") is None


async def test_the_insured_cell_of_an_encounter_is_kept_and_never_changes(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_encounter(visit("M1", insured_cell="990200"))
        await writing.add_encounter(visit("M2", ipt_otp_no="N2"))
        await writing.change_encounter(visit("M1", insured_cell="990300", exp_content="told"))
    async with books.reading() as snapshot:
        assert await snapshot.encounter("M1") == visit("M1", insured_cell="990200", exp_content="told")
        own = await snapshot.encounter("M2")
        assert own is not None
        assert own.insured_cell == ""


async def test_an_encounter_stands_as_it_was_last_changed(books: EncounterBooks) -> None:
    changed = visit("M1", state="discharged", end_at=BEGIN, med_type="14", details=b"more")
    async with books.writing() as writing:
        await writing.add_encounter(visit("M1"))
        await writing.change_encounter(changed)
    async with books.reading() as snapshot:
        assert await snapshot.encounter("M1") == changed


async def test_two_open_visits_of_one_number_cannot_stand(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_encounter(visit("M1"))
        await writing.add_encounter(visit("M2", state="cancelled"))
        await writing.add_encounter(visit("M3", fixmedins_code=OTHER_HOSPITAL))
    with pytest.raises(Moved):
        async with books.writing() as writing:
            await writing.add_encounter(visit("M4"))
    async with books.reading() as snapshot:
        found = await snapshot.open_visit(HOSPITAL, SOMEBODY, "N1")
        assert found is not None
        assert found.mdtrt_id == "M1"


async def test_a_person_has_one_open_stay_wherever_it_is(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_encounter(visit("M1", kind="stay"))
        await writing.add_encounter(visit("M2", kind="stay", state="discharged"))
    with pytest.raises(Moved):
        async with books.writing() as writing:
            await writing.add_encounter(visit("M3", kind="stay", fixmedins_code=OTHER_HOSPITAL, ipt_otp_no="N9"))
    async with books.reading() as snapshot:
        found = await snapshot.open_stay(SOMEBODY)
        assert found is not None
        assert found.mdtrt_id == "M1"
        assert await snapshot.open_stay("nobody") is None


async def test_a_request_id_stands_once_in_its_scope(books: EncounterBooks) -> None:
    other = replace(entry("1").stamp, scope=OTHER_HOSPITAL)
    async with books.writing() as writing:
        await writing.add_entry(entry("1"))
        await writing.add_entry(entry("1", entry_id="E2", stamp=other))
    with pytest.raises(Moved):
        async with books.writing() as writing:
            await writing.add_entry(entry("1", entry_id="E3"))
    async with books.reading() as snapshot:
        assert await snapshot.entry(HOSPITAL, "1") == entry("1")
        assert await snapshot.entry(HOSPITAL, "2") is None


async def test_a_transaction_that_fails_leaves_nothing(books: EncounterBooks) -> None:
    async def refused() -> None:
        async with books.writing() as writing:
            await writing.add_encounter(visit("M1"))
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        await refused()
    async with books.reading() as snapshot:
        assert await snapshot.encounter("M1") is None


async def test_encounters_are_listed_newest_first_without_cancelled_ones(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        for place in range(4):
            begun = BEGIN + timedelta(days=place)
            state = "cancelled" if place == 1 else "open"
            await writing.add_encounter(visit(f"M{place}", ipt_otp_no=f"N{place}", begin_at=begun, state=state))
    wanted = EncounterFilter(HOSPITAL, SOMEBODY, BEGIN, BEGIN + timedelta(days=2))
    async with books.reading() as snapshot:
        assert [found.mdtrt_id for found in await snapshot.encounters(wanted, 10)] == ["M2", "M0"]
        assert [found.mdtrt_id for found in await snapshot.encounters(wanted, 1)] == ["M2"]
        assert await snapshot.encounters(replace(wanted, med_type="21"), 10) == []
        (only,) = await snapshot.encounters(replace(wanted, mdtrt_id="M0"), 10)
        assert only.mdtrt_id == "M0"


async def test_a_settlement_counts_as_later_only_after_the_last_discharge(books: EncounterBooks) -> None:
    async with books.writing() as writing:
        await writing.add_encounter(visit("M1", kind="stay", state="discharged"))
        await writing.add_entry(entry("1", kind="discharge"))
        await keep(writing, settled(BEGIN - timedelta(days=1)))
    async with books.reading() as snapshot:
        assert not await snapshot.settled_since_discharge("M1")
    async with books.writing() as writing:
        await keep(writing, settled(BEGIN + timedelta(hours=1), setl_id="S2", ledger_seq=2))
    async with books.reading() as snapshot:
        assert await snapshot.settled_since_discharge("M1")


async def test_no_look_up_of_encounters_fees_or_books_reads_a_whole_table(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'plan.sqlite'}", lambda: BEGIN)
    await database.start(schema().metadata)
    assert (
        await scanned(
            database,
            [
                each
                for module in (encounters, diagnoses, fees, care_batches, batch_books, own_books)
                for each in statements_in(module)
            ],
        )
        == []
    )
    await database.close()


async def keep(writing: FeeWriter, row: tuple[object, ...]) -> None:
    connection = writing._connection
    await connection.insert(insert_statement(SETTLEMENT, connection.dialect, SETTLEMENT_COLUMNS), [row])


def settled(
    at: datetime, setl_id: str = "S1", *, ledger_seq: int | None = 1, batches: str = '["B1"]', **changes: object
) -> tuple[object, ...]:
    """A settlement of nothing, which adds up; `batches` is the JSON text of the fee batches that it keeps."""
    values: dict[str, object] = {
        "setl_id": setl_id,
        "scope": HOSPITAL,
        "request_id": setl_id,
        "rpc": "/s/SettleStay",
        "content_hash": "hash",
        "response": b"",
        "kind": "settle",
        "state": "standing",
        "reverses": None,
        "mdtrt_id": "M1",
        "psn_no": SOMEBODY,
        "insutype": "310",
        "insuplc_admdvs": "990100",
        "benefit_year": "2025",
        "ledger_seq": ledger_seq,
        "med_type": "21",
        "setl_at": to_micros(at),
        "ec_token_digest": None,
        "msgid": setl_id,
        "opter": "",
        "opter_name": "",
        "invono": "",
        "policies_json": "[]",
        "fee_batches_json": batches,
        "record": b"",
        "preselfpay_in_base": 0,
        **dict.fromkeys(MONEY_FIELDS, 0),
        "pool_prop_selfpay_e4": 0,
        "hash_version": 2,
        "regions": "990100/990100",
        "insured_cell": "",
        "basis": "",
        "replays": None,
        **changes,
    }
    return tuple(values[name] for name in SETTLEMENT_COLUMNS)
