"""What the figures of care in another cell are made of: visits in turn, codes of nobody's cells, and commits before an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from services import cells
from services.runtime.trace_store import Node, StoredSpan, TraceStore
from tools.bench import wire
from tools.bench.cells import stages, way
from tools.bench.cells_subject import Mixed, simulated
from tools.bench.preparation import Stock


class Named:
    """A stock whose requests say whose they are."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visits(self, count: int, requests: Path) -> float:
        wire.write_requests(requests, (f"{self.name}{place}".encode() for place in range(count)))
        return 0.0


def span(name: str, start: int, end: int) -> StoredSpan:
    return StoredSpan("t", f"{name}{start}", None, "s", name, "INTERNAL", start, end, "", "", {})


class Told:
    """One message, its commits, and one that came after the answer."""

    def all_spans(self) -> list[StoredSpan]:
        return [span("POST /*", 1, 5), span("store write", 11, 12), span("POST /*", 10, 4_000_010)]

    def tree(self, trace_id: str) -> tuple[Node, ...]:
        linked = Node(span("commit saga", 12, 20), (Node(span("store write", 13, 19), ()),), linked=True)
        late = Node(span("store write", 4_000_011, 4_000_012), ())
        read = Node(span("store read", 11, 12), ())
        return (
            Node(span("POST /*", 10, 4_000_010), (read, linked, linked, Node(span("store write", 30, 40), ()), late)),
        )


class Asked(Told):
    """One message, what was asked for it, and what settlement itself asked."""

    def tree(self, trace_id: str) -> tuple[Node, ...]:
        def call(name: str, start: int, peer: str) -> Node:
            at = f"yibao.settlement.v1.{name}" if "settlement" in peer else name
            told = {"yibao.peer": peer}
            return Node(
                StoredSpan("t", f"{name}{start}", None, "s", at, "CLIENT", start, start + 2_000_000, "", "", told), ()
            )

        second, first = (
            call("OrderService.BatchOpen", 40, "370000/settlement"),
            call("CareService.BatchGetBill", 20, "settlement"),
        )
        other = call("yibao.identity.v1.CredentialService.BatchVerify", 30, "identity")
        return (Node(span("POST /*", 10, 4_000_010), (second, first, first, other)),)


def test_what_settlements_are_asked_on_the_way_is_told_in_its_order() -> None:
    store: Any = Asked()
    assert stages(store, 10) == [("BatchGetBill", "settlement", 2.0), ("BatchOpen", "370000/settlement", 2.0)]


def test_visits_of_two_stocks_come_in_turn(tmp_path: Path) -> None:
    stocks: Any = [Named("here"), Named("there")]
    Mixed(*cast("list[Stock]", stocks)).visits(3, tmp_path / "requests")
    assert wire.read_requests(tmp_path / "requests") == [b"here0", b"there0", b"here1", b"there1"]
    assert [each.name for each in tmp_path.iterdir()] == ["requests"]


def test_simulated_cells_are_in_no_table() -> None:
    codes = simulated(30)
    assert len(set(codes)) == 30
    assert not set(codes) & set(cells.codes())


def test_commits_are_counted_once_and_only_before_the_answer() -> None:
    store: Any = Told()
    assert way(cast("TraceStore", store), 7) == (2, 4.0)
