"""Cells: whose division is whose, where their members stand, and that no key and no channel leads from one to another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services import cells, mesh
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller, Role
from services.runtime.config import Config, ConfigError, check_databases
from services.runtime.keys import Keys
from services.runtime.outbound import Peers
from services.runtime.telemetry import Telemetry

KEY = "the mesh key of these tests of cells, long"
NEW = "the next mesh key of these tests, as long"
BEIJING, SHANDONG = "110000", "370000"
NOW = datetime(2026, 3, 5, tzinfo=UTC)
SHOP = Caller(Role.INSTITUTION, "H11010100901", sandbox=True)
EVERY_CELL = cells.codes()
OF_CELLS = [entry.name for entry in mesh.MESH if not entry.national]


def signer(seat: str, *mesh_keys: str) -> TokenSigner:
    return TokenSigner(Keys(mesh_keys or (KEY,)).of(seat), lambda: NOW)


def peers(member: str, cell: str, tmp_path: Path) -> Peers:
    config = Config.load(
        {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path), "YIBAO_CELLS": f"{BEIJING},{SHANDONG}"}
    )
    own = config.of_cell(cell)
    return Peers(member, own, signer(mesh.seat_name(member, cell)), Telemetry(member, own))


class TestTables:
    @pytest.mark.parametrize(
        ("division", "code"),
        [("110101", BEIJING), ("119900", BEIJING), ("310115", "310000"), ("370102", SHANDONG), ("378800", SHANDONG)],
    )
    def test_a_division_belongs_to_the_cell_of_its_province(self, division: str, code: str) -> None:
        assert cells.of_division(division) == code
        assert cells.of_institution(f"H{division}00001") == code

    @pytest.mark.parametrize("division", ["330100", "990100", "1", "", "011000"])
    def test_every_other_division_is_the_sandboxs(self, division: str) -> None:
        assert cells.of_division(division) == cells.SANDBOX

    def test_no_two_seats_share_a_port_and_the_sandboxs_are_those_of_the_mesh_table(self) -> None:
        seats = mesh.seats(EVERY_CELL)
        assert len({seat.port for seat in seats}) == len(seats) == len(OF_CELLS) * len(EVERY_CELL) + 3
        assert {seat.name: seat.port for seat in mesh.seats()} == {entry.name: entry.port for entry in mesh.MESH}

    def test_every_seat_stands_after_all_that_it_calls(self) -> None:
        order = [seat.name for seat in mesh.seats(EVERY_CELL)]
        assert all(order.index(callee) < order.index(caller) for caller, callee in mesh.seat_edges(EVERY_CELL))

    def test_from_one_cell_to_another_only_routing_leads(self) -> None:
        crossing = {entry.name for entry in mesh.MESH if entry.national and set(entry.calls) & set(OF_CELLS)}
        assert crossing == {"routing"}
        place = {seat.name: seat for seat in mesh.seats(EVERY_CELL)}
        edges = [(place[caller], place[callee]) for caller, callee in mesh.seat_edges(EVERY_CELL)]
        for caller, callee in edges:
            assert caller.cell == callee.cell or caller.member.national or callee.member.national
        for name in ("identity", "settlement"):
            reached = {
                callee.cell for caller, callee in edges if (caller.name, callee.member.name) == ("routing", name)
            }
            assert reached == set(EVERY_CELL)

    def test_nothing_in_a_cell_calls_routing_but_its_gateway_and_payment(self) -> None:
        callers = {caller for caller, callee in mesh.edges() if callee == "routing"}
        assert callers & set(OF_CELLS) == {mesh.GATEWAY, "payment"}
        assert "routing" not in mesh.settling()


class TestSettings:
    def test_a_mesh_without_settings_is_the_sandboxs_cell_with_its_files_and_names(self) -> None:
        config = Config.load({})
        assert (config.cell, config.known_cells, config.started_cells) == (cells.SANDBOX, ("sandbox",), ("sandbox",))
        for seat in mesh.seats(config.started_cells):
            assert seat.name == seat.member.name
            if seat.member.has_store:
                assert config.database_url(seat.name) == f"sqlite:///var/{seat.name}.sqlite"

    def test_a_cell_has_addresses_ports_and_files_of_its_own_and_shares_what_is_national(self) -> None:
        here = Config.load({"YIBAO_CELLS": f"sandbox,{BEIJING}", "YIBAO_110000_SETTLEMENT_ADDRESS": "far:1"})
        there = here.of_cell(BEIJING)
        assert (here.address("settlement"), there.address("settlement")) == ("127.0.0.1:7413", "far:1")
        assert (there.address("identity"), there.address("catalogue")) == ("127.0.0.1:7511", "127.0.0.1:7412")
        assert (there.integer("YIBAO_GATEWAY_PORT"), there.operations_port) == (7500, 7501)
        assert there.database_url("identity") == "sqlite:///var/cells/110000/identity.sqlite"
        assert there.database_url("routing") == here.database_url("routing")
        assert there.named("YIBAO_GATEWAY_PORT") == "YIBAO_110000_GATEWAY_PORT"

    def test_a_cell_may_run_alone_and_know_of_others(self) -> None:
        config = Config.load({"YIBAO_CELL": BEIJING, "YIBAO_CELLS": f"{BEIJING},{SHANDONG}"})
        assert (config.cell, config.started_cells, config.known_cells) == (BEIJING, (BEIJING,), (BEIJING, SHANDONG))
        assert Config.load({"YIBAO_CELL": BEIJING}).known_cells == (BEIJING,)

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"YIBAO_CELLS": "110000,999999"}, "cells with commas, out of sandbox, 110000"),
            ({"YIBAO_CELL": "nowhere"}, "a cell: sandbox, 110000"),
            ({"YIBAO_CELL": "310000", "YIBAO_CELLS": "110000"}, "310000 is none of YIBAO_CELLS"),
            ({"YIBAO_330000_GATEWAY_PORT": "1"}, "no such setting"),
        ],
    )
    def test_a_cell_that_the_table_lacks_is_a_wrong_setting(self, given: dict[str, str], told: str) -> None:
        with pytest.raises(ConfigError, match=told):
            Config.load(given)

    def test_two_cells_never_share_a_database(self) -> None:
        two = {"YIBAO_CELLS": f"sandbox,{BEIJING}"}
        shared = Config.load(two | {"YIBAO_DATABASE_URL": "postgresql://h/all"})
        with pytest.raises(ConfigError, match="would share a database of identity"):
            check_databases(shared, ["identity", "routing"])
        # What is national has one database, whichever cells there are.
        check_databases(shared, ["catalogue", "routing"])
        by_member = Config.load(two | {"YIBAO_DATABASE_URL": "postgresql://h/{member}"})
        assert by_member.database_url("identity") == "postgresql://h/identity"
        assert by_member.of_cell(BEIJING).database_url("identity") == "postgresql://h/110000_identity"
        check_databases(by_member, mesh.names())
        by_cell = Config.load(two | {"YIBAO_DATABASE_URL": "postgresql://h/{cell}"})
        assert [by_cell.of_cell(code).database_url("identity") for code in by_cell.known_cells] == [
            "postgresql://h/sandbox",
            "postgresql://h/110000",
        ]
        assert by_cell.database_url("routing") == "postgresql://h/national"


class TestKeys:
    def test_no_two_cells_have_a_key_in_common(self) -> None:
        keys, seen = Keys([KEY]), list[bytes]()
        for code in EVERY_CELL:
            for name in mesh.callers():
                (held,) = keys.of(f"{code}/{name}")
                seen += [held.own] if held.own else []
                seen += held.calls.values()
        assert len(set(seen)) == len(seen)

    def test_a_member_of_a_cell_holds_keys_of_its_cell_and_a_national_one_of_each(self) -> None:
        keys = Keys([KEY])
        for name in mesh.names():
            held = {each.cell for each in keys.of(mesh.seat_name(name, BEIJING))}
            assert held == (set(EVERY_CELL) if mesh.is_national(name) else {BEIJING})

    def test_what_is_handed_out_for_a_cell_says_so_and_holds_nothing_of_another(self) -> None:
        whole = Keys([KEY])
        line = whole.text([f"{BEIJING}/routing", f"{BEIJING}/settlement"])
        alone = Keys([line])
        assert all(word.startswith(f"{BEIJING}/") for word in line.split())
        assert alone.of(f"{BEIJING}/settlement") == whole.of(f"{BEIJING}/settlement")
        assert alone.of("routing") == whole.of(f"{BEIJING}/routing")
        for other in ("settlement", f"{SHANDONG}/settlement"):
            with pytest.raises(ConfigError, match=f"holds no keys of {other}"):
                alone.of(other)

    def test_a_token_of_one_cell_is_refused_in_another(self) -> None:
        for made, met in ((BEIJING, SHANDONG), (cells.SANDBOX, BEIJING), (BEIJING, cells.SANDBOX)):
            token = signer(f"{made}/gateway").sign(SHOP, "settlement")
            assert signer(f"{made}/settlement").verify(token) == SHOP
            with pytest.raises(Fault) as caught:
                signer(f"{met}/settlement").verify(token)
            assert (caught.value.reason, caught.value.metadata) == (
                "CALLER_TOKEN_WRONG_CELL",
                {"cell": made, "member": "settlement", "own_cell": met},
            )

    def test_a_member_of_a_cell_makes_no_token_for_another(self) -> None:
        with pytest.raises(ValueError, match="gateway of 110000 holds no key to call settlement of 370000"):
            signer(f"{BEIJING}/gateway").sign(SHOP, "settlement", cell=SHANDONG)

    def test_routing_opens_every_cell_with_the_key_of_that_cell(self) -> None:
        routing, me = signer("routing"), Caller(Role.SERVICE, "routing")
        for code in EVERY_CELL:
            found = signer(f"{code}/settlement").verify(routing.sign(me, "settlement", cell=code))
            assert (found, found.via, found.cell) == (me, "routing", code)
        assert signer("catalogue").verify(routing.sign(me, "catalogue")) == me

    def test_a_national_member_knows_from_which_cell_it_is_called(self) -> None:
        for code in EVERY_CELL:
            token = signer(f"{code}/gateway").sign(SHOP, "catalogue")
            assert signer("catalogue").verify(token).cell == code

    def test_a_cell_of_which_a_national_member_holds_no_key_is_refused(self) -> None:
        alone = TokenSigner(Keys([Keys([KEY]).text([f"{BEIJING}/catalogue"])]).of("catalogue"), lambda: NOW)
        assert alone.verify(signer(f"{BEIJING}/gateway").sign(SHOP, "catalogue")) == SHOP
        with pytest.raises(Fault, match="CALLER_TOKEN_WRONG_CELL"):
            alone.verify(signer(f"{SHANDONG}/gateway").sign(SHOP, "catalogue"))

    def test_keys_of_a_cell_rotate_as_those_of_the_mesh(self) -> None:
        old, new = (signer(f"{BEIJING}/gateway", key).sign(SHOP, "settlement") for key in (KEY, NEW))
        both = signer(f"{BEIJING}/settlement", KEY, NEW)
        assert both.verify(old) == both.verify(new) == SHOP
        both.renew(Keys([NEW]).of(f"{BEIJING}/settlement"))
        assert both.verify(new) == SHOP
        with pytest.raises(Fault, match="CALLER_TOKEN_INVALID"):
            both.verify(old)


class TestChannels:
    @pytest.mark.parametrize("caller", OF_CELLS)
    def test_a_member_of_a_cell_gets_no_channel_to_another(self, caller: str, tmp_path: Path) -> None:
        for callee in mesh.callees_of(caller):
            peers(caller, BEIJING, tmp_path).stub(lambda channel: channel, callee)
            with pytest.raises(ValueError, match=f"of 110000 may not call {callee} of another cell, 370000"):
                peers(caller, BEIJING, tmp_path).stub(lambda channel: channel, callee, SHANDONG)

    def test_routing_says_into_which_cell_it_calls_and_reaches_those_of_the_mesh(self, tmp_path: Path) -> None:
        routing = peers("routing", "", tmp_path)
        for code in (BEIJING, SHANDONG):
            routing.stub(lambda channel: channel, "settlement", code)
        for code in ("", "310000", "999999"):
            with pytest.raises(ValueError, match="YIBAO_CELLS names no cell"):
                routing.stub(lambda channel: channel, "settlement", code)
        routing.stub(lambda channel: channel, "catalogue")
