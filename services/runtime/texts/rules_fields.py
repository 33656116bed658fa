"""Texts of the contract's field rules (protovalidate) by their ids: (Chinese, English), with the limits of each as values.

`limit` is the rule's own number, `least` and `most` are a range, `unit` its unit, `form` what a pattern asks for in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_RANGE: Final = ("应在{least}至{most}{unit}之间", "must lie between {least} and {most} {unit}")
_LEAST: Final = ("不能小于{limit}{unit}", "must be at least {limit} {unit}")
_MOST: Final = ("不能大于{limit}{unit}", "must be at most {limit} {unit}")
_ABOVE: Final = ("应大于{limit}{unit}", "must be greater than {limit} {unit}")
_BELOW: Final = ("应小于{limit}{unit}", "must be less than {limit} {unit}")
_MOMENTS: Final = ("应不早于{least}且早于{most}", "must not be before {least}, and must be before {most}")

FIELD_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "required": ("必填", "is required"),
    "oneof.required": ("标有本条的字段须填写其中一个", "one of the fields that say this is required"),
    "string.min_len": ("至少{limit}个字符", "must be at least {limit} characters"),
    "string.max_len": ("最多{limit}个字符", "must be at most {limit} characters"),
    "bytes.max_len": ("最多{limit}字节", "must be at most {limit} bytes"),
    "string.pattern": ("格式不正确，应为{form}", "has the wrong form: {form} is expected"),
    "string.in": ("应为{allowed}之一", "must be one of {allowed}"),
    "enum.defined_only": ("代码不在字典内", "is not a code of the dictionary"),
    "enum.not_in": ("必填", "is required"),
    "repeated.min_items": ("至少{limit}条", "needs at least {limit} row(s)"),
    "repeated.max_items": ("最多{limit}条", "must contain no more than {limit} item(s)"),
    "map.max_pairs": ("最多{limit}项", "map must be at most {limit} entries"),
    "int32.gte_lte": _RANGE,
    "int64.gte_lte": _RANGE,
    "int32.gte": _LEAST,
    "int64.gte": _LEAST,
    "int32.lte": _MOST,
    "int64.lte": _MOST,
    "int32.gt": _ABOVE,
    "int64.gt": _ABOVE,
    "int32.lt": _BELOW,
    "int64.lt": _BELOW,
    "timestamp.gte_lt": _MOMENTS,
}

# What each pattern of the contract asks for.
FORMS: Final[Mapping[str, tuple[str, str]]] = {
    r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$": (
        "整数最多12位、小数最多6位的数值",
        "a number of at most 12 digits and 6 decimals",
    ),
    r"^[0-9]{1,10}(\.[0-9]{1,6})?$": (
        "整数最多10位、小数最多6位且不为负的数值",
        "a number of at most 10 digits and 6 decimals, not negative,",
    ),
    "^[0-9]{1,6}$": ("1至6位数字", "a code of 1 to 6 digits"),
    "^[0-9]{2,6}$": ("2至6位数字", "a code of 2 to 6 digits"),
    "^[0-9]{3,6}$": ("3至6位数字", "a code of 3 to 6 digits"),
    "^[0-9]{4}$": ("4位数字", "a code of 4 digits"),
    "^[0-9]{6,8}$": ("6至8位数字", "a code of 6 to 8 digits"),
    "^[12][0-9]{3}-(0[1-9]|1[0-2])$": ("年月，格式yyyy-MM", "a month yyyy-MM"),
    "^(0?[1-9]|1[0-2])$": ("1至12的月份", "a month from 1 to 12"),
    "^[0-9]{6}$": ("6位数字", "a code of 6 digits"),
    "^([0-9]{6}|sandbox)$": ("属地单元代码", "the code of a cell"),
    "^([0-9]{6}|sandbox)?$": ("属地单元代码或空白", "the code of a cell, or nothing,"),
    "^[HP][0-9]{11}$": ("H或P加11位数字", "H or P with 11 digits"),
    "^[A-Za-z0-9_-]{16,64}$": (
        "16至64位字母、数字、下划线或连字符",
        "16 to 64 letters, digits, hyphens or underscores",
    ),
    "^(04)?[0-9A-Fa-f]{128}$": ("SM2公钥的十六进制", "an SM2 public key in hex: x and y"),
    "^[0-9A-Fa-f]{64}$": ("64位十六进制", "64 digits of hex"),
    "^[0-9A-Z]{12}$": ("12位数字或大写字母", "12 digits or capital letters"),
    r"^[Vv]?[0-9]{1,2}([.][0-9]{1,2}){1,2}$": ("接口版本号，如V1.0", "the version of the interface, such as V1.0,"),
}
