"""What `python -m services store` says, in English as it stands in the code, with the Chinese of each.

`{…}` stand for names, places and numbers, in both languages the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

_CHINESE: Final[Mapping[str, str]] = {
    "{member}: {place} does not exist; the next start makes it": "{member}：{place}不存在，下次启动时建立",
    "{member}: {place}, empty; the next start makes its tables": "{member}：{place}，空库，下次启动时建表",
    "{member}: {place}, revision {revision}, {by}: in order": "{member}：{place}，修订{revision}，{by}：正常",
    "{member}: {place}, revision {revision}, {by}: the next start, or 'store upgrade', brings it to {head}": (
        "{member}：{place}，修订{revision}，{by}：下次启动或store upgrade时升级到{head}"
    ),
    "{member}: {place}, no revision: the next start, or 'store upgrade', takes it for {baseline} and brings it to {head}": (
        "{member}：{place}，没有修订号：下次启动或store upgrade时按{baseline}对待，并升级到{head}"
    ),
    "{member}: {place}, revision {revision}, {by}: not known to {own}, which knows {head} at most": (
        "{member}：{place}，修订{revision}，{by}：{own}不认识，最多认识{head}"
    ),
    "{member}: {place}, revision {revision}, {by}: not as {own} expects it": (
        "{member}：{place}，修订{revision}，{by}：与{own}所需不同"
    ),
    "made by {release}": "由{release}建立",
    "made before stores had versions": "建于数据库有版本之前",
    "  differs: {piece}": "  不同：{piece}",
    "{member}: {place} is at revision {head}": "{member}：{place}的修订为{head}",
    "{member}: {place} was copied to {copy}": "{member}：{place}已复制到{copy}",
    "{member}: type this, where pg_dump is as new as the server or newer:": (
        "{member}：请执行以下命令（pg_dump的版本不得低于服务器）："
    ),
    "{member}: stop the mesh, then type this; what was written after the copy is lost:": (
        "{member}：请先停止网格，再执行以下命令；副本之后写入的内容会丢失："
    ),
    "{member}: {place} is {copy} again": "{member}：{place}已恢复为{copy}",
    "{member}: {place} is {copy} again; what stood there is {aside}": "{member}：{place}已恢复为{copy}；原来的库现为{aside}",
    "{member}: {copy} holds no table of it": "{member}：{copy}中没有它的表",
    "{member}: {file} is no whole SQLite store": "{member}：{file}不是完整的SQLite库",
    "{member}: {copy} is the store itself, not a copy of it": "{member}：{copy}就是库本身，不是副本",
    "{member}: copies go to a folder, and {file} is none": "{member}：副本须存入目录，{file}不是目录",
    "{member}: there is no copy {file}": "{member}：没有副本{file}",
    "{member}: {file} stands already": "{member}：{file}已存在",
    "{member}: {file}: {why}": "{member}：{file}：{why}",
    "{member}: SQLite says {error}": "{member}：SQLite返回{error}",
    "Looks after the members' stores. Without a member: all that have one.": "管理各成员的数据库。不带成员名：全部有库的成员。",
    "says revision and release of a store, and what is not as expected": "显示库的修订号、版本，以及与预期不符之处",
    "brings a store to this program's revision, as a start does": "把库升级到本程序的修订，与启动时相同",
    "copies a SQLite store while it is in use; prints the words for PostgreSQL": (
        "在使用中复制SQLite库；对PostgreSQL打印所需命令"
    ),
    "puts a copy in a store's place; the mesh must not run": "用副本替换库；网格须先停止",
    "a setting, before the environment": "一项设置，优先于环境变量",
    "where copies go (here)": "副本存放的目录（默认当前目录）",
    "what 'store backup' or an upgrade made": "store backup或升级时保存的副本",
}


def told(english: str, language: Literal["zh", "en"], **values: object) -> str:
    """The text in a language, with its values; KeyError for one that has no Chinese."""
    text = _CHINESE[english] if language == "zh" else english
    return text.format_map(values) if values else text


def texts() -> Mapping[str, str]:
    """Every text with its Chinese."""
    return _CHINESE
