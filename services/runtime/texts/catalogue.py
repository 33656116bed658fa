"""Texts of the reasons that catalogue raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CATALOGUE: Final[Mapping[str, tuple[str, str]]] = {
    "RECORD_OVERLAPS": (
        "{path}与目录中同一编码、同一时段的记录内容不同，共{violation_count}处",
        "{path} holds on the same days as a standing record with other content; {violation_count} in all",
    ),
    "CODE_INVALID": (
        "编码不符合医保编码标准，共{violation_count}处",
        "Codes do not have the form of their standard; {violation_count} in all",
    ),
    "POLICY_INVALID": (
        "待遇政策文件{policy}不符合hsa.policy/1格式",
        "The policy {policy} is not a well-formed hsa.policy/1 document",
    ),
    "POLICY_VERSION_EXISTS": (
        "{path}的政策版本已发布且内容不同；已发布的版本不可更改",
        "{path} is a policy version that stands with other content; a published version never changes",
    ),
    "POLICY_NOT_FOUND": ("未找到待遇政策{policy}", "No policy {policy} is published"),
    "STACK_POLICY_UNKNOWN": (
        "{path}不是可组合的已发布政策，共{violation_count}处",
        "{path} is no published policy that a stack may name; {violation_count} in all",
    ),
    "STACK_NOT_FOUND": (
        "参保地{admdvs}险种{insutype}在{day}没有完整的待遇政策组合，缺少{missing}",
        "No complete policy stack for {admdvs}, insurance type {insutype}, on {day}: {missing} is missing",
    ),
    "ITEM_NOT_FOUND": (
        "目录编码{med_list_codg}在{day}不存在或无效",
        "No item {med_list_codg} is in the catalogue on {day}",
    ),
    "TERM_NOT_FOUND": (
        "编码{code}（{standard}）在{day}不存在或无效",
        "No code {code} of {standard} is in the catalogue on {day}",
    ),
}
