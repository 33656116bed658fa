"""The mesh as one table: which members exist, on which port, which RPC services each serves and whom it may call.

Start order, allowed channels, caller tokens, deployment and the trace-edge test all read this table; only members that
exist stand in it. Beside them stand the callers from outside that reach members without the gateway.

A member of scope `cell` runs once in every cell, on its own data, and calls members of its own cell and national ones only. A
national member runs once; one that calls members of a cell calls them in every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from services import cells

Scope = Literal["cell", "national"]


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name, its default port (in the sandbox's cell), the proto services it serves, the members it calls, whether
    it keeps data, and whether every cell has one of its own.
    """

    name: str
    port: int
    services: tuple[str, ...]
    calls: tuple[str, ...] = ()
    has_store: bool = True
    scope: Scope = "cell"

    @property
    def national(self) -> bool:
        """True where one serves all cells."""
        return self.scope == "national"


@dataclass(frozen=True, slots=True)
class Outsider:
    """A caller from outside the mesh with keys of its own: its name and the members that it may reach."""

    name: str
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """A member in its place: in a cell, or the one of a national member, whose `cell` is "".

    Its name is what processes, keys, traces and messages call it: `settlement` in the sandbox's cell, `110000/settlement` in
    another, `routing`.
    """

    member: Member
    cell: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return seat_name(self.member.name, self.cell)

    @property
    def port(self) -> int:
        """Its default port."""
        return self.member.port + (cells.cell(self.cell).port_base - _FIRST.port_base if self.cell else 0)


GATEWAY = "gateway"
SETTLES = "settlement"
_FIRST: Final = cells.CELLS[0]
_APART: Final = "/"

MESH: tuple[Member, ...] = (
    Member(
        "identity",
        7411,
        (
            "yibao.identity.v1.PersonService",
            "yibao.identity.v1.CredentialService",
            "yibao.identity.v1.PartnerService",
            "yibao.identity.v1.ChangeService",
            "yibao.identity.v1.ConsentService",
        ),
    ),
    Member("catalogue", 7412, ("yibao.catalogue.v1.CatalogueService",), scope="national"),
    Member(
        "settlement",
        7413,
        (
            "yibao.settlement.v1.EncounterService",
            "yibao.settlement.v1.FeeService",
            "yibao.settlement.v1.SettlementService",
            "yibao.settlement.v1.LedgerService",
            "yibao.settlement.v1.OwnBooksService",
            "yibao.settlement.v1.OrderService",
            "yibao.settlement.v1.CareService",
            "yibao.settlement.v1.StayReservationService",
            "yibao.settlement.v1.NoticeService",
            "yibao.settlement.v1.ReplayService",
            "yibao.settlement.v1.StatementService",
        ),
        calls=("identity", "catalogue"),
    ),
    Member(
        "routing",
        7414,
        (
            "yibao.routing.v1.RegistryService",
            "yibao.routing.v1.ElsewhereService",
            "yibao.routing.v1.ElsewhereOrderService",
            "yibao.routing.v1.PayAuthorisationService",
            "yibao.routing.v1.PersonAccessService",
            "yibao.routing.v1.FilingService",
            "yibao.routing.v1.ReferralService",
            "yibao.routing.v1.ClearingService",
            "yibao.routing.v1.InstitutionClearingService",
            "yibao.routing.v1.ClearingNoticeService",
        ),
        calls=("identity", "catalogue", "settlement"),
        scope="national",
    ),
    Member(
        "payment",
        7415,
        (
            "yibao.payment.v1.PayOrderService",
            "yibao.payment.v1.AuthorisationService",
            "yibao.payment.v1.BureauService",
            "yibao.payment.v1.NotifyService",
            "yibao.payment.v1.EgressService",
            "yibao.payment.v1.HeldService",
            "yibao.payment.v1.ReconciliationService",
        ),
        calls=("identity", "catalogue", "settlement", "routing"),
    ),
    Member(
        "imaging",
        7416,
        (
            "yibao.imaging.v1.NodeService",
            "yibao.imaging.v1.UploadService",
            "yibao.imaging.v1.ReaderService",
            "yibao.imaging.v1.DigestService",
            "yibao.imaging.v1.ConflictService",
            "yibao.imaging.v1.RecognitionService",
            "yibao.imaging.v1.ReportService",
            "yibao.imaging.v1.StudyService",
            "yibao.imaging.v1.TicketService",
            "yibao.imaging.v1.DicomWebService",
            "yibao.imaging.v1.AuditService",
            "yibao.imaging.v1.FhirService",
        ),
        calls=("routing",),
        scope="national",
    ),
    Member(
        GATEWAY,
        7400,
        (),
        calls=("identity", "catalogue", "settlement", "routing", "payment", "imaging"),
        has_store=False,
    ),
)

_NATIONAL: Final = frozenset(entry.name for entry in MESH if entry.national)

# Software of the operator that calls members itself, and a person at a terminal.
OUTSIDERS: tuple[Outsider, ...] = (
    Outsider("internal", calls=("identity", "catalogue", "settlement", "routing", "payment", "imaging")),
    Outsider("cli", calls=("identity", "catalogue", "settlement", "routing", "payment", "imaging")),
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


def settling() -> frozenset[str]:
    """Without whom nothing new is settled: the member that settles, and all whom it calls."""
    return frozenset((SETTLES, *member(SETTLES).calls))


def callers() -> tuple[str, ...]:
    """Names of all that hold keys: the members, then the callers from outside."""
    return (*names(), *(each.name for each in OUTSIDERS))


def callees_of(name: str) -> tuple[str, ...]:
    """The members that a member or a caller from outside may call; KeyError where the table has none of that name."""
    calls = {entry.name: entry.calls for entry in MESH} | {each.name: each.calls for each in OUTSIDERS}
    if name not in calls:
        raise KeyError(f"nobody named {name!r} calls; the mesh knows {', '.join(callers())}")
    return calls[name]


def callers_of(name: str) -> tuple[str, ...]:
    """Who may call a member: members and callers from outside."""
    return tuple(caller for caller in callers() if name in callees_of(caller))


def speaks_for_others(name: str) -> bool:
    """Whether a caller may call in the name of others, whom it has authenticated itself. Members but the gateway call in
    their own name only.
    """
    return name == GATEWAY or name in {each.name for each in OUTSIDERS}


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


def seats(codes: Iterable[str] = (cells.SANDBOX,)) -> tuple[Seat, ...]:
    """All members of the cells in start order: the national ones once, the others once in each cell."""
    chosen = tuple(codes)
    return tuple(Seat(entry, code) for entry in start_order() for code in (("",) if entry.national else chosen))


def seat_edges(codes: Iterable[str] = (cells.SANDBOX,)) -> frozenset[tuple[str, str]]:
    """Every allowed call between members of the cells as (caller, callee), by the names of their seats."""
    standing = seats(codes)
    return frozenset(
        (caller.name, callee.name)
        for caller in standing
        for callee in standing
        if callee.member.name in caller.member.calls and _meet(caller, callee)
    )


def _meet(caller: Seat, callee: Seat) -> bool:
    """Whether they stand in one cell, or one of them in none."""
    return caller.cell == callee.cell or not (caller.cell and callee.cell)


def seat_name(name: str, cell: str) -> str:
    """What the member, or the caller from outside, of a cell is called; `cell` of a national member is of no account."""
    if cell in ("", cells.SANDBOX) or is_national(name):
        return name
    return f"{cell}{_APART}{name}"


def split_seat(text: str) -> tuple[str, str]:
    """Name and cell out of `110000/settlement`; "" for the cell where the text names none."""
    cell, _, name = text.rpartition(_APART)
    return name, cell


def is_national(name: str) -> bool:
    """Whether one member of that name serves all cells; a name of no member is none."""
    return name in _NATIONAL


def owner_of(service: str) -> str:
    """Name of the member that serves a proto service, `yibao.identity.v1.PersonService` → `identity`."""
    for entry in _serving():
        if service in entry.services:
            return entry.name
    raise KeyError(f"no member serves {service!r}")


def _serving() -> Iterator[Member]:
    return (entry for entry in MESH if entry.services)
