"""The mesh as one table: which members exist, on which port, which RPC services each serves and whom it may call.

Start order, allowed channels, deployment and the trace-edge test all read this table; only members that exist stand in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name, its default port, the proto services it serves, the members it calls, whether it keeps data."""

    name: str
    port: int
    services: tuple[str, ...]
    calls: tuple[str, ...] = ()
    has_store: bool = True


GATEWAY = "gateway"

MESH: tuple[Member, ...] = (
    Member(
        "identity",
        7411,
        (
            "yibao.identity.v1.PersonService",
            "yibao.identity.v1.CredentialService",
            "yibao.identity.v1.PartnerService",
        ),
    ),
    Member("catalogue", 7412, ("yibao.catalogue.v1.CatalogueService",)),
    Member(
        "settlement",
        7413,
        (
            "yibao.settlement.v1.EncounterService",
            "yibao.settlement.v1.FeeService",
            "yibao.settlement.v1.SettlementService",
            "yibao.settlement.v1.LedgerService",
        ),
        calls=("identity", "catalogue"),
    ),
    Member(GATEWAY, 7400, (), calls=("identity", "catalogue", "settlement"), has_store=False),
)


def member(name: str) -> Member:
    """The member of that name; KeyError where the table has none."""
    for entry in MESH:
        if entry.name == name:
            return entry
    raise KeyError(f"no member named {name!r}; the mesh has {', '.join(names())}")


def names() -> tuple[str, ...]:
    """Names of all members, in the order of the table."""
    return tuple(entry.name for entry in MESH)


def edges() -> frozenset[tuple[str, str]]:
    """Every allowed call as (caller, callee)."""
    return frozenset((entry.name, callee) for entry in MESH for callee in entry.calls)


def start_order() -> tuple[Member, ...]:
    """Members so ordered that each stands after all that it calls; ValueError if the calls form a cycle."""
    done: dict[str, Member] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError("calls form a cycle: " + " → ".join((*path, name)))
        if name in done:
            return
        entry = member(name)
        for callee in entry.calls:
            visit(callee, (*path, name))
        done[name] = entry

    for name in names():
        visit(name, ())
    return tuple(done.values())


def owner_of(service: str) -> str:
    """Name of the member that serves a proto service, `yibao.identity.v1.PersonService` → `identity`."""
    for entry in _serving():
        if service in entry.services:
            return entry.name
    raise KeyError(f"no member serves {service!r}")


def _serving() -> Iterator[Member]:
    return (entry for entry in MESH if entry.services)
