"""Files of records: what is read, and that every cell that cannot be read is told with file, line and column."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.catalogue.domain.publishing import PlacedRecord
from services.catalogue.domain.records import EMPTY_HEAD, Division, LocalMedType, PriceCeiling, Term, next_head
from services.catalogue.loader import UNDATED_FROM, format_of, read_folder, read_records
from services.catalogue.operations.publish import PublishCommand, Published, Publishing
from services.catalogue.store.reading import CatalogueStore
from services.kernel.errors import Fault
from services.kernel.requests import RequestStamp
from services.runtime.db import Database
from tests.catalogue.builders import DRUG, NOW, ceiling

OPEN = Path(__file__).resolve().parents[3] / "shared" / "data" / "open"
CHUNK = 2000


def read(folder: Path, name: str, text: str) -> tuple[list[PlacedRecord], list[tuple[str, str]]]:
    """The entries of one file with this text, and the places and rules of what could not be read."""
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    form = format_of(name)
    assert form is not None
    entries, violations = read_records(path, form)
    return entries, [(each.path, each.rule) for each in violations]


def test_a_row_becomes_a_record_that_knows_its_line(tmp_path: Path) -> None:
    text = f"med_list_codg,admdvs,pric_uplmt_amt,from_day\n{DRUG},370100,9,2020-01-01\n"
    assert read(tmp_path, "price_ceilings.csv", text) == (
        [PlacedRecord("price_ceilings.csv:2", ceiling(DRUG, "370100", 9))],
        [],
    )


def test_a_local_kind_of_care_counts_as_a_national_one_and_changes_none(tmp_path: Path) -> None:
    head = "local_med_type,name,med_type,admdvs,from_day\n"
    rows = "110104,签约,11,990000,2020-01-01\n21,住院,11,990000,2020-01-01\nA1,签约,77,990000,2020-01-01\n"
    assert read(tmp_path, "local_med_types.csv", head + rows) == (
        [PlacedRecord("local_med_types.csv:2", LocalMedType("110104", "签约", "11", "990000", date(2020, 1, 1), None))],
        [
            ("local_med_types.csv:3:local_med_type", "med_type.national"),
            ("local_med_types.csv:4:local_med_type", "code.med_type"),
            ("local_med_types.csv:4:med_type", "code.med_type"),
        ],
    )


def test_a_ceiling_says_who_bears_what_is_over_it_and_none_has_nothing_over(tmp_path: Path) -> None:
    head = "med_list_codg,admdvs,pric_uplmt_amt,hosp_bear,from_day\n"
    rows = f"{DRUG},370100,9,1,2020-01-01\n{DRUG},370200,999999,1,2020-01-01\n{DRUG},370300,9,yes,2020-01-01\n"
    assert read(tmp_path, "price_ceilings.csv", head + rows) == (
        [PlacedRecord("price_ceilings.csv:2", replace(ceiling(DRUG, "370100", 9), hosp_bear=True))],
        [("price_ceilings.csv:3:hosp_bear", "hosp_bear"), ("price_ceilings.csv:4:hosp_bear", "flag")],
    )


def test_prices_are_exact_to_the_sixth_digit_and_never_rounded(tmp_path: Path) -> None:
    head = "med_list_codg,admdvs,pric_uplmt_amt,from_day\n"
    entries, wrong = read(
        tmp_path, "price_ceilings.csv", head + "".join(f"A{number},000000,{text},2020-01-01\n" for number, text in
        enumerate(["3.4568", "0", "0.000001", "1e3", "0.0000001", "-1", "９", ""])),
    )  # fmt: skip
    prices = [each.record.pric_uplmt_e6 for each in entries if isinstance(each.record, PriceCeiling)]
    assert prices == [3_456_800, 0, 1]
    assert [path for path, _ in wrong] == [f"price_ceilings.csv:{line}:pric_uplmt_amt" for line in range(5, 10)]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("med_list_codg", ""),
        ("med_list_codg", "XJ01CAA901C0010101"),
        ("chrgitm_lv", "甲"),
        ("selfpay_prop", "0.00001"),
        ("selfpay_prop", "1.5"),
        ("selfpay_prop", ""),
        ("lmt_used_flag", "是"),
        ("from_day", "2024/01/01"),
        ("from_day", ""),
        ("to_day", "2023-12-31"),
        ("item_name", "名称\u200b"),
    ],
)
def test_a_bad_cell_is_told_with_file_line_and_column(tmp_path: Path, column: str, text: str) -> None:
    row = {
        "med_list_codg": DRUG,
        "list_type": "101",
        "item_name": "药",
        "chrgitm_lv": "02",
        "med_chrgitm_type": "09",
        "lmt_used_flag": "0",
        "selfpay_prop": "0.1",
        "from_day": "2024-01-01",
        "to_day": "",
    } | {column: text}
    entries, wrong = read(tmp_path, "items.csv", f"{','.join(row)}\n{','.join(row.values())}\n")
    assert entries == []
    assert [path for path, _ in wrong] == [f"items.csv:2:{column}"]


def test_names_with_rare_characters_quotes_and_commas_come_through(tmp_path: Path) -> None:
    name = '颌骨异常𬌗，"Ⅱ"型, 𧿹'
    quoted = name.replace('"', '""')
    entries, _ = read(
        tmp_path, "diagnosis_icd10_test.csv", f'\ufeffcode,name,category\r\nK07.100x008,"{quoted}",K07\r\n'
    )
    assert [each.record for each in entries] == [Term("diagnosis_icd10", "K07.100x008", name, UNDATED_FROM, None)]


def test_a_list_of_divisions_becomes_divisions_with_their_parents(tmp_path: Path) -> None:
    entries, _ = read(
        tmp_path, "divisions_current.csv", "code,name,level,parent_code\n370000,山东省,1,\n370100,济南市,2,370000\n"
    )
    assert [each.record for each in entries] == [
        Division("370000", "山东省", "", UNDATED_FROM, None),
        Division("370100", "济南市", "370000", UNDATED_FROM, None),
    ]


def test_misprinted_operation_codes_are_told_with_the_right_ones_and_nothing_else_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "operation_icd9cm3_test.csv"
    path.write_text("code,name\n00.0100,治疗\n86.700x0013,移植\n86.700x0014,转移\n00.0101,治疗\n", encoding="utf-8")
    entries, violations = read_folder(tmp_path)
    assert [each.path for each in entries] == [f"{path.name}:2", f"{path.name}:5"]
    assert [each.path for each in violations] == [f"{path.name}:3:code", f"{path.name}:4:code"]
    assert "86.7000x013" in violations[0].description
    assert "86.7000x014" in violations[1].description


def test_a_file_without_its_columns_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        read(tmp_path, "items.csv", "code,name\n1,2\n")
    assert caught.value.reason == "DOCUMENT_INVALID"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a\n", "stacks.yaml"),
        ("stacks: {}\n", "stacks.yaml"),
        ("stacks: [{admdvs: '990100', insutype: '310', policies: [a]}]\n", "stacks.yaml:stacks[0]"),
        (
            "stacks: [{admdvs: 990100, insutype: '310', policy_ids: [a], from_day: '2024-01-01'}]\n",
            "stacks.yaml:stacks[0]",
        ),
        ("stacks: [{admdvs: '990100', insutype: '310', policy_ids: a}]\n", "stacks.yaml:stacks[0]:policy_ids"),
        ("stacks: [{admdvs: '990100', insutype: '310', policy_ids: [a]}]\n", "stacks.yaml:stacks[0]:from_day"),
        (
            "stacks: [{admdvs: '990100', insutype: '310', policy_ids: [a, a], from_day: '2024-01-01'}]\n",
            "stacks.yaml:stacks[0]:policy_ids[1]",
        ),
    ],
)
def test_a_malformed_stack_is_told_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "stacks.yaml").write_text(text, encoding="utf-8")
    entries, violations = read_folder(tmp_path)
    assert (entries, [each.path for each in violations]) == ([], [place])


def test_a_malformed_policy_is_told_with_file_and_path(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.yaml").write_text("schema: hsa.policy/1\n", encoding="utf-8")
    entries, violations = read_folder(tmp_path)
    assert entries == []
    assert violations
    assert all(each.path.startswith("a.yaml:") for each in violations)


async def test_the_official_lists_load_whole_within_seconds(tmp_path: Path) -> None:
    if not OPEN.exists():
        pytest.skip("the open lists of codes do not lie beside this clone")
    began = time.perf_counter()
    entries, violations = read_folder(OPEN)
    kinds = {kind: sum(isinstance(each.record, kind) for each in entries) for kind in (Term, Division)}
    assert kinds == {Term: 33_304 + 13_686 - 2, Division: 3_214}
    assert [each.path for each in violations] == [
        "operation_icd9cm3_yb20.csv:11844:code",
        "operation_icd9cm3_yb20.csv:11845:code",
    ]
    assert sum("𬌗" in str(getattr(each.record, "name", "")) for each in entries) >= 12
    assert sum("𧿹" in str(getattr(each.record, "name", "")) for each in entries) >= 7
    database = Database(f"sqlite:///{tmp_path}/catalogue.sqlite", lambda: NOW)
    store = CatalogueStore(database)
    await store.start()
    published = [
        await _publish(store, number, tuple(entries[start : start + CHUNK]))
        for number, start in enumerate(range(0, len(entries), CHUNK))
    ]
    assert sum(published) == len(entries)
    found = await store.term("diagnosis_icd10", "K07.100x008", date(2025, 1, 1))
    assert found is not None
    assert "𬌗" in found.name
    await database.close()
    assert time.perf_counter() - began < 30


async def _publish(store: CatalogueStore, number: int, chunk: tuple[PlacedRecord, ...]) -> int:
    said: list[Published] = []

    def render(published: Published) -> bytes:
        said.append(published)
        return b""

    content = next_head(EMPTY_HEAD, [each.record for each in chunk])
    await Publishing(store).publish(
        PublishCommand(RequestStamp("operator:1", f"chunk-{number}", "", content), chunk, NOW, render)
    )
    return said[0].published_count
