"""What several services of routing do alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.kernel.elsewhere import CELL_UNAVAILABLE
from services.kernel.errors import Fault, FaultKind
from services.runtime.call import current_call


def cert_type(code: str) -> str:
    """A psn_cert_type as cells keep it: a client that keeps numbers sends 8 for 08."""
    return code.zfill(2) if code.isdecimal() else code


@contextmanager
def within_time() -> Iterator[None]:
    """A block in which cells are asked: a caller whose own time is over is told that, not that a cell does not answer."""
    try:
        yield
    except Fault as fault:
        if fault.reason == CELL_UNAVAILABLE and current_call().remaining_s() == 0:
            raise Fault(FaultKind.DEADLINE, "DEADLINE_EXCEEDED") from None
        raise
