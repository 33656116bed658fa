"""Properties whose examples are many and dear, each tried twenty times as often as in `make test`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.rounds import TIMES
from tools.tidy import ROOT

pytestmark: Final = pytest.mark.torture
FILES: Final = sorted(
    str(each.relative_to(ROOT))
    for each in (ROOT / "tests").rglob("test_*.py")
    if "from tests.rounds import rounds" in each.read_text(encoding="utf-8")
)
FOLD: Final = "20"


def test_properties_hold_for_many_more_examples() -> None:
    assert len(FILES) > 3
    command = (sys.executable, "-m", "pytest", "-q", "-n", "2", *FILES)
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, TIMES: FOLD}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
