"""Dictionary codes mean what the national dictionaries and the policies say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.kernel import codes
from services.kernel.policy.domains import FACTS
from yibao.common.v1 import codes_pb2
from yibao.options.v1 import options_pb2

DICTIONARIES = Path(__file__).resolve().parents[3] / "shared" / "reference" / "nhsa-dicts.json"


def contract_codes(enum: str) -> set[str]:
    extension: Any = options_pb2.national_code
    values = codes_pb2.DESCRIPTOR.enum_types_by_name[enum].values
    return {value.GetOptions().Extensions[extension] for value in values} - {""}


@pytest.fixture
def dictionaries() -> dict[str, dict[str, str]]:
    """The researched national dictionaries."""
    if not DICTIONARIES.exists():
        pytest.skip("the researched dictionaries are not beside this repository")
    return {name: entry["values"] for name, entry in json.loads(DICTIONARIES.read_text(encoding="utf-8")).items()}


def test_every_kind_of_care_of_the_contract_is_a_policy_kind_or_knowingly_none() -> None:
    without = {code for code in contract_codes("MedType") if codes.policy_med_type(code) is None}
    assert without == {"51", "18", "9904"}


def test_the_national_kinds_of_care_are_those_of_the_contract() -> None:
    assert contract_codes("MedType") == codes.MED_TYPES
    assert set(codes._POLICY_MED_TYPES) <= codes.MED_TYPES


def test_policies_know_every_kind_of_care_that_a_code_maps_to() -> None:
    kinds = {codes.policy_med_type(code) for code in contract_codes("MedType")} - {None}
    assert kinds <= set(FACTS["med_type"].values)
    assert set(FACTS["med_type"].values) <= kinds


def test_an_unknown_code_means_nothing() -> None:
    assert codes.policy_med_type("77") is None
    assert codes.policy_hosp_lv("99") is None
    assert codes.identity_class("6001") == ""


def test_the_national_level_one_is_the_highest_and_the_policies_level_one_the_lowest() -> None:
    assert codes.policy_hosp_lv("1") == "3"
    assert codes.policy_hosp_lv("5") == "2"
    assert codes.policy_hosp_lv("8") == "1"
    assert codes.policy_hosp_lv("11") is None


@pytest.mark.parametrize(("code", "expected"), [("2303", "dibao"), ("2304", "tekun"), ("2306", "zhichu")])
def test_identity_classes_are_those_that_policies_read(code: str, expected: str) -> None:
    assert codes.identity_class(code) == expected
    assert expected in FACTS["identity"].values


def test_the_basic_pool_follows_the_insurance_type() -> None:
    assert codes.fund_pay_type("hifp_pay", "310") == "310100"
    assert codes.fund_pay_type("hifp_pay", "390") == "390100"
    assert codes.account_fund("310") == "310200"
    assert codes.account_fund("390") == "390500"


def test_every_fund_component_has_a_code_with_a_name() -> None:
    funds = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")
    answered = {codes.fund_pay_type(fund, insutype) for fund in funds for insutype in ("310", "390")}
    assert answered | {codes.account_fund("310"), codes.account_fund("390"), codes.HOSPITAL_FUND} == set(
        codes.FUND_NAMES
    )


def test_a_municipality_is_one_pooling_area_and_elsewhere_each_city_is() -> None:
    assert codes.pooling_area("110108") == "110000"
    assert codes.pooling_area("430104") == "430100"


def test_payment_classes_and_credentials_are_those_of_the_contract() -> None:
    assert set(codes.CHRG_CLASSES) == contract_codes("ChrgitmLv")
    assert {codes.EC, codes.ID_CARD, codes.SOCIAL_SECURITY_CARD} == contract_codes("MdtrtCertType")


def test_clearing_classes_are_in_the_dictionary(dictionaries: dict[str, dict[str, str]]) -> None:
    kinds = contract_codes("MedType")
    assert {codes.clr_type(kind) for kind in kinds} <= set(dictionaries["clr_type"])


def test_fund_names_are_those_of_the_dictionary(dictionaries: dict[str, dict[str, str]]) -> None:
    national = dictionaries["fund_pay_type"]
    observed = {"390201": national["390200"]}
    assert {code: observed.get(code) or national[code] for code in codes.FUND_NAMES} == codes.FUND_NAMES


def test_every_hospital_level_of_the_dictionary_is_known_except_without_level(
    dictionaries: dict[str, dict[str, str]],
) -> None:
    without = {code for code in dictionaries["hosp_lv"] if codes.policy_hosp_lv(code) is None}
    assert {dictionaries["hosp_lv"][code] for code in without} == {"无等级"}
    for code, name in dictionaries["hosp_lv"].items():
        if code not in without:
            assert codes.policy_hosp_lv(code) == {"三": "3", "二": "2", "一": "1"}[name[0]]


def test_identity_codes_are_in_the_dictionary(dictionaries: dict[str, dict[str, str]]) -> None:
    helped = {code for code in dictionaries["psn_idet_type"] if codes.identity_class(code)}
    assert helped == {"2301", "2302", "2303", "2304", "2305", "2306", "2307"}


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("Q0000_BIZ11", "Q000011"),
        ("TS310101_BIZ11", "TS31010111"),
        ("D390201", "D390201"),
        ("op_dedc", "op_dedc"),
        ("ma_ordinary_fund", "ma_ordfund"),
    ],
)
def test_the_code_of_an_accumulation_has_room_in_its_field(code: str, short: str) -> None:
    assert codes.cum_type_code(code) == short


def test_codes_that_are_cut_stay_apart_and_stay_the_same() -> None:
    long = [codes.cum_type_code(f"D310101_BIZ{kind}") for kind in ("2101", "2102", "21303")]
    assert len(set(long)) == 3
    assert {len(code) for code in long} == {10}
    assert long[0] == codes.cum_type_code("D310101_BIZ2101")
