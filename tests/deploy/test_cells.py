"""The plan of several cells: every seat has a container that its member can run on, and no way leads from one cell to another."""

from __future__ import annotations

import pytest

from deploy import cluster
from deploy.cells import container_name, with_cells
from services import cells, mesh
from services.runtime.config import Config, ConfigError
from services.runtime.keys import Keys, load

SECRETS = cluster.Secrets("k" * 32, "o" * 32, "p@ss/w%rd:#$")
CHOICES = [("sandbox", "110000"), ("110000", "370000"), cells.codes()]


def planned(codes: tuple[str, ...]) -> dict[str, cluster.Container]:
    plan = with_cells(cluster.plan(SECRETS), codes, SECRETS.mesh_key)
    return {entry.name: entry for entry in plan.containers}


def test_of_the_sandboxs_cell_alone_it_is_the_plan_of_one_cell() -> None:
    assert with_cells(cluster.plan(SECRETS), ("sandbox",), SECRETS.mesh_key) == cluster.plan(SECRETS)


@pytest.mark.parametrize("codes", CHOICES)
def test_every_seat_and_every_cell_has_a_container_after_all_that_it_needs(codes: tuple[str, ...]) -> None:
    containers = planned(codes)
    order = list(containers)
    seats = {container_name(each.member.name, each.cell): each for each in mesh.seats(codes)}
    databases = {"postgres", *(container_name("postgres", code) for code in codes)}
    assert set(order) == seats.keys() | databases
    for name, seat in seats.items():
        callees = {container_name(each.member.name, each.cell) for each in mesh.seats(codes)
                   if (seat.name, each.name) in mesh.seat_edges(codes)}  # fmt: skip
        store = {container_name("postgres", seat.cell)} if seat.member.has_store else set()
        assert set(containers[name].after) == callees | store
        assert all(order.index(each) < order.index(name) for each in containers[name].after)


@pytest.mark.parametrize("codes", CHOICES)
def test_each_container_reaches_what_it_may_and_keeps_its_data_with_its_cell(codes: tuple[str, ...]) -> None:
    containers = planned(codes)
    for seat in mesh.seats(codes):
        entry = containers[container_name(seat.member.name, seat.cell)]
        config = Config.load(entry.environment)
        assert (config.started_cells, config.known_cells) == ((seat.cell,) if seat.cell else codes, codes)
        own = config.of_cell(seat.cell)
        if seat.member.services:
            assert own.address(seat.member.name) == f"0.0.0.0:{seat.port}"
        for each in mesh.seats(codes):
            if (seat.name, each.name) in mesh.seat_edges(codes):
                address = config.of_cell(each.cell).address(each.member.name)
                assert address == f"{container_name(each.member.name, each.cell)}:{each.port}"
        if seat.member.has_store:
            assert f"@{container_name('postgres', seat.cell)}:5432/" in own.database_url(seat.member.name)
    named = [name for entry in containers.values() for name in entry.volumes]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("codes", CHOICES)
def test_each_container_holds_the_keys_of_its_seat_and_no_other(codes: tuple[str, ...]) -> None:
    whole, containers = Keys([SECRETS.mesh_key]), planned(codes)
    for seat in mesh.seats(codes):
        entry = containers[container_name(seat.member.name, seat.cell)]
        assert SECRETS.mesh_key not in entry.environment.values()
        held = load(Config.load(entry.environment))
        wanted = tuple(each for each in whole.of(seat.name) if each.cell in ((seat.cell,) if seat.cell else codes))
        assert held.of(seat.name) == wanted
        for other in mesh.seats(codes):
            if other.name != seat.name:
                with pytest.raises(ConfigError, match=f"no keys of {other.name}"):
                    held.of(other.name)


def test_every_cells_gateway_is_published_at_its_own_port() -> None:
    published = {name: dict(entry.published) for name, entry in planned(cells.codes()).items() if entry.published}
    assert published == {
        container_name(mesh.GATEWAY, each.code): {each.port_base: each.port_base} for each in cells.CELLS
    }
