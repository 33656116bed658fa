"""The plan of one cell as the plan of several: what is national once, everything else once in each cell, with its own PostgreSQL.

It changes nothing of what a container is given for other reasons: each is made of the one that the plan of one cell has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services import cells, mesh
from services.runtime.keys import handed_out

if TYPE_CHECKING:
    from deploy.cluster import Container, Plan

_PREFIX: Final = "YIBAO_"
_KEYS: Final = "YIBAO_MESH_KEY"
_DATABASE: Final = "YIBAO_DATABASE_URL"


def with_cells(one: Plan, codes: Sequence[str], mesh_key: str) -> Plan:
    """The plan for the cells named, out of that of the sandbox's cell alone, which it is where no other is named.

    National members stay, with the first PostgreSQL; those of the sandbox's cell only where it is named. KeyError for a cell that
    the table lacks.
    """
    chosen = [cells.cell(code).code for code in codes]
    if chosen == [cells.SANDBOX]:
        return one
    containers = tuple(each for entry in one.containers for each in _of_cells(entry, chosen, mesh_key))
    volumes = tuple(name for each in containers for name in each.volumes)
    return replace(one, containers=containers, volumes=volumes)


def _of_cells(entry: Container, codes: Sequence[str], mesh_key: str) -> Iterator[Container]:
    if entry.name not in mesh.names():
        yield entry
        yield from (_named(entry, code) for code in codes if code != cells.SANDBOX)
    elif mesh.is_national(entry.name):
        yield _member(entry, mesh.Seat(mesh.member(entry.name)), codes, mesh_key)
    else:
        for code in codes:
            seat = mesh.Seat(mesh.member(entry.name), code)
            yield _member(_named(entry, code), seat, codes, mesh_key)


def _named(entry: Container, code: str) -> Container:
    """The container of a cell, and its volumes, by their names there."""
    volumes = {_volume_in(code, name): path for name, path in entry.volumes.items()}
    return replace(entry, name=container_name(entry.name, code), volumes=volumes)


def container_name(name: str, code: str) -> str:
    """What a container is called in a cell; it is the name of its host too, which knows no slash."""
    return name if code in ("", cells.SANDBOX) or mesh.is_national(name) else f"{code}-{name}"


def _volume_in(code: str, name: str) -> str:
    begin, dash, rest = name.partition("-")
    return name if code == cells.SANDBOX else f"{begin}{dash}{code}-{rest}"


def _member(entry: Container, seat: mesh.Seat, codes: Sequence[str], mesh_key: str) -> Container:
    """A member's container with the addresses, the keys and the database of its cell."""
    callees = [each for each in mesh.seats(codes) if (seat.name, each.name) in mesh.seat_edges(codes)]
    environment = {name: value for name, value in entry.environment.items() if not name.endswith("_ADDRESS")}
    environment |= {"YIBAO_CELLS": ",".join(codes)} | ({"YIBAO_CELL": seat.cell} if seat.cell else {})
    environment[_KEYS] = _keys(seat, codes, mesh_key) if environment[_KEYS] else ""
    if seat.member.services:
        environment[_address(seat)] = f"0.0.0.0:{seat.port}"
    for each in callees:
        environment[_address(each)] = f"{container_name(each.member.name, each.cell)}:{each.port}"
    before = [name for name in entry.after if name not in mesh.names()]
    if _DATABASE in environment and seat.cell:
        for name in before:
            environment[_DATABASE] = environment[_DATABASE].replace(f"@{name}:", f"@{container_name(name, seat.cell)}:")
    after = (
        *(container_name(name, seat.cell) for name in before),
        *(container_name(each.member.name, each.cell) for each in callees),
    )
    return replace(entry, environment=environment, after=after, published=_published(entry.published, seat))


def _published(ports: Mapping[int, int], seat: mesh.Seat) -> Mapping[int, int]:
    """As far apart as the cells' own ports are; each gateway listens on its own."""
    apart = seat.port - seat.member.port
    return {inside + apart: outside + apart for inside, outside in ports.items()}


def _address(seat: mesh.Seat) -> str:
    code = "" if seat.cell in ("", cells.SANDBOX) else f"{seat.cell}_"
    return f"{_PREFIX}{code}{seat.member.name.upper()}_ADDRESS"


def _keys(seat: mesh.Seat, codes: Sequence[str], mesh_key: str) -> str:
    """Those of its cell; of a national member those of each."""
    of = (seat.cell,) if seat.cell else codes
    return " ".join(handed_out(mesh_key.encode(), seat.member.name, code).text() for code in of)
