"""What a credential was shown with is kept in no store: whoever takes a backup finds no code, no token and no card's recognition
code that could be shown again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from services import mesh as table
from tests.mesh import journeys, paying
from tests.mesh.harness import Mesh, in_cell
from tests.mesh.hospital import Hospital
from tests.mesh.test_cells import THERE, shown_code
from tests.mesh.test_elsewhere import two_cells
from tools.played.messages import Patient

CARD_SN: Final = "RECOGNITION-CODE-OF-A-CARD"
SECRET: Final = frozenset(("card_sn", "ecToken", "ecQrCode", "payToken", "revsToken", "apiKey", "payAuthNo"))


def secrets_in(value: Any) -> Iterator[str]:
    """The secrets in messages and answers, however deep; a credential of type 01 is an ecToken."""
    if isinstance(value, Mapping):
        names = SECRET | {"mdtrt_cert_no"} if value.get("mdtrt_cert_type") == "01" else SECRET
        for name, inner in value.items():
            if name in names and isinstance(inner, str) and inner:
                yield inner
            else:
                yield from secrets_in(inner)
    elif isinstance(value, list):
        for each in value:
            yield from secrets_in(each)


def rows(mesh: Mesh) -> Iterator[tuple[str, bytes]]:
    """Every row of every store of a cell and of the nation: member and table, and all of its values."""
    for member in table.MESH:
        if not member.has_store:
            continue
        file = mesh.config.database_url(member.name).removeprefix("sqlite:///")
        with closing(sqlite3.connect(file)) as store:
            names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                for row in store.execute(f'SELECT * FROM "{name}"'):
                    yield f"{member.name}.{name}", b"\0".join(_bytes(value) for value in row)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


async def shown_by(hospital: Hospital, mesh: Mesh, who: Patient) -> dict[str, str]:
    """The token of a code that the person shows at the counter, and the recognition code of a card."""
    scanned = journeys.scan(hospital, await shown_code(mesh, who))
    return journeys.with_token(journeys.decoded(await hospital.done("6101", {"InData": scanned}))) | {
        "card_sn": CARD_SN
    }


async def played(hospital: Hospital, mesh: Mesh, who: Patient) -> None:
    """A visit, a stay and an order for which a person shows what the own cell made."""
    shown, rows = await shown_by(hospital, mesh, who), journeys.BILL[:1]
    await hospital.done("1101", {"data": shown})
    await hospital.visit(who, rows, shown)
    shown = await shown_by(hospital, mesh, who)
    mdtrt_id = await hospital.admit(who, shown)
    await hospital.done("2301", hospital.lines(who, mdtrt_id, rows))
    await hospital.discharge(who, mdtrt_id)
    bill = hospital.bill(who, mdtrt_id, rows, shown)
    await hospital.done("2303", {"data": bill})
    await hospital.settle(bill, "2304")
    token = (await shown_by(hospital, mesh, who))["mdtrt_cert_no"]
    saved, split = await paying.placed_by(hospital, who, "", ecToken=token)
    await paying.paid(hospital, saved)
    await hospital.done("6301", {"data": paying.named(hospital, saved, who)})
    await hospital.done("6203", {"data": paying.refund_of(saved, split, f"R{who.psn_no[-4:]}")})


async def test_no_store_keeps_what_a_credential_was_shown_with(tmp_path: Path) -> None:
    async with two_cells(tmp_path) as two:
        await paying.has_a_key(two.here)
        await played(two.here, two.mesh, two.local)
        await paying.paid(two.here, (await paying.placed(two.here, two.local))[0])
        await played(two.here, in_cell(two.mesh, THERE), two.resident)
        kept = [*rows(two.mesh), *rows(in_cell(two.mesh, THERE))]
        said = [[each.sent, json.loads(each.text)] for each in two.here.journal]
    secrets = set(secrets_in(said))
    assert CARD_SN in secrets
    assert len(secrets) >= 12
    places = {place for place, _ in kept}
    assert places >= {"settlement.encounter_entry", "settlement.settlement", "payment.pay_order", "routing.saga"}
    found = {(place, secret) for place, row in kept for secret in secrets if secret.encode() in row}
    assert found == set()
