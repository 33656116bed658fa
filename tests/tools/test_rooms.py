"""The import contract: a row is complete, the `*` of a row is one service, and no module may live outside the rooms."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from grimp import ImportGraph

from tools.rooms import RoomsContract
from tools.tidy import ROOT


def rows() -> dict[str, Any]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    found: dict[str, Any] = next(contract for contract in contracts if contract["type"] == "rooms")
    return found


def problems(*imports: tuple[str, str], alone: str = "") -> list[str]:
    graph = ImportGraph()
    for importer, imported in imports:
        for module in (importer, imported):
            if module not in graph.modules:
                graph.add_module(module)
        graph.add_import(importer=importer, imported=imported, line_number=7, line_contents="import it")
    if alone:
        graph.add_module(alone)
    contract = rows()
    options = {key: contract[key] for key in ("packages", "rows")}
    check = RoomsContract(contract["name"], {"root_packages": []}, options).check(graph, verbose=False)
    found: list[str] = check.metadata["problems"]
    assert check.kept == (not found)
    return found


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("services.settlement.domain.engine", "services.settlement.domain.bands"),
        ("services.settlement.domain.engine", "services.kernel.money"),
        ("services.settlement.domain.engine", "fractions"),
        ("services.settlement.store", "sqlalchemy"),
        ("services.settlement.operations", "asyncio"),
        ("services.settlement.operations", "services.settlement.store"),
        ("services.settlement.operations", "services.runtime.writes"),
        ("services.settlement.operations", "services.runtime.pieces"),
        ("services.settlement.operations.care", "services.settlement.domain.care.fees"),
        ("services.settlement.store", "services.runtime.pieces"),
        ("services.identity.store", "services.runtime.journal"),
        ("services.settlement.servicer", "yibao.settlement.v1.fee_pb2"),
        ("services.settlement.peers", "yibao.identity.v1.person_pb2_grpc"),
        ("services.settlement.wiring", "services.settlement.store"),
        ("services.runtime.outbound", "services.mesh"),
        ("gateway.app", "uvicorn"),
        ("tools.cli.case", "services.settlement.domain.engine"),
        ("services.payment.channels.wechat_words", "yibao.payment.v1.channel_pb2"),
        ("services.payment.channels.desk", "yibao.payment.v1.pay_order_pb2"),
        ("services.payment.channels.desk", "services.payment.domain.orders"),
    ],
)
def test_what_a_row_names_is_allowed(importer: str, imported: str) -> None:
    assert problems((importer, imported)) == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("services.kernel.money", "asyncio"),
        ("services.kernel.money", "msgspec"),
        ("services.settlement.domain.engine", "random"),
        ("services.settlement.domain.engine", "sqlalchemy"),
        ("services.settlement.domain.engine", "services.settlement.operations"),
        ("services.settlement.domain.engine", "services.identity.domain"),
        ("services.settlement.store", "services.runtime.outbound"),
        ("services.settlement.store", "grpc"),
        ("services.settlement.operations", "services.identity.store"),
        ("services.settlement.operations", "services.runtime.db"),
        ("services.settlement.operations", "services.runtime.call"),
        ("services.settlement.operations", "yibao.settlement.v1.fee_pb2"),
        ("services.settlement.operations.care.fees", "services.settlement.domain.books"),
        ("services.settlement.operations.care.fees", "services.settlement.domain.benefits"),
        ("services.settlement.operations.care.fees", "services.settlement.operations.books"),
        ("services.settlement.servicer", "services.settlement.store"),
        # A channel's adapter has no other messages than those of what a channel may be told, and no order.
        ("services.payment.channels.wechat_words", "yibao.payment.v1.fee_upload_pb2"),
        ("services.payment.channels.wechat_words", "yibao.payment.v1.pay_order_pb2"),
        ("services.payment.channels.alipay", "services.payment.domain.orders"),
        ("services.payment.channels.desk", "yibao.settlement.v1.fee_pb2"),
        ("services.settlement.servicer", "yibao.identity.v1.person_pb2"),
        ("services.settlement.wiring", "services.identity.wiring"),
        ("services.runtime.server", "services.settlement.wiring"),
        ("gateway.app", "services.settlement.servicer"),
        ("gateway.app", "sqlalchemy"),
        ("tools.cli.seed", "services.settlement.domain.engine"),
        ("tools.cli.case", "services.settlement.store"),
    ],
)
def test_what_a_row_does_not_name_is_refused(importer: str, imported: str) -> None:
    found = problems((importer, imported))
    assert len(found) == 1
    assert f"{importer}:7 may not import {imported}" in found[0]


def test_a_module_outside_every_room_is_refused() -> None:
    assert problems(alone="services.settlement.extras") == [
        "services.settlement.extras fits no room (rows of the import contract in pyproject.toml)"
    ]
