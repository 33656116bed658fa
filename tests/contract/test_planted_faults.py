"""The contract tests bite: every fault that is planted into a running mesh is found by the check that has to find it."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from services.runtime.call import Role
from services.runtime.inbound import Inbound
from services.runtime.logs import write
from tests.contract import checks
from tests.contract.bench import Bench
from tests.contract.checks_privacy import check_personal_data
from tests.contract.explore import Explorer
from tests.contract.faces import Faces, GrpcFace, Watched
from tests.contract.faults_members import ignore_sandbox_only
from tests.contract.planting import PLANTED, Planted
from tools.played.people import person

# A second world has to be found out for them, which takes a minute: the check of the checks is no part of `make test`.
pytestmark = pytest.mark.torture

SANDBOX_METHOD = "yibao.settlement.v1.LedgerService.OpenLedger"
SETTLE = "yibao.settlement.v1.SettlementService.Settle"
GET_PERSON = "yibao.identity.v1.PersonService.GetPerson"


@pytest.mark.parametrize("planted", PLANTED, ids=lambda each: each.fault.replace(" ", "-"))
async def test_a_planted_fault_is_found(faulty_bench: Bench, planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    for name in planted.methods:
        method = faulty_bench.mesh.contract.method(f"yibao.{name}")
        findings = await planted.check(faulty_bench.faces(planted.face), method, faulty_bench.explorer)
        assert findings, f"{planted.fault}: not found on {name}"


async def test_a_member_that_forgets_the_sandbox_is_found(outside: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    ignore_sandbox_only(monkeypatch)
    assert isinstance(outside.face, GrpcFace)
    method = outside.face.mesh.contract.method(SANDBOX_METHOD)
    assert await checks.check_sandbox_only(Faces(outside.face, outside.face), method, outside)


@pytest.mark.parametrize("where", ["spans", "log"])
async def test_personal_data_in_a_span_or_a_log_line_is_found(
    faulty_bench: Bench, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Inbound.observe

    def observe(self: Inbound, span: Any, unary: Any, request: Any, response: Any, status: Any) -> None:
        if where == "spans":
            span.set_attribute("yibao.queue", f"of {request.psn_no}")
        else:
            write(logging.getLogger("yibao.access"), logging.INFO, "call", {"request_id": f"{request.psn_no}-1"})
        real(self, span, unary, request, response, status)

    watched = Watched()
    face = GrpcFace(faulty_bench.mesh, watched)
    method = faulty_bench.mesh.contract.method(GET_PERSON)
    number = {"spans": 7, "log": 8}[where]
    request = method.request_class(psn_no=person(number).psn_no)
    caller = faulty_bench.explorer.world.episode(stranger=True).caller(Role.OPERATOR)
    await face.call(method, request, caller)
    before = check_personal_data(faulty_bench.mesh.traces().all_spans(), faulty_bench.log.getvalue(), watched)
    monkeypatch.setattr(Inbound, "observe", observe)
    await face.call(method, request, caller)
    after = check_personal_data(faulty_bench.mesh.traces().all_spans(), faulty_bench.log.getvalue(), watched)
    assert before == []
    assert {each.face for each in after} == {where}


async def test_half_a_booking_is_found(faulty_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    file = faulty_bench.mesh.config.data_dir / "settlement.sqlite"

    def shift_last_balance(fen: int) -> None:
        newest = "SELECT max(rowid) FROM posting WHERE balance_after IS NOT NULL"
        with closing(sqlite3.connect(file, timeout=5.0)) as connection:
            connection.execute(f"UPDATE posting SET balance_after = balance_after + ? WHERE rowid = ({newest})", (fen,))
            connection.commit()

    method = faulty_bench.mesh.contract.method(SETTLE)
    assert await checks.check_ledger(faulty_bench.faces("grpc"), method, faulty_bench.explorer) == []
    shift_last_balance(1)
    findings = await checks.check_ledger(faulty_bench.faces("grpc"), method, faulty_bench.explorer)
    shift_last_balance(-1)
    assert findings


def test_at_least_sixteen_faults_are_planted() -> None:
    assert len({each.plant for each in PLANTED}) >= 16
