"""Copies of an example: every name is exchanged, nothing else is touched, serialised messages stay whole."""

from __future__ import annotations

import pytest

from tools.bench.moulds import Mould, NameLengths, Names, RowMould, checked
from yibao.settlement.v1 import common_pb2

EXAMPLE = ("17953041289377568914", "7700000001")
COPY = Names.of(("10000000000000000025", "1000000007"))


def test_names_in_text_and_bytes_are_exchanged() -> None:
    assert Mould("F770000000107", EXAMPLE).fill(COPY) == "F100000000707"
    assert Mould(b"\x00C7700000001|17953041289377568914\xff", EXAMPLE).fill(COPY) == (
        b"\x00C1000000007|10000000000000000025\xff"
    )


def test_a_value_without_names_is_constant() -> None:
    assert Mould("outpatient", EXAMPLE).is_constant
    assert not Mould("C7700000001", EXAMPLE).is_constant


def test_a_name_inside_a_longer_one_is_not_mistaken_for_it() -> None:
    names = ("123", "12345")
    assert Mould("12345-123", names).fill(Names.of(("abc", "ABCDE"))) == "ABCDE-abc"


def test_a_serialised_message_stays_whole() -> None:
    line = common_pb2.FeeLine(feedetl_sn="F770000000107", chrg_bchno="C7700000001", cnt="2", memo="测试")
    copied = Mould(line.SerializeToString(), EXAMPLE).fill(COPY)
    assert isinstance(copied, bytes)
    read = common_pb2.FeeLine.FromString(copied)
    assert (read.feedetl_sn, read.chrg_bchno, read.cnt, read.memo) == ("F100000000707", "C1000000007", "2", "测试")


def test_a_row_keeps_its_numbers_and_nothings() -> None:
    row = ("17953041289377568914", 5, None, b"no name", "C7700000001")
    assert RowMould(row, EXAMPLE).fill(COPY) == ["10000000000000000025", 5, None, b"no name", "C1000000007"]


def test_a_copy_does_not_change_the_example() -> None:
    mould = Mould("C7700000001", EXAMPLE)
    mould.fill(COPY)
    assert mould.fill(Names.of(EXAMPLE)) == "C7700000001"


def test_names_of_another_length_are_refused() -> None:
    assert checked(COPY.texts, EXAMPLE) == COPY
    with pytest.raises(NameLengths):
        checked(("1", "1000000007"), EXAMPLE)
