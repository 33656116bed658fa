"""QIDO-RS of the node itself, for its operators and, within one study, for viewers that ask the address they were given.

It knows few keys, and says so of any other: the nation's search is the index's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.imaging.domain.dicom_forms import uid_holds
from tools.pacs_node.dicom_json import instance_row, series_row, study_row
from tools.pacs_node.facts import SeriesFacts, StudyFacts
from tools.pacs_node.refusals import Refusal
from tools.pacs_node.shelf import Shelf

MOST: Final = 200
_PLAIN: Final = frozenset(("limit", "offset", "includefield", "fuzzymatching", "accept"))
_STUDY_KEYS: Final = {
    "StudyInstanceUID": "uid",
    "0020000D": "uid",
    "StudyDate": "day",
    "00080020": "day",
    "PatientID": "json_extract(facts, '$.patient_id')",
    "00100020": "json_extract(facts, '$.patient_id')",
    "AccessionNumber": "json_extract(facts, '$.accession_no')",
    "00080050": "json_extract(facts, '$.accession_no')",
}


class Searcher:
    """Lists of what is kept, as DICOM JSON objects."""

    def __init__(self, shelf: Shelf) -> None:
        self._catalog = shelf.catalog

    def studies(self, query: Mapping[str, str], root: str) -> list[dict[str, Any]]:
        """Studies, the newest day first; exact keys, and a range for the day. Refusal PARAMETER_WRONG."""
        limit, offset = _page(query)
        where, values = ["1"], list[Any]()
        for key, wanted in query.items():
            if key in _PLAIN:
                continue
            column = _STUDY_KEYS.get(key)
            if column is None or not wanted or "*" in wanted or "?" in wanted:
                raise Refusal("PARAMETER_WRONG")
            first, dash, last = wanted.partition("-")
            if column == "day" and dash:
                where.append("day BETWEEN ? AND ?")
                values += [first or "0", last or "9"]
            else:
                where.append(f"{column} = ?")
                values.append(wanted)
        rows = self._catalog.all(
            "SELECT uid, facts FROM study WHERE EXISTS (SELECT 1 FROM instance WHERE study = study.uid) "
            f"AND {' AND '.join(where)} ORDER BY day DESC, uid LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        uids = [uid for uid, _ in rows]
        modalities, counts = self._catalog.modalities(uids), self._catalog.instance_counts(uids)
        return [
            study_row(
                uid,
                msgspec.json.decode(facts, type=StudyFacts),
                modalities.get(uid, ()),
                (len(modalities.get(uid, ())), counts[uid]),
                f"{root}/studies/{uid}",
            )
            for uid, facts in rows
        ]

    def series(self, study: str, query: Mapping[str, str], root: str) -> list[dict[str, Any]]:
        """The series of a study by their numbers; Refusals NOT_FOUND, PARAMETER_WRONG."""
        limit, offset = _page(query)
        wanted = _uid_only(query, "SeriesInstanceUID", "0020000E")
        counts = dict(
            self._catalog.all("SELECT series, count(*) FROM instance WHERE study = ? GROUP BY series", (study,))
        )
        found = [each for each in self._catalog.series(study) if wanted in (None, each[0])]
        if not counts:
            raise Refusal("NOT_FOUND")
        found.sort(key=_by_number)
        return [
            series_row(study, uid, facts, counts.get(uid, 0), f"{root}/studies/{study}/series/{uid}")
            for uid, facts in found[offset : offset + limit]
        ]

    def instances(self, study: str, series: str | None, query: Mapping[str, str], root: str) -> list[dict[str, Any]]:
        """The instances of a study or series; Refusals NOT_FOUND, PARAMETER_WRONG."""
        limit, offset = _page(query)
        kept = self._catalog.instances(study, series, _uid_only(query, "SOPInstanceUID", "00080018"))
        if not kept:
            raise Refusal("NOT_FOUND")
        return [
            instance_row(
                each.facts,
                f"{root}/studies/{study}/series/{each.facts.series_uid}/instances/{each.facts.sop_uid}",
            )
            for each in kept[offset : offset + limit]
        ]


def _by_number(series: tuple[str, SeriesFacts]) -> tuple[int, str]:
    return series[1].number, series[0]


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    """Limit, at most 200, and offset."""
    try:
        limit, offset = int(query.get("limit", MOST)), int(query.get("offset", 0))
    except ValueError as error:
        raise Refusal("PARAMETER_WRONG") from error
    if limit < 0 or not 0 <= offset < 2**31:
        raise Refusal("PARAMETER_WRONG")
    return min(limit, MOST), offset


def _uid_only(query: Mapping[str, str], *names: str) -> str | None:
    """The one key that a list within a study has; any other is refused, for a condition is never ignored."""
    wanted = None
    for key, value in query.items():
        if key in names and uid_holds(value):
            wanted = value
        elif key not in _PLAIN:
            raise Refusal("PARAMETER_WRONG")
    return wanted
