"""The quick way through a row reads what the careful one reads, and leaves to it all that is to be told."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from gateway.national.codec.decode import RequestReader, compile_request
from gateway.national.codec.notes import Notes
from gateway.national.codec.plan import FieldPlan, Kind, fields_of
from gateway.national.codec.quick import quick_reader
from services.kernel.errors import Fault
from services.runtime.contract import Contract
from tests.gateway.test_codec_properties import ANYTHING
from tests.rounds import rounds

NATIONAL = [method for method in Contract.of_mesh().methods.values() if method.transactions]
VALUES = st.sampled_from(
    (*ANYTHING[:5], b"1.50", b"0.1", *ANYTHING[8:], "1", "01", "11", "x ", "null", "2026-01-05", "9" * 9)
)
UNKNOWN = "nobody_knows"


def rows(plans: tuple[FieldPlan, ...], depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a message, right and wrong, with names as the text writes them and as others do."""
    fields: dict[str, st.SearchStrategy[Any]] = {UNKNOWN: VALUES}
    for plan in plans:
        inner = rows(fields_of(plan.row), depth - 1) if plan.row is not None and depth else None
        for name in plan.names:
            fields[name] = VALUES if inner is None else inner if plan.kind is Kind.ROW else st.lists(inner, max_size=3)
            fields[name.upper()] = VALUES
    return st.fixed_dictionaries({}, optional=fields)


def outcome(read: RequestReader, envelope: Any, root: Any, *notes: Notes) -> Any:
    """The request as its wire has it, or all that is refused in it."""
    try:
        return read(envelope, root, "key", *notes).SerializeToString(deterministic=True)
    except Fault as fault:
        return fault.reason, [(each.path, each.rule, dict(each.values)) for each in fault.violations]


@pytest.mark.parametrize("request_class", sorted({each.request_class for each in NATIONAL}, key=str))
def test_both_ways_read_alike(request_class: type[Message]) -> None:
    read = compile_request(request_class)
    some = rows(fields_of(request_class.DESCRIPTOR))

    @rounds(3)
    @given(some, some)
    def holds(envelope: Any, root: Any) -> None:
        assert outcome(read, envelope, root) == outcome(read, envelope, root, Notes())

    holds()


PLANS = {name: FieldPlan(name, kind, (name,), (), scale=2, codes=((7, "01"),), place=None) for name, kind in (  # type: ignore[arg-type]
    ("text", Kind.TEXT), ("fen", Kind.FEN), ("code", Kind.CODE), ("flag", Kind.FLAG), ("at", Kind.TIME),
)}  # fmt: skip


def test_a_row_that_fits_is_read_without_the_careful_way() -> None:
    read = quick_reader(PLANS, ("left",), lambda key: False)
    row = {
        "text": " a ",
        "fen": b"1.50",
        "code": "01",
        "flag": 1,
        "at": "1970-01-01 08:00:09",
        "left": [1],
        UNKNOWN: {},
    }
    fits = {"text": "a", "fen": 150, "code": 7, "flag": True, "at": {"seconds": 9}}
    assert read(row) == fits
    assert read(row | {"text": None, "fen": "NULL", "at": "0001-01-01"}) == {"code": 7, "flag": True}


@pytest.mark.parametrize(
    "wrong", [{"fen": "x"}, {"fen": True}, {"code": "02"}, {"flag": 2}, {"text": []}, {"TEXT": "a"}]
)
def test_what_is_to_be_told_goes_the_careful_way(wrong: dict[str, Any]) -> None:
    read = quick_reader(PLANS, (), lambda key: key == "TEXT")
    assert read({"fen": 1, "flag": 1}) == {"fen": 100, "flag": True}
    assert read(wrong) is None


def test_names_that_nobody_knows_are_asked_for_once_and_few_are_kept() -> None:
    asked: list[str] = []

    def known(key: str) -> bool:
        asked.append(key)
        return False

    read = quick_reader(PLANS, (), known)
    for _ in range(2):
        assert read({UNKNOWN: 1, "x" * 65: 1}) == {}
    assert asked == [UNKNOWN, "x" * 65, "x" * 65]
    for place in range(2000):
        read({f"made up {place}": 1})
    read({"made up 1999": 1, "made up 1": 1})
    assert asked[-2:] == ["made up 1999", "made up 1999"]
