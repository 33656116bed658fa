"""Texts of the reasons that imaging raises: reason → (Chinese, English), placeholders named like the fault's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IMAGING: Final[Mapping[str, tuple[str, str]]] = {
    "NODE_EXISTS": (
        "影像节点{node_no}已登记，其区划或存储单位与本次不同",
        "The node {node_no} is registered for another division or storing unit",
    ),
    "NODE_NOT_FOUND": ("没有登记影像节点{node_no}", "No node {node_no} is registered"),
    "NODE_SUSPENDED": ("影像节点{node_no}已暂停", "The node {node_no} is suspended"),
    "SEQUENCE_GAP": (
        "来源序号不连续：已收至{watermark}，收到的是{source_seq}",
        "Entries are missing: all is kept up to {watermark}, and {source_seq} came",
    ),
    "SEARCH_TOO_BROAD": (
        "符合条件的检查超过{most}条，无法逐一核对",
        "More than {most} studies would have to be looked through",
    ),
    "AUDIT_UNAVAILABLE": ("审计日志暂时无法写入，未予查阅", "The audit log takes no entries now; nothing was read"),
    "SECRETS_SEALED": ("影像索引的密钥无法打开", "The secrets of the index cannot be opened"),
}

IMAGING_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "NODE_EXISTS": (
        "请核对节点编号；换了区划或存储单位的节点，请另用一个编号登记",
        "Look at the number; a node of another division or unit gets a new one",
    ),
    "NODE_SUSPENDED": (
        "请与运营方核实，解除暂停后从断点续传",
        "Ask the operator; once it is lifted, go on behind the watermark",
    ),
    "SEARCH_TOO_BROAD": (
        "请缩小范围：指明检查日期、患者或检查编号",
        "Ask for less: name days, a patient or studies",
    ),
    "AUDIT_UNAVAILABLE": ("请稍后重试；持续出现请联系运营方", "Try again later; if it goes on, tell the operator"),
    "SECRETS_SEALED": (
        "请让更换前的网格密钥与新密钥并存后重启",
        "Let the keys of before hold beside the new ones, and start again",
    ),
    "SEQUENCE_GAP": ("请从已收序号的下一条起重新报送", "Send again from the number behind the watermark"),
}
