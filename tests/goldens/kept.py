"""The goldens as they lie in `answers`: a folder for each scene, a file for each answer. Played anew, compared, written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import Final

from tests.goldens.scenes import SCENES
from tests.goldens.town import standing_town

ANSWERS: Final = Path(__file__).parent / "answers"
SUFFIX: Final = ".json"
Goldens = Mapping[str, str]
"""Texts by `scene/step`; a step is a transaction, `2207`, and its second answer in the scene is `2207-2`."""


async def played() -> dict[str, str]:
    """What all scenes are answered now."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with standing_town(Path(folder)) as town:
            for number, (name, scene) in enumerate(SCENES.items()):
                told = town.begin(number)
                await scene(town)
                found |= {f"{name}/{step}": text for step, text in told.answers.items()}
    return found


def kept(folder: Path = ANSWERS) -> dict[str, str]:
    """What lies in the folder."""
    files = sorted(folder.glob(f"*/*{SUFFIX}"))
    return {f"{file.parent.name}/{file.stem}": file.read_text(encoding="utf-8") for file in files}


def differences(before: Goldens, now: Goldens) -> Iterator[str]:
    """The lines of a unified diff, those of a golden that came or went too."""
    for name in sorted(before.keys() | now.keys()):
        old, new = (each.get(name, "").splitlines(keepends=True) for each in (before, now))
        yield from unified_diff(old, new, f"kept/{name}{SUFFIX}", f"answered/{name}{SUFFIX}")


def write(now: Goldens, folder: Path = ANSWERS) -> list[str]:
    """Makes the folder hold these and nothing else; the lines of what that changed."""
    before = kept(folder)
    for name in before.keys() - now.keys():
        (folder / f"{name}{SUFFIX}").unlink()
    for name, text in now.items():
        file = folder / f"{name}{SUFFIX}"
        if before.get(name) != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return list(differences(before, now))


def transaction_of(name: str) -> str:
    """Which transaction a golden answers."""
    return name.rpartition("/")[2].partition("-")[0]
