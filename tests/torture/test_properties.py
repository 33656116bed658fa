"""Properties whose examples are many and dear, each tried twenty times as often as in `make test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.rounds import TIMES
from tools.tidy import ROOT

pytestmark: Final = pytest.mark.torture
FOLD: Final = "20"


def files() -> list[str]:
    """Those that say how many examples they try by `rounds`."""
    tests = [each for each in (ROOT / "tests").rglob("test_*.py") if each.parent != Path(__file__).parent]
    return sorted(str(each) for each in tests if "from tests.rounds import rounds" in each.read_text(encoding="utf-8"))


def test_properties_hold_for_many_more_examples() -> None:
    found = files()
    assert len(found) > 3
    command = (sys.executable, "-m", "pytest", "-q", "-n", "2", *found)
    ran = subprocess.run(
        command, cwd=ROOT, env={**os.environ, TIMES: FOLD}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
