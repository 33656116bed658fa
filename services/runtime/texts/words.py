"""Words for values that stand in texts as codes of the mesh: states, roles, members, facts, units, forms of patterns.

A value that is no code (a number, a name that was sent, a field's national name) stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from services import cells
from services.runtime.texts.rules_fields import FORMS

_NAMES: Final = {
    "identity": "参保身份",
    "catalogue": "目录",
    "settlement": "结算",
    "routing": "异地",
    "payment": "支付",
    "imaging": "影像",
    "gateway": "网关",
    "internal": "内部",
    "cli": "命令行",
}

# A member of another cell is called by its seat; the stream of notices is asked like one.
_MEMBERS: Final = (
    _NAMES
    | {"nats": "消息流"}
    | {f"{code}/{name}": f"{chinese}（{code}）" for code in cells.codes() for name, chinese in _NAMES.items()}
)

# A cell is called by the code of its division, the sandbox's by a word.
_CELLS: Final = {cells.SANDBOX: "沙箱"}

_FACTS: Final = {
    "hosp_lv": "医院等级",
    "status": "人员状态",
    "identity": "人员身份",
    "med_type": "医疗类别",
    "remote": "就医地类型",
    "age": "年龄",
    "months_insured": "参保月数",
    "cii_bonus_units": "大病保险奖励单位数",
    "cvlserv": "公务员标志",
    "cvl_rank": "公务员等级",
    "ent_flag": "企业补充标志",
    "contracted": "签约标志",
    "ma_category": "医疗救助类别",
    "disease": "病种",
    "chronic_class": "慢特病类别",
    "same_stay": "同一次住院标志",
    "own_current_year_balance": "当年账户余额",
    "settle_date": "结算日期",
    "begin_date": "开始日期",
    "end_date": "结束日期",
}

# Dictionary med_type, as its own words have it, and in English.
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "11": ("普通门诊", "out-patient care"),
    "12": ("门诊挂号", "out-patient registration"),
    "13": ("急诊", "emergency care"),
    "1301": ("急诊抢救", "emergency rescue"),
    "14": ("门诊慢特病", "out-patient care of a chronic or special disease"),
    "1103": ("癌症筛查", "cancer screening"),
    "18": ("特药购药", "purchase of special drugs"),
    "21": ("住院", "in-patient care"),
    "2101": ("普通住院", "ordinary in-patient care"),
    "2102": ("单病种住院", "in-patient care paid by disease"),
    "2105": ("康复治疗住院", "in-patient rehabilitation"),
    "2106": ("生育平产(居民)", "natural childbirth of residents"),
    "2107": ("生育剖宫产(居民)", "Caesarean section of residents"),
    "2109": ("新生儿抢救", "rescue of a newborn"),
    "21303": ("精神病住院", "psychiatric in-patient care"),
    "22": ("外伤住院", "in-patient care of an injury"),
    "28": ("日间手术", "day surgery"),
    "41": ("定点药店购药", "purchase at a pharmacy"),
    "51": ("生育门诊", "maternity out-patient care"),
    "52": ("生育住院", "maternity in-patient care"),
    "71": ("家庭病床", "home bed"),
    "9901": ("门诊两病", "out-patient care of hypertension or diabetes"),
    "990101": ("门诊单病种", "out-patient care paid by disease"),
    "990103": ("新冠病毒核酸检测", "nucleic acid test"),
    "9903": ("意外伤害门诊", "out-patient care of an accident"),
    "9904": ("大病特药", "special drugs of major diseases"),
}
_SETTINGS: Final[Mapping[str, tuple[str, str]]] = {"visit": ("门诊就诊", "visits"), "stay": ("住院", "stays")}

_PAYMENT_STATES: Final = {"issued": "待发出", "sent": "已发出", "paid": "已付讫", "failed": "失败", "void": "作废"}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": {"open": "未结束", "discharged": "已出院", "settled": "已结算", "cancelled": "已撤销"},
    "role": {
        "institution": "定点医药机构",
        "channel": "渠道",
        "person": "参保人",
        "operator": "运营方",
        "service": "网内服务",
        "public": "未认证调用方",
        "node": "影像节点",
    },
    "member": _MEMBERS,
    "caller": _MEMBERS,
    "sender": _MEMBERS,
    "audience": _MEMBERS,
    "queue": {
        "settle": "结算",
        "trial": "预结算",
        "publish": "发布",
        "Settle": "结算",
        "Trial": "预结算",
        "Verify": "核验",
    },
    "missing": {"stack": "政策组合"},
    "what": {
        "api_key": "自选API密钥",
        "partner.sandbox": "沙箱接入方",
        "yibao-business-date": "业务日期（X-Yibao-Business-Date）",
    },
    "cell": _CELLS,
    "own_cell": _CELLS,
    "cells": _CELLS,
    "facts": _FACTS,
    "fact": _FACTS,
    "shape": {
        "object": "对象",
        "array": "列表",
        "string": "文本",
        "integer": "整数",
        "true or false": "true或false",
        "base64": "Base64编码的文本",
        "UTF-8": "UTF-8文本",
        "yyyy-MM-dd": "yyyy-MM-dd格式的日期",
        "RFC 3339 time": "带时区的时间，如2026-01-05T09:05:03+08:00",
    },
    "unit": {"yuan": "元"},
    "kind": {code: chinese for code, (chinese, _) in _KINDS.items()},
    "care_setting": {code: chinese for code, (chinese, _) in _SETTINGS.items()},
    "last": {"": "长期"},
    "month_state": {"open": "未关账", "closed": "已关账", "netted": "已轧差", "paid": "已付讫"},
    "journal_kind": {"settle": "结算记录", "reverse": "撤销记录"},
    "payment_state": _PAYMENT_STATES,
    "wanted_state": _PAYMENT_STATES,
}

_ENGLISH: Final[Mapping[str, Mapping[str, str]]] = {
    "journal_kind": {"settle": "settlement entry", "reverse": "reversal"},
    "kind": {code: english for code, (_, english) in _KINDS.items()},
    "care_setting": {code: english for code, (_, english) in _SETTINGS.items()},
}

# The request id that the gateway makes of a message of the national envelope.
_NATIONAL_ID: Final = re.compile(r"([0-9]{4}[A-Z]?):(.+)")

IN_CHINESE: Final = "_zh"
"""Behind the name of a value: what stands for it in a Chinese text, where it is a sentence and no code."""

_LISTS: Final = frozenset({"facts", "cells"})


def values_in(values: Mapping[str, str], lang: Literal["zh", "en"]) -> Mapping[str, str]:
    """The values of a text in the words of a language, where they are codes that have some."""
    if "form" in values and values["form"] in FORMS:
        values = {**values, "form": FORMS[values["form"]][0 if lang == "zh" else 1]}
    if values.get("guess"):
        asked = "，是否应为{}" if lang == "zh" else "; did you mean {}?"
        values = {**values, "guess": asked.format(values["guess"])}
    if found := _NATIONAL_ID.fullmatch(values.get("request_id", "")):
        infno, msgid = found.groups()
        said = f"{msgid}（交易{infno}）" if lang == "zh" else f"{msgid} of transaction {infno}"
        values = {**values, "request_id": said}
    if lang == "en":
        return {name: _ENGLISH[name].get(value, value) if name in _ENGLISH else value for name, value in values.items()}
    words = {name: _word(name, value) if name in WORDS else value for name, value in values.items()}
    return {name: values.get(f"{name}{IN_CHINESE}", word) for name, word in words.items()}


def _word(name: str, value: str) -> str:
    words = WORDS[name]
    if name in _LISTS:
        return "、".join(words.get(each, each) for each in value.split(","))
    return words.get(value, value)
