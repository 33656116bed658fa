"""Rows as messages: fields by name, days, codes, lists, maps and flattened parts; every cell that cannot be placed is told."""

from __future__ import annotations

import pytest

from services.kernel.errors import Fault
from tools.cli.records import message_of
from yibao.catalogue.v1 import records_pb2
from yibao.identity.v1 import person_pb2
from yibao.settlement.v1 import ledger_pb2

ITEM = {"med_list_codg": "XTESTDRUG0001", "list_type": "101", "item_name": "药𬌗", "med_chrgitm_type": "09"}


@pytest.mark.parametrize("written", ["02", "B", "CHRGITM_LV_B"])
def test_an_enum_is_written_by_national_code_or_name(written: str) -> None:
    assert message_of(records_pb2.Item, ITEM | {"chrgitm_lv": written}).chrgitm_lv == 2


def test_a_day_stands_in_a_column_of_its_own_or_in_its_part() -> None:
    flat = message_of(records_pb2.Item, ITEM | {"from_day": "2024-02-29", "to_day": ""})
    nested = message_of(records_pb2.Item, ITEM | {"validity": {"from_day": "2024-02-29"}})
    assert flat == nested
    assert (flat.validity.from_day.year, flat.validity.from_day.month, flat.validity.from_day.day) == (2024, 2, 29)
    assert not flat.validity.HasField("to_day")


def test_empty_cells_are_nothing_and_flags_are_one_or_zero() -> None:
    item = message_of(records_pb2.Item, ITEM | {"spec": "", "unit": None, "lmt_used_flag": "1", "bas_medn_flag": False})
    assert (item.spec, item.unit, item.lmt_used_flag, item.bas_medn_flag) == ("", "", True, False)


def test_lists_maps_and_parts_are_filled_from_nested_rows() -> None:
    row: dict[str, object] = {
        "person": {"psn_no": "99000000000000000001", "brdy": "1990-01-01"},
        "enrolments": [{"insutype": "310", "from_day": "2015-01-01", "facts": {"cii_bonus_units": "2"}}],
    }
    record = message_of(person_pb2.PersonRecord, row)
    assert record.person.psn_no == "99000000000000000001"
    assert record.enrolments[0].facts == {"cii_bonus_units": "2"}
    stack = message_of(records_pb2.PolicyStack, {"policy_ids": ["a", "b"]})
    assert list(stack.policy_ids) == ["a", "b"]


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ({"surprise": "x"}, "surprise"),
        ({"chrgitm_lv": "甲"}, "chrgitm_lv"),
        ({"chrgitm_lv": "2"}, "chrgitm_lv"),
        ({"from_day": "2024-02-30"}, "from_day"),
        ({"from_day": "20240228 "}, "from_day"),
        ({"lmt_used_flag": "yes"}, "lmt_used_flag"),
        ({"item_name": 12}, "item_name"),
        ({"validity": "2024-01-01"}, "validity"),
        ({"validity": {"since": "2024-01-01"}}, "validity.since"),
    ],
)
def test_a_cell_that_cannot_be_placed_is_told(cells: dict[str, object], place: str) -> None:
    with pytest.raises(Fault) as caught:
        message_of(records_pb2.Item, ITEM | cells)
    assert (caught.value.reason, [each.path for each in caught.value.violations]) == ("DOCUMENT_INVALID", [place])


def test_every_bad_cell_of_a_row_is_told_at_once() -> None:
    rows = {"policy_ids": ["a", 1], "from_day": "x", "insutype": 310}
    with pytest.raises(Fault) as caught:
        message_of(records_pb2.PolicyStack, rows)
    assert {each.path for each in caught.value.violations} == {"policy_ids[1]", "from_day", "insutype"}


@pytest.mark.parametrize("number", ["1.5", "", "９", 1.5, True, 2**63])
def test_money_is_a_whole_number_of_fen(number: object) -> None:
    field = next(name for name in ledger_pb2.LedgerOpening.DESCRIPTOR.fields_by_name if name.endswith("_fen"))
    assert getattr(message_of(ledger_pb2.LedgerOpening, {field: "-250"}), field) == -250
    if number == "":
        assert getattr(message_of(ledger_pb2.LedgerOpening, {field: number}), field) == 0
    else:
        with pytest.raises(Fault):
            message_of(ledger_pb2.LedgerOpening, {field: number})
