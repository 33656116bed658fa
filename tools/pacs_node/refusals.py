"""Why the node says no: to a request by a reason with an HTTP status, to one instance by a failure code of PS3.18, Annex I.2.

Texts name what is wrong and what to do next, in both languages, and never a value that was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

DOMAIN: Final = "yibao"
_TYPE: Final = "type.googleapis.com/google.rpc."


@dataclass(frozen=True, slots=True)
class Said:
    """One reason: its HTTP status or failure code, and its two texts."""

    code: int
    text_zh: str
    text_en: str


REQUESTS: Final[dict[str, Said]] = {
    "NOT_FOUND": Said(
        404, "节点没有此对象。请核对检查、序列和实例的UID。", "The node has no such object. Check the UIDs."
    ),
    "NO_SUCH_FRAME": Said(404, "该实例没有此帧。帧号从1起。", "The instance has no such frame. Frames count from 1."),
    "PATH_UNKNOWN": Said(
        404,
        "没有此路径。路径见PS3.18之10.4与10.5。",
        "There is no such path. Paths are those of PS3.18, 10.4 and 10.5.",
    ),
    "READ_ONLY": Said(405, "此路径只可用GET、HEAD读取。", "Only GET and HEAD are served here."),
    "KEY_WRONG": Said(
        401,
        "需要节点的操作密钥（Authorization: Bearer）；读者请先向索引打开检查，改用其给出的带票据的地址。",
        "The node's operator key is needed (Authorization: Bearer); a reader opens the study at the index, which gives an "
        "address with a ticket.",
    ),
    "TICKET_INVALID": Said(
        401, "票据无效。请向索引重新申请。", "The ticket is none of the index. Ask the index for one."
    ),
    "TICKET_EXPIRED": Said(
        401, "票据已过期。请向索引重新申请。", "The ticket has expired. Ask the index for a new one."
    ),
    "TICKET_FOREIGN": Said(
        403,
        "票据属于其他节点或其他检查。请使用索引给出的地址。",
        "The ticket is for another node or study. Use the address that the index gave.",
    ),
    "TICKET_REVOKED": Said(
        403,
        "票据已作废：授权已撤销或到期、会话已结束，或检查已隐藏。请重新打开会话并加入患者；仍被拒绝的须由患者重新授权。",
        "The ticket was revoked: its grant or its session has ended, or the study is hidden. Open a session and add the patient; "
        "where that is refused, it is for the patient to grant access again.",
    ),
    "REVOCATIONS_STALE": Said(
        503,
        "撤销名单已过时，节点暂不提供影像。请稍候重试。",
        "The list of revoked tickets is out of date, so nothing is served. Try again in a few seconds.",
    ),
    "KEYS_MISSING": Said(
        503,
        "尚未取得索引的公钥。请稍候重试。",
        "The index's public keys are not known yet. Try again in a few seconds.",
    ),
    "NOT_ACCEPTABLE": Said(
        406,
        "不能以所求的媒体类型或传输语法给出。请在Accept中改用其他类型，或*/*。",
        "It cannot be given in the media types or transfer syntaxes asked for. Accept others, or */*.",
    ),
    "NOT_RENDERED": Said(
        406,
        "该实例不能渲染成图像。请取原始帧。",
        "The instance cannot be rendered here. Fetch its frames as they are stored.",
    ),
    "PARAMETER_WRONG": Said(
        400,
        "查询参数不认识或有误。请核对参数（PS3.18，8.3）。",
        "A query parameter is unknown or wrong. Look at the parameters (PS3.18, 8.3).",
    ),
    "MULTIPART_WRONG": Said(
        400,
        "消息体不是由application/dicom各段组成的完整multipart/related。请核对boundary后重发。",
        "The body is no whole multipart/related with parts of application/dicom. Look at its boundary and send it again.",
    ),
    "MEDIA_TYPE_WRONG": Said(
        415,
        '只接受multipart/related; type="application/dicom"。',
        'Only multipart/related; type="application/dicom" is stored.',
    ),
    "UID_WRONG": Said(
        400, "路径中的UID不合规（PS3.5，9.1）。请更正。", "The UID in the path is none (PS3.5, 9.1). Correct it."
    ),
    "BODY_TOO_LARGE": Said(
        413, "一次存储的实例过多。请分批。", "Too many instances in one request. Send them in several."
    ),
    "DISK_FULL": Said(503, "节点现在不能写文件。请稍后重试。", "The node cannot write its files now. Try again later."),
    "INTERNAL": Said(
        500,
        "节点内部错误。请重试；仍失败的请告知节点的运维人员。",
        "The node failed. Try again, and tell its operator if it fails again.",
    ),
    "BUSY": Said(503, "节点繁忙。请稍候重试。", "The node is busy. Try again in a few seconds."),
}
"""Reasons of requests."""

INSTANCES: Final[dict[str, Said]] = {
    "PROCESSING": Said(0x0110, "处理失败。", "The node failed while it kept the instance. Send it again."),
    "DUPLICATE": Said(
        0x0111,
        "同一SOP实例UID下已存有不同内容；已存者保留。",
        "Another content is kept under this SOP Instance UID, and stands. A changed instance needs a new UID.",
    ),
    "SOP_CLASS": Said(
        0x0122, "不是可存储的SOP类。", "This SOP class is not stored: a directory of media, or no SOP class at all."
    ),
    "TOO_LARGE": Said(0xA700, "实例超过节点的限度。", "The instance is larger than this node takes."),
    "UIDS_MISSING": Said(
        0xA900,
        "缺少检查、序列或SOP实例UID。",
        "Study, series or SOP instance UID is missing: nothing says where it belongs.",
    ),
    "UID_WRONG": Said(0xA900, "UID不合规（PS3.5，9.1）。", "One of the UIDs is none (PS3.5, 9.1)."),
    "SERIES_ELSEWHERE": Said(
        0xA900, "该序列已属另一检查。", "The series is kept under another study; a series belongs to one study only."
    ),
    "PATIENT_DIFFERS": Said(
        0xA900,
        "该检查已属另一患者编号；同一检查只属一人。",
        "The study is kept under another PatientID or issuer: a study is of one patient. Correct the one or the other.",
    ),
    "OTHER_STUDY": Said(0xA901, "检查UID与路径不符。", "The instance belongs to another study than the path names."),
    "NOT_DICOM": Said(
        0xC000, "不是DICOM Part 10文件。", "This is no DICOM Part 10 file: preamble, DICM, then group 0002."
    ),
    "TRUNCATED": Said(0xC001, "文件不完整。", "The file ends before its elements do. Send it whole."),
    "BROKEN": Said(0xC002, "数据集无法解读。", "The data set cannot be understood."),
    "BOMB": Said(0xC003, "解压后超过限度。", "Deflated data that would grow beyond the limit of the node."),
    "TRANSFER_SYNTAX": Said(0xC122, "不支持的传输语法。", "The transfer syntax is missing or unknown here."),
}
"""Reasons of single instances; the codes from C000 on are ours, within the range that PS3.18 calls "cannot understand"."""


class Refusal(Exception):
    """A request that is refused, by its reason; `headers` go with the answer."""

    def __init__(self, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = REQUESTS[reason]
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.said.code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.headers.setdefault("Retry-After", "5")


class NotKept(Exception):
    """An instance that is not kept, by its reason; what is known of it by then."""

    def __init__(self, reason: str, sop_class: str = "", sop_instance: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = INSTANCES[reason]
        self.sop_class, self.sop_instance = sop_class, sop_instance


def problem(refusal: Refusal) -> dict[str, Any]:
    """The body of a refused request, in the form that the platform's REST answers have."""
    said = refusal.said
    texts = (("zh-CN", said.text_zh), ("en", said.text_en))
    details: list[dict[str, Any]] = [{"@type": f"{_TYPE}ErrorInfo", "reason": refusal.reason, "domain": DOMAIN}]
    details += [{"@type": f"{_TYPE}LocalizedMessage", "locale": locale, "message": text} for locale, text in texts]
    status = HTTPStatus(said.code).name
    return {"error": {"code": said.code, "status": status, "message": said.text_en, "details": details}}
