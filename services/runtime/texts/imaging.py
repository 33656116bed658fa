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
    "SESSION_UNKNOWN": ("没有该阅片会话，或已结束", "There is no such session, or it has ended"),
    "SESSION_FULL": ("该阅片会话的授权已达{most}条", "The session has {most} grants already"),
    "SESSIONS_FULL": (
        "本机构的阅片会话已达{most}个",
        "The institution has {most} sessions of readers already",
    ),
    "SESSION_OF_OWN_LIST": (
        "该会话只查看本机构的检查，不能加入患者",
        "The session reads the institution's own list and takes no patients",
    ),
    "CONFLICT_NOT_FOUND": ("该检查没有待处理的归属冲突", "No nodes contradict each other about that study"),
    "STUDY_NOT_FOUND": ("没有该检查，或无权查阅", "There is no such study, or you may not see it"),
    "NODE_AWAY": (
        "存储该检查的影像节点{node_no}暂时无应答",
        "The node {node_no}, which holds the study, does not answer now",
    ),
    "REVOCATIONS_STALE": (
        "撤销清单暂时无法更新，未予下发",
        "The list of revocations is not up to date and is not told",
    ),
    "MEDIA_TYPE_UNSERVED": (
        "只能以JSON或XML应答检索",
        "A search is answered in JSON or XML only",
    ),
    "DICOMWEB_UNSERVED": ("索引不提供该DICOMweb路径", "The index does not serve this path of DICOMweb"),
    "FHIR_UNSERVED": ("不提供此FHIR交互", "This interaction of FHIR is not served"),
    "NODE_ANSWER_BROKEN": (
        "影像节点的应答无法读取，或不属于该检查",
        "The answer of the study's node cannot be read, or is about another study",
    ),
}

IMAGING_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "NODE_EXISTS": (
        "请核对节点编号；换了区划或存储单位的节点，请另用一个编号登记",
        "Look at the number; a node of another division or unit gets a new one",
    ),
    "NODE_NOT_FOUND": (
        "请先由运营方登记该节点（影像接口nodes:register），再签发角色为NODE的API密钥、报送；已登记的请核对编号",
        "Have an operator register it first (/v1/imaging/nodes:register) with an API key of role NODE, or look at the number",
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
    "SESSION_UNKNOWN": (
        "请核对会话令牌（DICOMweb与FHIR：请求头Authorization: Bearer）；已结束的请重新打开会话并加入患者",
        "Check the session's token (DICOMweb, FHIR: Authorization: Bearer); where it has ended, open another and add patients",
    ),
    "SESSION_FULL": ("请另开一个会话", "Open another session"),
    "SESSIONS_FULL": ("请先关闭不再使用的会话，或稍后再试", "Close sessions that nobody uses any more, or try later"),
    "SESSION_OF_OWN_LIST": ("请另开诊疗会话，再加入患者", "Open a session for treatment and add the patient there"),
    "STUDY_NOT_FOUND": (
        "请核对检查的UID，并确认患者已加入会话且授权有效",
        "Look at the UID, and whether the patient was added to the session and the grant holds",
    ),
    "NODE_AWAY": ("请稍后重试；持续出现请联系存储单位", "Try again later; if it goes on, ask the storing unit"),
    "REVOCATIONS_STALE": ("请稍后重试，期间不要打开影像", "Ask again soon, and open no study until then"),
    "MEDIA_TYPE_UNSERVED": (
        '请在Accept中写application/dicom+json，或multipart/related; type="application/dicom+xml"',
        'Accept application/dicom+json, or multipart/related; type="application/dicom+xml"',
    ),
    "DICOMWEB_UNSERVED": (
        "检索用studies、series或studies/（UID）/series，影像由节点在studies/（UID）下提供",
        "Search studies, series or studies/(uid)/series; pictures are at the nodes, below studies/(uid)",
    ),
    "SEQUENCE_GAP": (
        "请从已收序号的下一条起重新报送（sourceSeq，未填的按0计）",
        "Send again from the number behind the watermark (sourceSeq; one that is missing counts as 0)",
    ),
    "FHIR_UNSERVED": (
        "请改用/fhir/metadata中列出的交互",
        "Use what /fhir/metadata names",
    ),
    "NODE_ANSWER_BROKEN": (
        "请稍后重试；如仍如此，请联系保存影像的单位",
        "Ask again later; if it stays so, tell the unit that stores the study",
    ),
}
