"""Forms of codes: the published layouts, what is opaque, what test clients may send."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.catalogue.domain import standards
from services.catalogue.domain.checking import check
from services.catalogue.domain.standards import has_form, suggestion
from services.kernel.uscc import uscc_holds
from tests.catalogue import builders

STANDARDS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "coding-standards.json"
NAMES = {
    "diagnosis_icd10": standards.DIAGNOSIS,
    "operation_icd9cm3": standards.OPERATION,
    "drug_western": standards.DRUG_WESTERN,
    "drug_tcm_patent": standards.DRUG_TCM_PATENT,
    "drug_tcm_piece": standards.DRUG_TCM_PIECE,
    "drug_tcm_granule": standards.DRUG_TCM_GRANULE,
    "consumable_20": standards.CONSUMABLE,
    "consumable_27": standards.CONSUMABLE_MODEL,
    "opsp_disease": standards.CHRONIC_DISEASE,
}


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_the_reference_is_judged_as_it_says(name: str) -> None:
    if not STANDARDS.exists():
        pytest.skip("the reference of coding standards does not lie beside this clone")
    reference = json.loads(STANDARDS.read_text(encoding="utf-8"))[name]
    wrong = [code for code in reference["examples_valid"] if not has_form(code, (NAMES[name],))]
    wrong += [code for code in reference["examples_invalid"] if has_form(code, (NAMES[name],))]
    assert wrong == []


@pytest.mark.parametrize(
    ("code", "list_type", "accepted"),
    [
        ("XJ01CAA040A001010102699", "101", True),
        ("ZA04CAE0023010100166", "101", True),
        ("XJ01CAA040A00101010269", "101", False),
        ("xj01CAA040A001010102699", "101", False),
        ("T001700368", "102", True),
        ("T0017300010010100166", "106", True),
        ("001102000010000", "201", True),
        ("001102000010000-110200001", "201", True),
        ("110200001", "201", False),
        ("991102000010000", "201", False),
        ("C0101010010100204744", "301", True),
        ("C01010100101002047440000001", "301", True),
        ("MH37010200001000001", "103", True),
        ("any-opaque_code.1", "105", True),
        ("制剂1234567890", "103", False),
        ("XTESTDRUG0001", "101", True),
        ("XTESTDRUG0001", "301", True),
        ("XTEST", "101", False),
        ("XTESTdrug", "101", False),
    ],
)
def test_an_items_code_has_the_form_of_its_list_type_or_is_a_test_code(
    code: str, list_type: str, accepted: bool
) -> None:
    found = [each.rule for each in check(builders.item(code, list_type=list_type))]
    assert (found == []) is accepted
    assert all(rule.startswith("code.") for rule in found)


@pytest.mark.parametrize(
    ("code", "standard", "meant"),
    [
        ("86.700x0013", standards.OPERATION, "86.7000x013"),
        ("86.700x0014", standards.OPERATION, "86.7000x014"),
        ("I10.X00X002", standards.DIAGNOSIS, "I10.x00x002"),
        ("ａ00.900", standards.DIAGNOSIS, "A00.900"),
        ("m03900", standards.CHRONIC_DISEASE, "M03900"),
        ("C01010100101002O4744", standards.CONSUMABLE, "C0101010010100204744"),
        ("霍乱", standards.DIAGNOSIS, ""),
    ],
)
def test_a_malformed_code_is_refused_and_the_right_one_offered(
    code: str, standard: standards.Standard, meant: str
) -> None:
    assert not has_form(code, (standard,))
    assert suggestion(code, (standard,)) == meant


@pytest.mark.parametrize(
    ("code", "holds"),
    [
        ("91350100M000100Y43", True),
        ("12370000MB00000012", True),
        ("11100000000000004Y", True),
        ("91350100M000100Y44", False),
        ("91350100I000100Y43", False),
        ("9135O100M000100Y43", False),
    ],
)
def test_a_unified_social_credit_code_has_its_check_digit(code: str, holds: bool) -> None:
    assert uscc_holds(code) is holds


@pytest.mark.parametrize("name", ["颌骨异常𬌗", "𧿹囊炎切除术", "β受体阻滞剂", "Ⅱ级护理"])
def test_rare_characters_in_names_are_welcome(name: str) -> None:
    assert list(check(builders.term("K07.100x008", name))) == []


@pytest.mark.parametrize("name", ["霍\u200b乱", "霍乱\n", "\ufeff霍乱", " 霍乱", "霍\x00乱"])
def test_characters_that_nobody_can_see_are_refused(name: str) -> None:
    assert [each.path for each in check(builders.term("A00.900", name))] == ["name"]
