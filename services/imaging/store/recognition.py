"""Rows of advices, of what came of them month by month, and of institutions' quality control."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from services.imaging.domain.advice import AdviceDecision, Choice, Count, KeptAdvice, MonthOf, RepeatReason
from services.imaging.domain.quality import Quality
from services.imaging.domain.recognition import Planned, Verdict
from services.kernel.clock import from_micros, to_micros
from services.runtime.db import DriverConnection, sql
from services.runtime.packing import packed, unpacked

_FIND: Final = sql(
    "SELECT advice_no, institution, made_at, body, choice, decided_at FROM imaging_advice WHERE advice_no = ?1"
)
_DECIDE: Final = sql(
    "UPDATE imaging_advice SET choice = ?2, decided_at = ?3 WHERE advice_no = ?1 AND decided_at IS NULL RETURNING advice_no"
)
_ONE_MORE: Final = sql(
    "INSERT INTO imaging_advice_month (institution, month, kind, count) VALUES (?1, ?2, ?3, 1)"
    " ON CONFLICT (institution, month, kind) DO UPDATE SET count = imaging_advice_month.count + 1"
)
_MONTHS: Final = sql(
    "SELECT month, kind, count FROM imaging_advice_month WHERE institution = ?1 AND month >= ?2 AND month <= ?3 ORDER BY month"
)
_DROP_QUALITY: Final = sql("DELETE FROM imaging_quality WHERE institution = ?1 AND modality = ?2 AND from_day = ?3")
_QUALITY: Final = {
    "sqlite": (
        "SELECT institution, modality, from_day, passed FROM imaging_quality"
        " WHERE institution IN (SELECT value FROM json_each(?1))"
    ),
    "postgresql": (
        "SELECT institution, modality, from_day, passed FROM imaging_quality WHERE institution = ANY($1::text[])"
    ),
}


class AdviceRows:
    """Advices, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def add(self, advice: KeptAdvice) -> None:
        """A new one."""
        row = (advice.advice_no, advice.fixmedins_code, to_micros(advice.made_at), _body(advice), None, None)
        await self._connection.insert(self._insert, [row])

    async def find(self, advice_no: str) -> KeptAdvice | None:
        """One by its number."""
        for row in await self._connection.run(_FIND, advice_no):
            return _advice(row)
        return None

    async def decide(self, advice: KeptAdvice) -> bool:
        """Writes what was decided, once; False where another decision was first."""
        if advice.choice is None or advice.decided_at is None:
            raise ValueError("there is no decision to write")
        told = (_choice(advice.choice), to_micros(advice.decided_at))
        return bool(await self._connection.run(_DECIDE, advice.advice_no, *told))

    async def count(self, fixmedins_code: str, month: int, kind: Count) -> None:
        """One more of its kind in an institution's month."""
        await self._connection.run(_ONE_MORE, fixmedins_code, month, int(kind))

    async def months(self, fixmedins_code: str, first: int, last: int) -> Sequence[MonthOf]:
        """What came of an institution's advices, by months that have any."""
        months: dict[int, dict[Count, int]] = {}
        for month, kind, count in await self._connection.run(_MONTHS, fixmedins_code, first, last):
            months.setdefault(month, {})[Count(kind)] = count
        return [MonthOf(fixmedins_code, month, counts) for month, counts in months.items()]


class QualityRows:
    """Results of quality control, in one transaction."""

    def __init__(self, connection: DriverConnection, insert: str) -> None:
        self._connection = connection
        self._insert = insert

    async def put(self, quality: Quality) -> None:
        """A result; it takes the place of one of the same day."""
        key = (quality.fixmedins_code, quality.modality, quality.from_day.isoformat())
        await self._connection.run(_DROP_QUALITY, *key)
        await self._connection.insert(self._insert, [(*key, int(quality.passed))])

    async def of(self, fixmedins_codes: Sequence[str]) -> Sequence[Quality]:
        """All results of institutions."""
        if not fixmedins_codes:
            return ()
        rows = await self._connection.run(_QUALITY, list(fixmedins_codes))
        return [Quality(code, modality, date.fromisoformat(day), bool(passed)) for code, modality, day, passed in rows]


def _body(advice: KeptAdvice) -> bytes:
    planned = advice.planned
    listed = [[uid, report, int(verdict)] for uid, report, verdict in advice.listed]
    told = [planned.item_code, planned.item_system, planned.body_part, planned.modality, int(planned.acute)]
    return packed([advice.dr_codg, planned.day.toordinal(), told, listed])


def _choice(choice: Choice) -> bytes:
    reason = 0 if choice.reason is None else int(choice.reason)
    return packed([int(choice.decision), choice.study_uid, choice.report_no, reason, choice.memo])


def _advice(row: Any) -> KeptAdvice:
    advice_no, institution, made_at, body, choice, decided_at = row
    dr_codg, day, told, *rest = unpacked(body)
    listed = rest[0] if rest else []
    item_code, item_system, body_part, modality, acute = told
    return KeptAdvice(
        *(advice_no, institution, from_micros(made_at), dr_codg),
        Planned(*(institution, date.fromordinal(day), item_code, item_system, body_part, modality), acute=bool(acute)),
        tuple((uid, report, Verdict(verdict)) for uid, report, verdict in listed),
        None if choice is None else _chosen(choice),
        None if decided_at is None else from_micros(decided_at),
    )


def _chosen(data: bytes) -> Choice:
    decision, *texts = unpacked(data)
    empty: list[Any] = ["", "", 0, ""]
    study_uid, report_no, reason, memo = [*texts, *empty[len(texts) :]]
    return Choice(AdviceDecision(decision), study_uid, report_no, RepeatReason(reason) if reason else None, memo)
