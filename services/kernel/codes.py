"""National dictionary codes that rules look at, and what they mean to policies and to clearing.

Source: the dictionaries of 定点医药机构接口规范 (national baseline of 2021-12-30). A code that no rule knows has no meaning
here: the functions answer None or an empty text, and whoever needs the meaning refuses; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

CHRG_CLASSES: Final[Mapping[str, str]] = {"01": "A", "02": "B", "03": "C"}
"""chrgitm_lv: 甲类, 乙类, 丙类."""

EC, ID_CARD, SOCIAL_SECURITY_CARD = "01", "02", "03"
"""mdtrt_cert_type."""

MED_TYPES: Final = frozenset(
    "11 12 13 1301 14 1103 18 21 2101 2102 2105 2106 2107 2109 21303 22 28 41 51 52 71 9901 990101 990103 9903 9904".split()
)
"""The national dictionary med_type; a province may declare others, each counting as one of these."""

_VISIT_KINDS: Final = frozenset("11 12 14 1103 18 41 51 9901 990101 990103 9903 9904".split())
_STAY_KINDS: Final = frozenset("21 2101 2102 2105 2106 2107 2109 21303 22 52".split())
"""Kinds of care that only a visit (2203, 2206, 2207) or only a stay (2401, 2303, 2304) is of, by the first digits of the
national list: 11 to 14 out-patient, 21, 22 and 52 in-patient, 41 pharmacy, 51 maternity out-patient; 18 and the 99 are
out-patient by their names (our decision). The rest is of both: 13 by the rules of IPT_TYPE and OTP_ER_REFL_FLAG, which name it
at 2401 and at 2203, and, where no text says it, 1301 emergency rescue, 28 day surgery and 71 home beds (our decision)."""

_EITHER_LOCAL: Final = frozenset(("24",))
"""24 急诊转住院 of the older national list counts as in-patient care and begins as a visit's emergency (our decision)."""

_POLICY_MED_TYPES: Final[Mapping[str, str]] = {
    "11": "outpatient",
    "12": "outpatient",
    "13": "outpatient",
    "1103": "outpatient",
    "9903": "outpatient",
    "990101": "outpatient",
    "990103": "outpatient",
    "1301": "emergency_obs",
    "14": "outpatient_chronic",
    "9901": "outpatient_chronic",
    "21": "inpatient",
    "2101": "inpatient",
    "2102": "inpatient",
    "2105": "inpatient",
    "2109": "inpatient",
    "21303": "inpatient",
    "22": "inpatient",
    "28": "day_surgery",
    "41": "pharmacy",
    "2106": "maternity_inpatient",
    "2107": "maternity_inpatient",
    "52": "maternity_inpatient",
    "71": "family_bed",
}

_HOSPITAL_LEVELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("1", "2", "3", "4", "12"), "3"),
    **dict.fromkeys(("5", "6", "7", "13"), "2"),
    **dict.fromkeys(("8", "9", "10", "14"), "1"),
}

# 2301 三无人员 and 2307 农村五保户 became 特困 by 国发〔2016〕14号; 2302, 2305 and 2306 follow 国办发〔2021〕42号 (our reading).
_IDENTITIES: Final[Mapping[str, str]] = {
    "2301": "tekun",
    "2302": "fanpin",
    "2303": "dibao",
    "2304": "tekun",
    "2305": "dibian",
    "2306": "zhichu",
    "2307": "tekun",
}

_CLEARING: Final[Mapping[str, str]] = {
    "11": "11",
    "12": "12",
    "13": "13",
    "1301": "13",
    "14": "14",
    "1103": "99962",
    "18": "18",
    "9904": "18",
    "21": "21",
    "2101": "21",
    "2105": "21",
    "2109": "21",
    "22": "21",
    "2102": "27",
    "2106": "99940",
    "2107": "99940",
    "52": "99940",
    "21303": "99928",
    "28": "28",
    "41": "41",
    "51": "53",
    "9901": "15",
    "990101": "99923",
    "9903": "1103",
}
_OTHER_CLEARING: Final = "99"

ACCOUNT_FUND, RESIDENT_ACCOUNT_FUND, HOSPITAL_FUND = "310200", "390500", "999996"
"""fund_pay_type of the rows that are no fund: own account, residents' family account, what the hospital bears."""

FUND_NAMES: Final[Mapping[str, str]] = {
    "310100": "城镇职工基本医疗保险统筹基金",
    "310200": "城镇职工基本医疗保险个人账户基金",
    "320100": "公务员医疗补助基金",
    "330100": "大额医疗费用补助基金",
    "370100": "企业补充医疗保险基金",
    "390100": "城乡居民基本医疗保险基金",
    "390201": "城乡居民大病医疗保险基金",
    "390500": "居民家庭账户金",
    "610100": "医疗救助基金",
    "999996": "医院垫付基金",
    "999997": "其他基金",
}
"""fund_pay_type: names of the codes that this platform answers; 390201 is what real answers carry for 390200."""

_FUNDS: Final[Mapping[str, str]] = {
    "cvlserv_pay": "320100",
    "hifes_pay": "370100",
    "hifmi_pay": "390201",
    "hifob_pay": "330100",
    "maf_pay": "610100",
    "oth_pay": "999997",
}

_CUM_TYPE_LENGTH: Final = 10
_SHORT_KEYS: Final[Mapping[str, str]] = {
    "chronic2_total": "chr2_total",
    "ma_major_fund": "ma_majfund",
    "ma_ordinary_fund": "ma_ordfund",
}

_MUNICIPALITIES: Final = ("11", "12", "31", "50")


def policy_med_type(med_type: str) -> str | None:
    """The kind of care that policies know for a dictionary med_type.

    None where no policy kind fits: maternity out-patient care (51) and drugs paid apart (18, 9904).
    """
    return _POLICY_MED_TYPES.get(med_type)


def fits_setting(med_type: str, *, stay: bool, local: str = "") -> bool:
    """Whether a stay, or else a visit, may be of a dictionary med_type; a code that no rule knows may be of either.

    `local` is the code that came in its place, of a province or of an older national list.
    """
    return local in _EITHER_LOCAL or med_type not in (_VISIT_KINDS if stay else _STAY_KINDS)


def policy_hosp_lv(hosp_lv: str) -> str | None:
    """The level that policies know for a dictionary hosp_lv, whose "1" is 三级特等; None for 无等级 and pharmacies."""
    return _HOSPITAL_LEVELS.get(hosp_lv)


def identity_class(psn_idet_type: str) -> str:
    """The identity class that policies know for a dictionary psn_idet_type; empty where none reads it."""
    return _IDENTITIES.get(psn_idet_type, "")


def is_resident(insutype: str) -> bool:
    """Whether an insurance type is of the residents' scheme, 390 and its forerunners."""
    return insutype.startswith("39") or insutype == "380"


def fund_pay_type(fund: str, insutype: str) -> str:
    """The dictionary code of a fund component (`hifp_pay`, …); KeyError for anything else."""
    if fund == "hifp_pay":
        return "390100" if is_resident(insutype) else "310100"
    return _FUNDS[fund]


def account_fund(insutype: str) -> str:
    """The dictionary code under which account money stands in the fund detail."""
    return RESIDENT_ACCOUNT_FUND if is_resident(insutype) else ACCOUNT_FUND


def clr_type(med_type: str) -> str:
    """The clearing class of a kind of care; 99 (其他) where the dictionary has none."""
    return _CLEARING.get(med_type, _OTHER_CLEARING)


def cum_type_code(code: str) -> str:
    """The code of an accumulation in 5206, at most ten characters as its field has them.

    `code` is what a policy likens its accumulator to, `Q0000_BIZ11` or `D310101_BIZ2101`, else its key. The mark _BIZ
    between fund and kind of care is left out; what is still too long gets a short name, or its beginning and a digest that
    keeps it apart (our decision: the field has no published dictionary).
    """
    short = _SHORT_KEYS.get(code, code.replace("_BIZ", ""))
    if len(short) <= _CUM_TYPE_LENGTH:
        return short
    return f"{short[:4]}{sha256(short.encode()).hexdigest()[: _CUM_TYPE_LENGTH - 4]}"


def pooling_area(admdvs: str) -> str:
    """The pooling area of a division, as its code: a city's `430100`, a municipality's `110000`."""
    digits = 2 if admdvs[:2] in _MUNICIPALITIES else 4
    return admdvs[:digits].ljust(6, "0")
