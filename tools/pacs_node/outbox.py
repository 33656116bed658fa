"""The outbox: every entry that the node has made, by a sequence without gaps, kept for good.

An index that lost what it knew is fed again from any place. An entry is made when a study has been quiet for some seconds: a CT
of a thousand slices is told once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from google.protobuf import json_format

from tools.pacs_node.catalog import Catalog
from tools.pacs_node.entries import Rules, ToldSeries, fingerprint, finish, upsert, withdrawal
from tools.pacs_node.facts import StudyFacts
from tools.pacs_node.index import KnownStudy
from yibao.imaging.v1 import entry_pb2

MOST_ENTRIES: Final = 1000
MOST_BYTES: Final = 3_500_000
"""A batch stays below the 4 MB that the index takes."""
_AT_ONCE: Final = 200
_MODULUS: Final = 1 << 128
_TOLD: Final = "SELECT 1 FROM study WHERE uid = ? AND entry_hash != ''"
_WATERMARK, _MET, _LEAST_VERSION = "watermark", "met", "least version"


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries in the order of their numbers, each as JSON."""

    first: int
    last: int
    entries: Sequence[str]


@dataclass(frozen=True, slots=True)
class DayDigest:
    """Of the studies of one examination day that were told: how many, and the sum of their entry hashes modulo 2^128, in hex."""

    day: str
    count: int
    digest: str


class Outbox:
    """Entries of one catalog. `clock` is the time in seconds of the epoch."""

    def __init__(self, catalog: Catalog, rules: Rules, settle_s: float, clock: Callable[[], float] = time.time) -> None:
        self._catalog, self._rules, self._settle_s, self._clock = catalog, rules, settle_s, clock

    @property
    def watermark(self) -> int:
        """Up to where the index has said that it knows all."""
        return int(self._catalog.word(_WATERMARK, "0"))

    @property
    def last(self) -> int:
        """The number of the last entry."""
        (made,) = self._catalog.all("SELECT coalesce(max(seq), 0) FROM outbox")[0]
        return max(int(made), self.watermark)

    def make(self) -> int:
        """Makes entries of studies that have changed and are quiet; how many."""
        now = self._clock()
        due = self._catalog.all(
            "SELECT uid FROM study WHERE dirty = 1 AND changed_at <= ? ORDER BY changed_at, uid LIMIT ?",
            (now - self._settle_s, _AT_ONCE),
        )
        if not due:
            return 0
        with self._catalog.writing(durable=True):
            return sum(self._make(uid, now) for (uid,) in due)

    def _make(self, uid: str, now: float) -> bool:
        row = self._catalog.one("SELECT facts, version, fingerprint, entry_hash FROM study WHERE uid = ?", (uid,))
        assert row is not None
        facts, version, told, standing = row
        made = self._entry(uid, msgspec.json.decode(facts, type=StudyFacts), known=bool(standing))
        if isinstance(made, str):
            self._catalog.all("UPDATE study SET dirty = 0, untold = ? WHERE uid = ?", (made, uid))
            return False
        print_ = fingerprint(made)
        if print_ == told:
            self._catalog.all("UPDATE study SET dirty = 0, untold = '' WHERE uid = ?", (uid,))
            return False
        version = max(version, int(self._catalog.word(_LEAST_VERSION, "0"))) + 1
        entry = finish(made, self.last + 1, version, now)
        live = made.operation == entry_pb2.OPERATION_UPSERT
        self._catalog.all(
            "INSERT INTO outbox (seq, study, version, entry) VALUES (?, ?, ?, ?)",
            (entry.source_seq, uid, version, _json(entry)),
        )
        self._catalog.all(
            "UPDATE study SET dirty = 0, untold = '', version = ?, fingerprint = ?, entry_hash = ?, told_day = ? WHERE uid = ?",
            (version, print_, entry.entry_hash if live else "", entry.study.study_date if live else "", uid),
        )
        return True

    def _entry(self, uid: str, facts: StudyFacts, *, known: bool) -> entry_pb2.Entry | str:
        """What is to be told of a study. One that the index knows and that has no picture or no person now is taken out."""
        rows = self._catalog.all("SELECT series, uid, size FROM instance WHERE study = ? ORDER BY series", (uid,))
        by_series: dict[str, list[str]] = {}
        for series, sop, _ in rows:
            by_series.setdefault(series, []).append(sop)
        if not rows:
            return withdrawal(uid, entry_pb2.WITHDRAW_REASON_RETENTION_END) if known else "EMPTY"
        series = [
            ToldSeries(name, of_series, len(by_series[name]), by_series[name])
            for name, of_series in self._catalog.series(uid)
            if name in by_series
        ]
        made = upsert(uid, facts, series, sum(size for _, _, size in rows), self._rules)
        if isinstance(made, str) and known:
            return withdrawal(uid, entry_pb2.WITHDRAW_REASON_WRONG_PATIENT)
        return made

    def meet(self, watermark: int) -> None:
        """What the index says that it knows, before the first batch of a start.

        A catalog that is new to it, because it was made again or stands on another machine now, does not know the numbers and
        versions that its node has used: all is told anew, behind that number, by versions above the minutes since 1970, for no
        study grows once a minute since then.
        """
        with self._catalog.writing(durable=True):
            if watermark and not self._catalog.word(_MET):
                self._catalog.all("DELETE FROM outbox")
                self._catalog.all("UPDATE study SET dirty = 1, version = 0, fingerprint = '', entry_hash = ''")
                self._catalog.remember(_LEAST_VERSION, str(int(self._clock() // 60)))
            self._catalog.remember(_MET, "1")
            self._catalog.remember(_WATERMARK, str(watermark))

    def batch(self) -> Batch | None:
        """What comes next behind the watermark; None where the index knows all."""
        rows = self._catalog.all(
            "SELECT seq, entry FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (self.watermark, MOST_ENTRIES)
        )
        taken: list[str] = []
        size = 0
        for _, entry in rows:
            size += len(entry.encode()) + 1
            if size > MOST_BYTES and taken:
                break
            taken.append(entry)
        return Batch(rows[0][0], rows[len(taken) - 1][0], taken) if taken else None

    def told(self, outcomes: Sequence[Mapping[str, Any]], watermark: int) -> list[Mapping[str, Any]]:
        """Keeps what the index answered; returns what it did not take."""
        with self._catalog.writing():
            for each in outcomes:
                self._catalog.all(
                    "UPDATE outbox SET result = ?, rule = ?, field = ? WHERE seq = ?",
                    (each.get("result", ""), each.get("rule", ""), each.get("field", ""), int(each["sourceSeq"])),
                )
            self._catalog.remember(_WATERMARK, str(watermark))
        return [each for each in outcomes if each.get("result") in ("ENTRY_RESULT_REJECTED", "ENTRY_RESULT_CONFLICT")]

    @property
    def settled(self) -> bool:
        """Whether the index knows every entry that was made."""
        return self.watermark == self.last

    def digests(self) -> list[DayDigest]:
        """What was told, by examination day."""
        found: dict[str, list[int]] = {}
        for day, hashed in self._catalog.all("SELECT told_day, entry_hash FROM study WHERE entry_hash != ''"):
            found.setdefault(day, []).append(int(hashed, 16))
        return [DayDigest(day, len(each), f"{sum(each) % _MODULUS:032x}") for day, each in sorted(found.items())]

    def mend(self, day: str, known: Sequence[KnownStudy]) -> int:
        """Mends a day that differs, given what the index has of it: studies that it lacks or has otherwise are told anew, those
        that are none of the node's are taken out, both by higher versions; how many."""
        own = dict(
            self._catalog.all("SELECT uid, entry_hash FROM study WHERE told_day = ? AND entry_hash != ''", (day,))
        )
        wrong = [each for each in known if own.get(each.uid) != each.entry_hash]
        missing = own.keys() - {each.uid for each in known}
        with self._catalog.writing(durable=True):
            self._renew([(uid, 0) for uid in missing])
            stray = [each for each in wrong if not self._catalog.all(_TOLD, (each.uid,))]
            self._renew([(each.uid, each.version) for each in wrong if each not in stray])
            for each in stray:
                self._take_out(each)
        return len(wrong) + len(missing)

    def _renew(self, studies: Sequence[tuple[str, int]]) -> None:
        """Studies are told anew, by versions above these."""
        for uid, version in studies:
            self._catalog.all(
                "UPDATE study SET dirty = 1, fingerprint = '', version = max(version, ?) WHERE uid = ?", (version, uid)
            )

    def _take_out(self, known: KnownStudy) -> None:
        """The index has a study of which nothing stands here, or which is not told."""
        entry = finish(
            withdrawal(known.uid, entry_pb2.WITHDRAW_REASON_RETENTION_END),
            self.last + 1,
            known.version + 1,
            self._clock(),
        )
        self._catalog.all(
            "INSERT INTO outbox (seq, study, version, entry) VALUES (?, ?, ?, ?)",
            (entry.source_seq, known.uid, entry.version, _json(entry)),
        )
        self._catalog.all("UPDATE study SET version = max(version, ?) WHERE uid = ?", (entry.version, known.uid))

    def untold(self) -> dict[str, int]:
        """How many studies are kept and not told, by why."""
        return dict(self._catalog.all("SELECT untold, count(*) FROM study WHERE untold != '' GROUP BY untold"))


def _json(entry: entry_pb2.Entry) -> str:
    return json_format.MessageToJson(entry, indent=None, ensure_ascii=False)
