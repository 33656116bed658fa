"""Writes the tables of settings into both READMEs: `python -m tools.settings_table`, after a member or a setting is new."""

from __future__ import annotations

import re
import sys
from typing import Final, Literal

from services.runtime.config import settings_markdown
from tools.tidy import ROOT

_BLOCK: Final = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)
_FILES: Final[tuple[tuple[str, Literal["en", "zh"]], ...]] = (("README.md", "en"), ("README.zh-CN.md", "zh"))


def main() -> int:
    """Writes both."""
    for name, language in _FILES:
        file = ROOT / name
        table = settings_markdown(language).strip()
        text = file.read_text(encoding="utf-8")
        file.write_text(_BLOCK.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), encoding="utf-8")  # noqa: B023
    return 0


if __name__ == "__main__":
    sys.exit(main())
