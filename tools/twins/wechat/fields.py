"""Reads the fields of a request as WeChat Pay does: by type, length and pattern, and names the first that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from tools.twins.wechat.errors import ILLEGAL, parameter

_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-|*]{1,64}")
_LOCAL: Final = ("http://127.", "http://localhost:")
_MOST_FEN: Final = 10_000_000_000

Body = Mapping[str, Any]


def text(body: Body, name: str, most: int, *, inner: int = ILLEGAL) -> str:
    """A text of 1 to `most` characters."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise parameter(name, f"参数错误：缺少字段 {name}", inner)
    if len(value) > most:
        raise parameter(name, f"参数错误：字段 {name} 超过 {most} 个字符", inner)
    return value


def maybe_text(body: Body, name: str, most: int) -> str:
    """A text of at most `most` characters; "" where it is missing."""
    return "" if body.get(name) in (None, "") else text(body, name, most)


def number(body: Body, name: str, most: int) -> str:
    """A merchant's own number: letters, digits and `_-|*`."""
    value = text(body, name, most)
    if not _NUMBER.fullmatch(value):
        raise parameter(name, f"参数错误：字段 {name} 含有不允许的字符")
    return value


def fen(body: Body, name: str, *, least: int = 0) -> int:
    """An amount in whole fen."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST_FEN:
        raise parameter(name, f"参数错误：字段 {name} 应为不小于 {least} 的整数，单位为分")
    return value


def maybe_fen(body: Body, name: str) -> int | None:
    """An amount in whole fen, None where it is missing."""
    return None if body.get(name) is None else fen(body, name)


def one_of(body: Body, name: str, values: Iterable[str]) -> str:
    """One of the values of an enumeration."""
    value = text(body, name, 64)
    if value not in values:
        raise parameter(name, f"参数错误：字段 {name} 的取值 {value} 不在枚举范围内")
    return value


def part(body: Body, name: str) -> Body:
    """An object."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise parameter(name, f"参数错误：缺少字段 {name}")
    return value


def parts(body: Body, name: str, most: int = 20) -> list[Body]:
    """A list of objects; empty where it is missing."""
    value = body.get(name) or []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(each, dict) for each in value):
        raise parameter(name, f"参数错误：字段 {name} 应为不超过 {most} 项的列表")
    return value


def address(body: Body, name: str) -> str:
    """An address for notifies: https without a query. A twin also calls http on this machine, where it stands itself."""
    value = text(body, name, 256)
    if not value.startswith(("https://", *_LOCAL)) or "?" in value or "#" in value:
        raise parameter(name, f"参数错误：字段 {name} 应为不带参数的 https 地址")
    return value


def moment(body: Body, name: str) -> datetime:
    """A moment in RFC 3339 with its zone."""
    value = text(body, name, 64)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise parameter(name, f"参数错误：字段 {name} 应为 RFC 3339 格式的时间")
    return found
