"""Diagnoses of encounters, a row each: what a visit, an admission and a discharge told, and which of it stands.

A message that tells diagnoses replaces those of the same stage; one that tells none leaves them (our decision, as with all
that 2203 and 2402 tell). A discharge that is undone takes its own with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

VISIT: Final = "visit"
ADMISSION: Final = "admission"
DISCHARGE: Final = "discharge"

_AT_BEGIN, _AT_END = "1", "2"
_INVALID: Final = "0"
_NO_MAIN: Final = "0"


class ToldDiagnosis(NamedTuple):
    """One diagnosis as a message tells it; empty texts are not told."""

    diag_type: str
    maindiag_flag: str
    diag_srt_no: str
    diag_code: str
    diag_name: str
    adm_cond: str
    diag_dept: str
    dise_dor_no: str
    dise_dor_name: str
    diag_time: datetime | None
    vali_flag: str


class Diagnosis(NamedTuple):
    """A diagnosis with its number, where it stands, and who told it when."""

    diag_info_id: str
    mdtrt_id: str
    stage: str
    row_no: int
    told: ToldDiagnosis
    told_at: datetime
    opter: str
    opter_name: str

    @property
    def inout_diag_type(self) -> str:
        """Dictionary inout_diag_type: at discharge, or else at admission, a visit's too (our decision: there is no third)."""
        return _AT_END if self.stage == DISCHARGE else _AT_BEGIN

    @property
    def maindiag_flag(self) -> str:
        """Dictionary maindiag_flag; a row that says nothing is no main diagnosis."""
        return self.told.maindiag_flag or _NO_MAIN

    @property
    def diag_srt_no(self) -> str:
        """The hospital's order where it is a number, else the place among the rows of the message."""
        sent = self.told.diag_srt_no
        return sent if sent.isascii() and sent.isdigit() else str(self.row_no)


class DiagnosesTold(NamedTuple):
    """The diagnoses of one message, and who sent it."""

    rows: tuple[ToldDiagnosis, ...] = ()
    opter: str = ""
    opter_name: str = ""

    @property
    def valid(self) -> tuple[ToldDiagnosis, ...]:
        """Those that the message does not call invalid (vali_flag 0)."""
        return tuple(row for row in self.rows if row.vali_flag != _INVALID)


NONE_TOLD: Final = DiagnosesTold()
