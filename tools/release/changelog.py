"""CHANGELOG.md in the form of Keep a Changelog: which releases it tells of, and how the section of the next one is closed."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

UNRELEASED: Final = "[Unreleased]"
_SECTION: Final = re.compile(r"^## ", re.MULTILINE)
_DATED: Final = re.compile(r"\[([^]]+)\] - (\d{4}-\d{2}-\d{2})")
_CHANGE: Final = re.compile(r"^- \S", re.MULTILINE)


def released(text: str) -> list[str]:
    """The versions of its dated sections, as they stand: the newest first."""
    found = (_DATED.fullmatch(each.partition("\n")[0].strip()) for each in _sections(text))
    return [each[1] for each in found if each]


def has_unreleased(text: str) -> bool:
    """Whether changes stand that no release holds."""
    return any(each.startswith(UNRELEASED) and _CHANGE.search(each) for each in _sections(text))


def closed(text: str, version: str, day: date) -> str:
    """The same with all that is unreleased under a heading of that version and day."""
    return text.replace(f"## {UNRELEASED}\n", f"## {UNRELEASED}\n\n## [{version}] - {day:%Y-%m-%d}\n", 1)


def problems(text: str, version: str, today: date) -> list[str]:
    """Why its section of a version is none of a release; empty where it is one."""
    wanted = f"## [{version.partition('.dev')[0]}] - {today:%Y-%m-%d}"
    mine = [each for each in _sections(text) if each.startswith(f"[{version}]")]
    if not mine:
        return [f"CHANGELOG.md has no section of this version; write `{wanted}` over what it changes"]
    heading, _, body = mine[0].partition("\n")
    found: list[str] = []
    dated = _DATED.fullmatch(heading.strip())
    try:
        day = date.fromisoformat(dated[2]) if dated else None
    except ValueError:
        day = None
    if day is None:
        found.append(f"CHANGELOG.md: the section has no date; write `{wanted}`")
    elif day > today:
        found.append(f"CHANGELOG.md: {day} is not come yet; write `{wanted}`")
    if not _CHANGE.search(body):
        found.append("CHANGELOG.md: the section names no change")
    if has_unreleased(text):
        found.append("CHANGELOG.md: changes stand under [Unreleased]; move them to the section of this version")
    return found


def _sections(text: str) -> list[str]:
    return _SECTION.split(text)[1:]
