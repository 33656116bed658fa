"""The refusals that code of the repository makes while a test runs, each kind of them once in a run.

What tests make up themselves is none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from services.kernel.errors import Fault

_ROOT: Final = Path(__file__).resolve().parents[1]
_PLACES: Final = tuple(str(_ROOT / place) for place in ("services", "gateway", "tools"))
_ERRORS: Final = str(_ROOT / "services" / "kernel" / "errors.py")
# What comes over the wire was made elsewhere, and there was one with all its values.
_STATUS: Final = str(_ROOT / "services" / "runtime" / "status.py")
_seen: set[Any] = set()


def record_faults(monkeypatch: pytest.MonkeyPatch) -> list[Fault]:
    """The list that takes every fault of a new kind made from now on."""
    raised: list[Fault] = []
    original = Fault.__init__

    def recording(self: Fault, kind: Any, reason: str, metadata: Mapping[str, str] | None = None, **more: Any) -> None:
        original(self, kind, reason, metadata, **more)
        place = _place()
        mark = (place, reason, tuple(self.metadata), tuple({each.rule for each in self.violations}))
        if place and mark not in _seen:
            _seen.add(mark)
            raised.append(self)

    monkeypatch.setattr(Fault, "__init__", recording)
    return raised


def _place() -> str:
    """File and line of the code that makes a fault, "" for a test and for what the wire brought."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename == _ERRORS:
        frame = frame.f_back
    name = frame.f_code.co_filename
    return f"{name}:{frame.f_lineno}" if name.startswith(_PLACES) and name != _STATUS else ""
