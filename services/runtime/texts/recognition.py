"""Texts of the reasons and rules of recognition: reason or rule → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RECOGNITION: Final[Mapping[str, tuple[str, str]]] = {
    "ADVICE_NOT_FOUND": ("本机构没有编号为{advice_no}的互认提示", "The institution was given no advice {advice_no}"),
    "ADVICE_DECIDED": (
        "互认提示{advice_no}已登记另一处理结果",
        "Another decision on the advice {advice_no} is recorded",
    ),
    "REPORT_NOT_FOUND": (
        "本机构没有该人员这一编号的检查报告",
        "The institution has no report of the person under the number",
    ),
    "RECOGNITION_UNSURE": (
        "其中{unsure}项的影像、互认标识或项目等未能核实，请接诊医师判断",
        "Of {unsure} of them something is not known, such as the picture or the mark: the doctor decides",
    ),
    "SAMPLES_NOT_KEPT": (
        "检查报告已收；{samples}条标本信息不留存",
        "The report is kept; of {samples} samples nothing is",
    ),
}

RECOGNITION_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "ADVICE_NOT_FOUND": (
        "请核对提示编号；须由收到提示的机构登记",
        "Look at the number; the institution that was advised records the decision",
    ),
    "ADVICE_DECIDED": (
        "以已登记的结果为准；确需更改的，请重新获取提示",
        "The recorded decision stands; to decide otherwise ask for advice again",
    ),
    "REPORT_NOT_FOUND": (
        "请核对报告单号与人员编号；从未上传的报告无须作废",
        "Look at the number and the person; a report that was never told needs no withdrawal",
    ),
}

RECOGNITION_RULES: Final[Mapping[str, tuple[str, str]]] = {
    "advice.months": (
        "应不早于起始月份，且合计不超过{most}个月",
        "a month not before the first one, and not more than {most} months in all, is expected",
    ),
    "report.other_number": ("应与检查报告的报告单号一致", "the number of the report is expected"),
    "report.credential": (
        "应为01（医保电子凭证）：授权须由参保人出示电子凭证",
        "01 is expected, the electronic credential: the person authorises by showing it",
    ),
    "advice.listed": ("应为该提示所列的检查之一", "one of the examinations that the advice lists is expected"),
}
