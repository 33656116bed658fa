"""Reads files of records: CSV and YAML as documented below, and the lists of codes in the shape they circulate in.

Every cell that cannot be read is told with file, line and column; nothing is guessed, trimmed or left out unsaid. It
publishes nothing. Columns are named like the fields of the records' messages:

items.csv: med_list_codg list_type item_name chrgitm_lv med_chrgitm_type [spec dosform_name unit lmt_used_flag bas_medn_flag
hi_nego_drug_flag selfpay_prop] from_day [to_day]; price_ceilings.csv: med_list_codg admdvs [lmtpric_hosp_lv] pric_uplmt_amt
[hosp_bear] …; selfpay_ratios.csv: med_list_codg admdvs [hosp_lv] selfpay_prop …; diagnoses.csv, operations.csv: standard
code name …; diseases.csv: dise_codg dise_name [disease chronic_class] admdvs …; institutions.csv: fixmedins_code
fixmedins_name [uscc] fixmedins_type [hosp_lv lmtpric_hosp_lv policy_hosp_lv] admdvs …; divisions.csv: admdvs name
[parent_admdvs] …; local_med_types.csv: local_med_type name med_type admdvs …; policies/*.yaml: one `hsa.policy/1` document
each; stacks.yaml: stacks: [{admdvs, insutype, policy_ids, from_day, to_day}]. Days are ISO, flags 1 or 0, chrgitm_lv and
med_type the dictionary's code. diagnosis_icd10*.csv, operation_icd9cm3*.csv (code, name) and divisions_current*.csv (code,
name, level, parent_code) are lists that name no day: theirs is the first of 2000 (our decision).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from services.catalogue.domain import records
from services.catalogue.domain.amounts import item_share_of, price_of, share_of
from services.catalogue.domain.checking import check
from services.catalogue.domain.policies import version_of
from services.catalogue.domain.publishing import PlacedRecord
from services.catalogue.domain.records import Record
from services.catalogue.domain.standards import DIAGNOSIS, OPERATION
from services.kernel.errors import Fault, Violation, invalid
from services.runtime.documents.csv_rows import read_csv
from services.runtime.documents.files import read_document

UNDATED_FROM: Final = date(2000, 1, 1)
_CLASSES: Final = (records.CLASS_A, records.CLASS_B, records.CLASS_C)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one record; an absent column reads as empty."""

    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """The cell as it is."""
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        """A cell that must not be empty."""
        text = self.text(column)
        if not text:
            raise invalid(column, "required", "the cell is empty")
        return text

    def flag(self, column: str) -> bool:
        """1 or 0; empty is 0."""
        text = self.text(column)
        if text not in ("", "0", "1"):
            raise invalid(column, "flag", "1 or 0 is expected")
        return text == "1"

    def day(self, column: str) -> date:
        """An ISO day."""
        try:
            return date.fromisoformat(self.needed(column))
        except ValueError:
            raise invalid(column, "date", "a day as 2025-01-31 is expected") from None

    def last_day(self) -> date | None:
        """The last day, None while it lasts."""
        return self.day("to_day") if self.text("to_day") else None

    def payment_class(self) -> str:
        """01, 02 or 03."""
        code = self.text("chrgitm_lv")
        if code not in _CLASSES:
            raise invalid("chrgitm_lv", "class", "01, 02 or 03 is expected")
        return code


def _item(row: Row) -> records.Item:
    chrgitm_lv = row.payment_class()
    return records.Item(
        med_list_codg=row.needed("med_list_codg"),
        list_type=row.needed("list_type"),
        item_name=row.needed("item_name"),
        chrgitm_lv=chrgitm_lv,
        med_chrgitm_type=row.needed("med_chrgitm_type"),
        spec=row.text("spec"),
        dosform_name=row.text("dosform_name"),
        unit=row.text("unit"),
        lmt_used_flag=row.flag("lmt_used_flag"),
        bas_medn_flag=row.flag("bas_medn_flag"),
        hi_nego_drug_flag=row.flag("hi_nego_drug_flag"),
        selfpay_e4=item_share_of(row.text("selfpay_prop"), chrgitm_lv, "selfpay_prop"),
        from_day=row.day("from_day"),
        to_day=row.last_day(),
    )


def _ceiling(row: Row) -> records.PriceCeiling:
    return records.PriceCeiling(
        med_list_codg=row.needed("med_list_codg"),
        admdvs=row.needed("admdvs"),
        lmtpric_hosp_lv=row.text("lmtpric_hosp_lv"),
        pric_uplmt_e6=price_of(row.needed("pric_uplmt_amt"), "pric_uplmt_amt"),
        from_day=row.day("from_day"),
        to_day=row.last_day(),
        hosp_bear=row.flag("hosp_bear"),
    )


def _ratio(row: Row) -> records.SelfpayRatio:
    return records.SelfpayRatio(
        med_list_codg=row.needed("med_list_codg"),
        admdvs=row.needed("admdvs"),
        hosp_lv=row.text("hosp_lv"),
        selfpay_e4=share_of(row.needed("selfpay_prop"), "selfpay_prop"),
        from_day=row.day("from_day"),
        to_day=row.last_day(),
    )


def _term(row: Row) -> records.Term:
    return records.Term(
        row.needed("standard"), row.needed("code"), row.needed("name"), row.day("from_day"), row.last_day()
    )


def _disease(row: Row) -> records.Disease:
    return records.Disease(
        dise_codg=row.needed("dise_codg"),
        dise_name=row.needed("dise_name"),
        disease=row.text("disease"),
        chronic_class=row.text("chronic_class"),
        admdvs=row.needed("admdvs"),
        from_day=row.day("from_day"),
        to_day=row.last_day(),
    )


def _institution(row: Row) -> records.Institution:
    return records.Institution(
        fixmedins_code=row.needed("fixmedins_code"),
        fixmedins_name=row.needed("fixmedins_name"),
        uscc=row.text("uscc"),
        fixmedins_type=row.needed("fixmedins_type"),
        hosp_lv=row.text("hosp_lv"),
        lmtpric_hosp_lv=row.text("lmtpric_hosp_lv"),
        policy_hosp_lv=row.text("policy_hosp_lv"),
        admdvs=row.needed("admdvs"),
        from_day=row.day("from_day"),
        to_day=row.last_day(),
    )


def _division(row: Row) -> records.Division:
    return records.Division(
        row.needed("admdvs"), row.needed("name"), row.text("parent_admdvs"), row.day("from_day"), row.last_day()
    )


def _local_med_type(row: Row) -> records.LocalMedType:
    return records.LocalMedType(
        local_med_type=row.needed("local_med_type"),
        name=row.needed("name"),
        med_type=row.needed("med_type"),
        admdvs=row.needed("admdvs"),
        from_day=row.day("from_day"),
        to_day=row.last_day(),
    )


def _listed_diagnosis(row: Row) -> records.Term:
    return records.Term(DIAGNOSIS.name, row.needed("code"), row.needed("name"), UNDATED_FROM, None)


def _listed_operation(row: Row) -> records.Term:
    return records.Term(OPERATION.name, row.needed("code"), row.needed("name"), UNDATED_FROM, None)


def _listed_division(row: Row) -> records.Division:
    return records.Division(row.needed("code"), row.needed("name"), row.text("parent_code"), UNDATED_FROM, None)


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """One kind of CSV file: which names it has, its columns, and the record that a row is."""

    names: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Row], Record]


def _format(names: str, required: str, optional: str, read: Callable[[Row], Record]) -> CsvFormat:
    return CsvFormat(names, tuple(required.split()), tuple(optional.split()), read)


FORMATS: Final[tuple[CsvFormat, ...]] = (
    _format("divisions.csv", "admdvs name from_day", "parent_admdvs to_day", _division),
    _format("divisions_current*.csv", "code name", "level parent_code", _listed_division),
    _format(
        "institutions.csv",
        "fixmedins_code fixmedins_name fixmedins_type admdvs from_day",
        "uscc hosp_lv lmtpric_hosp_lv policy_hosp_lv to_day",
        _institution,
    ),
    _format(
        "items.csv",
        "med_list_codg list_type item_name chrgitm_lv med_chrgitm_type from_day",
        "spec dosform_name unit lmt_used_flag bas_medn_flag hi_nego_drug_flag selfpay_prop to_day",
        _item,
    ),
    _format(
        "price_ceilings.csv",
        "med_list_codg admdvs pric_uplmt_amt from_day",
        "lmtpric_hosp_lv hosp_bear to_day",
        _ceiling,
    ),
    _format("selfpay_ratios.csv", "med_list_codg admdvs selfpay_prop from_day", "hosp_lv to_day", _ratio),
    _format("diagnoses.csv", "standard code name from_day", "to_day", _term),
    _format("operations.csv", "standard code name from_day", "to_day", _term),
    _format("diagnosis_icd10*.csv", "code name", "category subcategory is_extension asterisk_code", _listed_diagnosis),
    _format("operation_icd9cm3*.csv", "code name", "", _listed_operation),
    _format("local_med_types.csv", "local_med_type name med_type admdvs from_day", "to_day", _local_med_type),
    _format("diseases.csv", "dise_codg dise_name admdvs from_day", "disease chronic_class to_day", _disease),
)
STACKS_FILE: Final = "stacks.yaml"
POLICIES: Final = "policies"
_STACK_KEYS: Final = frozenset(("admdvs", "insutype", "policy_ids", "from_day", "to_day"))

Read = tuple[list[PlacedRecord], list[Violation]]


def read_folder(folder: Path) -> Read:
    """All files of a folder that have a known name, so ordered that a stack comes after its policies.

    Gives entries, whose path is `file:line`, and violations, whose path is `file:line:column`. Raises DOCUMENT_INVALID for a
    file that is no readable CSV or YAML at all.
    """
    entries: list[PlacedRecord] = []
    violations: list[Violation] = []
    for found, wrong in _files(folder):
        entries += found
        violations += wrong
    return entries, violations


def _files(folder: Path) -> Iterator[Read]:
    for form in FORMATS:
        for path in sorted(folder.glob(form.names)):
            yield read_records(path, form)
    for path in sorted((folder / POLICIES).glob("*.yaml")):
        yield read_policy(path)
    if (folder / STACKS_FILE).is_file():
        yield read_stacks(folder / STACKS_FILE)


def format_of(name: str) -> CsvFormat | None:
    """The format that a file of this name has."""
    return next((form for form in FORMATS if Path(name).match(form.names)), None)


def read_records(path: Path, form: CsvFormat) -> Read:
    """The records of one CSV file, and what could not be read."""
    rows = read_csv(path.read_bytes(), form.required, form.optional, path.name)
    return _read_rows(((f"{path.name}:{row.line}", Row(row.cells)) for row in rows), form.read)


def _read_rows(rows: Iterator[tuple[str, Row]], read: Callable[[Row], Record]) -> Read:
    entries: list[PlacedRecord] = []
    violations: list[Violation] = []
    for place, row in rows:
        try:
            record = read(row)
            wrong: Sequence[Violation] = list(check(record))
        except Fault as fault:
            wrong = fault.violations
        else:
            if not wrong:
                entries.append(PlacedRecord(place, record))
        violations += [_placed(each, place) for each in wrong]
    return entries, violations


def _placed(violation: Violation, place: str) -> Violation:
    column = violation.path.removeprefix("validity.")
    return replace(violation, path=f"{place}:{column}")


def read_policy(path: Path) -> Read:
    """The policy of one YAML file."""
    document = read_document(path)
    try:
        return [PlacedRecord(path.name, version_of(document if isinstance(document, dict) else {}))], []
    except Fault as fault:
        return [], [_placed(each, path.name) for each in fault.violations]


def read_stacks(path: Path) -> Read:
    """The stacks of one YAML file."""
    document = read_document(path)
    stacks = document.get("stacks") if isinstance(document, dict) and set(document) == {"stacks"} else None
    if not isinstance(stacks, list):
        return [], [Violation(path.name, "stacks", "one list under the key stacks is expected")]
    entries: list[PlacedRecord] = []
    violations: list[Violation] = []
    for place, node in enumerate(stacks):
        where = f"{path.name}:stacks[{place}]"
        found, wrong = _read_stack(node, where)
        entries += found
        violations += wrong
    return entries, violations


def _read_stack(node: object, where: str) -> Read:
    if not isinstance(node, dict) or not set(node) <= _STACK_KEYS:
        names = ", ".join(sorted(_STACK_KEYS))
        return [], [Violation(where, "keys", f"only {names}", {"known": names})]
    ids = node.get("policy_ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        return [], [Violation(f"{where}:policy_ids", "policy_ids", "a list of policy ids is expected")]
    cells = {name: "" if value is None else value for name, value in node.items() if name != "policy_ids"}
    if not all(isinstance(value, str) for value in cells.values()):
        return [], [Violation(where, "text", "codes and days are texts; quote them")]

    def read(row: Row) -> records.PolicyStack:
        return records.PolicyStack(
            row.needed("admdvs"), row.needed("insutype"), tuple(ids), row.day("from_day"), row.last_day()
        )

    return _read_rows(iter([(where, Row(cells))]), read)
