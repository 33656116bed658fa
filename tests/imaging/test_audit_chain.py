"""The chain itself: any byte of any column that is changed, any entry that goes or comes, is found and named."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from typing import Any, Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.imaging.domain.audit import (
    GENESIS,
    Access,
    Action,
    AuditFinding,
    End,
    Row,
    What,
    end_examined,
    examined,
    holds,
    read,
    readable,
    row_of,
    rows_of,
    sealed,
)
from tests.imaging.auditing import PERSON_KEY, searched

KEY: Final = b"k" * 32
PERSONS: Final = tuple((f"G{number}", bytes([number]) * 16) for number in range(3))
ACCESSES: Final = [
    # Every fourth is about several persons.
    searched(number, session_no=f"R{number % 3}")
    if number % 4
    else searched(number, person_key=None, grant_no="", persons=PERSONS)
    for number in range(1, 21)
]
ROWS: Final = tuple(rows_of(ACCESSES, (0, GENESIS), 1_770_000_000_000_000))
END: Final = sealed(KEY, ROWS[-1].seq, ROWS[-1].hash)
COLUMNS: Final = tuple(each.name for each in fields(Row))


def found(rows: list[Row], end: End | None = END) -> list[AuditFinding]:
    """What does not hold of entries and an end."""
    ordered = sorted(rows, key=lambda each: each.seq)
    return examined(None, 0, ordered) + end_examined(KEY, end, ordered[-1] if ordered else None)


def test_what_is_kept_is_what_was_told() -> None:
    assert [read(each).access for each in ROWS] == ACCESSES  # type: ignore[union-attr]
    assert found(list(ROWS)) == []
    assert found([], None) == []


@pytest.mark.parametrize(
    ("detail", "kept"),
    [
        ("advice A17961204136381200890: 1", "advice A17961204136381200890: 1"),
        ("昏迷，advice A37010000000000000201", "昏迷，advice A#"),
        ("advice 37010000000000000201: 1", "advice #: 1"),
        ("A37010000000000000201, 11010119790506201X, 13812345678", "A#, #, #"),
    ],
)
def test_a_number_of_a_person_goes_from_a_detail_and_that_of_an_advice_stays(detail: str, kept: str) -> None:
    row = row_of(replace(ACCESSES[0], detail=detail), 1, 1, GENESIS)
    assert readable(row).access.detail == kept


@given(place=st.integers(0, 19), column=st.sampled_from(COLUMNS), byte=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_a_flipped_bit_in_any_column_is_found_at_its_place(place: int, column: str, byte: int, bit: int) -> None:
    rows = list(ROWS)
    was = getattr(rows[place], column)
    if isinstance(was, bytes):
        spoiled: Any = bytearray(was)
        spoiled[byte % len(was)] ^= 1 << bit
        now: Any = bytes(spoiled)
    else:
        now = b"\0" if was is None else was ^ (1 << (byte % 40))
    rows[place] = replace(rows[place], **{column: now})
    findings = found(rows)
    assert findings
    if column != "seq":
        assert findings[0] == AuditFinding(place + 1, What.CHANGED)
    else:
        # It stands elsewhere now: it is missing where it was.
        assert (
            AuditFinding(place + 1, What.MISSING) in findings
            or AuditFinding(place + 1, What.CUT) in findings
            or now <= 20
        )


@given(place=st.integers(0, 19), column=st.sampled_from(COLUMNS[1:]), other=st.sampled_from([None, "", 7, 1.5, b""]))
@settings(max_examples=30, deadline=None)
def test_a_value_of_another_type_is_found_and_is_no_error(place: int, column: str, other: Any) -> None:
    rows = list(ROWS)
    assume(getattr(rows[place], column) is not other)
    rows[place] = replace(rows[place], **{column: other})
    assert found(rows)[0] == AuditFinding(place + 1, What.CHANGED)
    read(rows[place])


@given(place=st.integers(0, 18))
@settings(max_examples=30, deadline=None)
def test_an_entry_that_was_taken_out_is_named(place: int) -> None:
    rows = [each for each in ROWS if each.seq != place + 1]
    assert found(rows) == [AuditFinding(place + 1, What.MISSING), AuditFinding(place + 2, What.CHANGED)]


@given(one=st.integers(0, 19), other=st.integers(0, 19))
@settings(max_examples=30, deadline=None)
def test_entries_that_changed_places_are_both_named(one: int, other: int) -> None:
    rows = list(ROWS)
    rows[one], rows[other] = replace(ROWS[other], seq=one + 1), replace(ROWS[one], seq=other + 1)
    changed = {each.seq for each in found(rows) if each.what is What.CHANGED}
    assert {one + 1, other + 1} <= changed or one == other


@given(left=st.integers(0, 19))
@settings(max_examples=30, deadline=None)
def test_an_end_that_was_cut_off_is_named(left: int) -> None:
    assert found(list(ROWS[:left])) == [AuditFinding(left + 1, What.CUT)]


def test_who_lacks_the_key_can_neither_add_nor_replace_the_end() -> None:
    more = rows_of([searched(99)], (20, ROWS[-1].hash), 5)
    assert found([*ROWS, *more]) == [AuditFinding(21, What.FOREIGN)]
    forged = sealed(b"x" * 32, 21, more[-1].hash)
    assert found([*ROWS, *more], forged) == [AuditFinding(21, What.UNSEALED)]
    assert found(list(ROWS), None) == [AuditFinding(20, What.UNSEALED)]
    # A whole chain that was computed anew over a changed entry holds in itself, and not beside the seal.
    anew = rows_of([searched(7), *ACCESSES[1:]], (0, GENESIS), 5)
    assert found(anew) == [AuditFinding(20, What.CHANGED)]


@given(byte=st.integers(0, 31), bit=st.integers(0, 7))
@settings(max_examples=30, deadline=None)
def test_a_flipped_bit_of_the_end_unseals_it(byte: int, bit: int) -> None:
    digest, seal = bytearray(END.hash), bytearray(END.seal)
    digest[byte] ^= 1 << bit
    seal[byte] ^= 1 << bit
    assert not holds(KEY, replace(END, hash=bytes(digest)))
    assert not holds(KEY, replace(END, seal=bytes(seal)))
    assert not holds(KEY, replace(END, seq=END.seq ^ (1 << bit)))
    for odd in (None, "1", -1):
        assert not holds(KEY, replace(END, seq=odd))  # type: ignore[arg-type]


@given(st.lists(st.text(max_size=30), min_size=7, max_size=7), st.one_of(st.none(), st.binary(max_size=20)))
@settings(max_examples=30, deadline=None)
def test_no_two_accesses_have_the_same_bytes(texts: list[str], person_key: bytes | None) -> None:
    organisation, reader, purpose, session_no, grant_no, study_uid, node_no = texts
    access = Access(
        *(Action.READ, searched().outcome, organisation, reader, purpose, session_no),
        *(person_key, grant_no, study_uid, node_no),
    )
    row = row_of(access, 1, 0, GENESIS)
    kept = read(row)
    assert kept is not None
    assert kept.access == access
    shifted = replace(access, organisation=organisation + reader, reader="")
    assert (row_of(shifted, 1, 0, GENESIS).hash == row.hash) == (shifted == access)


def test_entries_as_they_were_written_before_there_were_several_persons_in_one_hold_still() -> None:
    # As the first form of the log made it: written out, so that no later form changes it.
    body = bytes.fromhex("010501") + b"".join(
        len(each).to_bytes(4, "big") + each for each in (b"H1", b"D1", b"treatment", b"GS1", b"1.2", b"", b"all")
    )
    key = bytes(range(16))
    whole = bytes(32) + (1).to_bytes(8, "big") + (7).to_bytes(8, "big")
    found_by = b"\1" + (16).to_bytes(4, "big") + key + b"\1" + (2).to_bytes(4, "big") + b"R1"
    digest = hashlib.sha256(whole + found_by + len(body).to_bytes(4, "big") + body).digest()
    row = Row(1, 7, key, b"R1", body, digest)
    assert examined(None, 0, [row]) == []
    kept = read(row)
    assert kept is not None
    assert (kept.access.person_key, kept.access.grant_no, kept.access.persons) == (key, "GS1", ())
    assert row_of(kept.access, 1, 7, GENESIS) == row


def test_a_body_with_half_a_pair_or_persons_in_the_first_form_is_none() -> None:
    row = row_of(searched(person_key=None, grant_no="", persons=PERSONS), 1, 0, GENESIS)
    for body in (row.body[:-20], b"\1" + row.body[1:], b"\2" + row_of(searched(), 1, 0, GENESIS).body[1:]):
        assert read(replace(row, body=body)) is None


def test_a_detail_has_no_number_of_a_person_and_an_end() -> None:
    told = "PatientID=990000000000000001 证件 99010019000101001X 电话13900000000 StudyDate=20260301-20260310 case 202611220001"
    kept = read(row_of(searched(detail=told + "长" * 500, person_key=PERSON_KEY), 1, 0, GENESIS))
    assert kept is not None
    assert kept.access.detail.startswith("PatientID=# 证件 # 电话# StudyDate=20260301-20260310 case 202611220001")
    assert len(kept.access.detail) == 400
