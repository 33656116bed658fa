"""What a write of a visit or of fees asks for before it is decided: read for all of a batch at once."""

from __future__ import annotations

from typing import NamedTuple

from services.kernel.requests import RequestStamp


class VisitName(NamedTuple):
    """An open visit by the institution's own number."""

    fixmedins_code: str
    psn_no: str
    ipt_otp_no: str


class Ahead(NamedTuple):
    """What a write will ask for: its own entry, and an encounter with its charge batches, or an open visit."""

    stamp: RequestStamp
    mdtrt_id: str = ""
    visit: VisitName | None = None
