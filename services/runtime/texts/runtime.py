"""Texts of the reasons that the runtime itself raises, in every member: reason → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RUNTIME: Final[Mapping[str, tuple[str, str]]] = {
    "INVALID_REQUEST": ("请求内容不符合要求", "The request breaks the rules of its fields"),
    "REQUEST_UNREADABLE": ("请求报文无法解析", "The request is not a readable message"),
    "CALLER_TOKEN_MISSING": ("缺少调用方凭证", "The call carries no caller token"),
    "CALLER_TOKEN_INVALID": ("调用方凭证无效", "The caller token is not valid"),
    "CALLER_TOKEN_EXPIRED": ("调用方凭证已过期", "The caller token has expired"),
    "CALLER_TOKEN_WRONG_AUDIENCE": (
        "调用方凭证面向服务“{audience}”，不适用于{member}",
        "The caller token is for {audience}, not for {member}",
    ),
    "CALLER_TOKEN_WRONG_CELL": (
        "调用方凭证属于单元“{cell}”，不适用于单元“{own_cell}”的{member}",
        "The caller token is of the cell {cell}, not of {own_cell}, whose {member} this is",
    ),
    "CALLER_UNKNOWN": ("未登记的调用方服务“{caller}”", "No member or caller {caller} is known to the mesh"),
    "CALLER_NOT_ADMITTED": (
        "服务“{caller}”无权调用服务“{member}”",
        "The mesh table does not let {caller} call {member}",
    ),
    "CALLER_SPEAKS_FOR_ITSELF": (
        "服务“{caller}”只能以自身名义调用",
        "{caller} may call in its own name only",
    ),
    "CALLER_TOKEN_FORWARDED": (
        "条目的调用方凭证由“{caller}”签发，与批次的发送方“{sender}”不一致",
        "The caller token of the item was made by {caller}, and the batch is sent by {sender}",
    ),
    "ROLE_NOT_ALLOWED": ("{role}无权调用{method}", "The role {role} may not call {method}"),
    "CALLER_NOT_ALLOWED": ("服务“{caller}”无权调用{method}", "{caller} may not call {method}"),
    "CALLER_NOT_BOUND": ("字段{field}与调用方身份不一致", "The field {field} does not name the caller"),
    "SANDBOX_ONLY": ("{what}仅在沙箱环境可用", "{what} exists only in a sandbox"),
    "DEADLINE_EXCEEDED": ("处理超时", "The deadline passed before the work was done"),
    "STREAM_IDLE": ("数据流{seconds}秒内没有报文，已结束", "The stream said nothing for {seconds} s and was ended"),
    "TOO_MANY_CALLS": ("服务“{member}”繁忙，请稍后重试", "{member} serves as many calls as it may; try again later"),
    "MESSAGE_TOO_LARGE": ("报文大小超过上限{limit_bytes}字节", "The message is larger than {limit_bytes} bytes"),
    "QUEUE_FULL": ("“{queue}”队列已满，请稍后重试", "The queue {queue} is full; try again later"),
    "SHUTTING_DOWN": ("服务正在停止，请稍后重试", "The member is stopping; try again later"),
    "PEER_UNAVAILABLE": ("服务“{member}”暂不可用，请稍后重试", "{member} cannot be reached; try again later"),
    "METHOD_UNSERVED": ("服务“{member}”未提供该方法", "{member} does not serve this method"),
    "STORE_UNAVAILABLE": ("数据库暂不可用，请稍后重试", "The store cannot be reached; try again later"),
    "INTERNAL_ERROR": (
        "系统内部错误，错误编号{error_id}。请以相同msgid重发，仍失败的将该编号告知运营方",
        "Internal error {error_id}. Send it again with the same msgid; where it fails again, tell the operator that id",
    ),
    "DOCUMENT_INVALID": ("文件{source}不符合格式要求", "The file {source} is not well-formed"),
    "CASE_INVALID": ("算例文件{source}不符合格式要求", "The case file {source} is not well-formed"),
    "CASE_NOT_PLAYABLE": ("算例无法在网格上演算：{what}", "The case cannot be played through the interface: {what}"),
    "AMOUNT_INVALID": ("金额不是整数分或超出范围", "An amount is no whole number of fen or out of range"),
    "RATIO_INVALID": ("比例不是小数或百分数", "A ratio is not a decimal or a percentage"),
}
