"""Another maker's archive, asked by DICOMweb: what studies it has, and of one study what the index needs. It is only read."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec
from pydicom.dataset import Dataset

from services.imaging.domain.dicom_forms import uid_holds
from tools.pacs_node.attributes import series_facts, study_facts
from tools.pacs_node.facts import SeriesFacts, StudyFacts

PAGE: Final = 100
MOST_INSTANCES: Final = 50_000
_TIMEOUT_S: Final = 60.0
_MOST_BYTES: Final = 64 << 20
_JSON: Final = "application/dicom+json"
_COUNTS: Final = "00201206,00201208"
_VOLATILE: Final = frozenset(("00081190", "00080054", "00080056"))
"""Addresses and availability: they change though the study does not."""
Row = Mapping[str, Any]


class ArchiveSilent(Exception):
    """The archive did not answer as DICOMweb does; the text names the status or the error's kind, and nobody."""


@dataclass(frozen=True, slots=True)
class Found:
    """A study as the archive has it now: series by UID with their facts and the UIDs of their instances."""

    study: StudyFacts
    series: Mapping[str, tuple[SeriesFacts, Sequence[str]]]


class Archive:
    """An archive at the root of its DICOMweb, `http://host:8042/dicom-web`; `login` is user and password, `key` a bearer's."""

    def __init__(self, url: str, login: tuple[str, str] | None = None, key: str = "") -> None:
        self._url, self._key = url.rstrip("/"), key
        self._auth = aiohttp.BasicAuth(*login, encoding="utf-8") if login is not None else None
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Ends its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def studies(self, days: str = "") -> AsyncIterator[tuple[str, str]]:
        """UID and fingerprint of each study, of a range of days (`20260501-20260531`) or all; ArchiveSilent. An archive that does
        not heed the offset gives the same page again: it ends there. A search of all that finds no such path found no archive:
        it says nothing of what is gone."""
        seen: set[str] = set()
        for offset in range(0, 10**9, PAGE):
            query = f"limit={PAGE}&offset={offset}&includefield={_COUNTS}" + (f"&StudyDate={days}" if days else "")
            rows = await self._rows(f"/studies?{query}", is_there=not days)
            new = [(uid, row) for row in rows if uid_holds(uid := _first(row, "0020000D")) and uid not in seen]
            for uid, row in new:
                seen.add(uid)
                yield uid, _fingerprint(row)
            if len(rows) < PAGE or not new:
                return

    async def study(self, uid: str) -> Found | None:
        """A study with its series, read from the metadata of the first instance of each; None where it is gone. ArchiveSilent."""
        by_series: dict[str, list[str]] = {}
        for offset in range(0, MOST_INSTANCES, PAGE * 10):
            rows = await self._rows(f"/studies/{uid}/instances?limit={PAGE * 10}&offset={offset}&includefield=0020000E")
            before = sum(map(len, by_series.values()))
            for row in rows:
                series, sop = _first(row, "0020000E"), _first(row, "00080018")
                if uid_holds(series) and uid_holds(sop) and sop not in by_series.setdefault(series, []):
                    by_series[series].append(sop)
            if len(rows) < PAGE * 10 or sum(map(len, by_series.values())) == before:
                break
        facts: dict[str, tuple[SeriesFacts, Sequence[str]]] = {}
        study: StudyFacts | None = None
        for series, sops in by_series.items():
            rows = await self._rows(f"/studies/{uid}/series/{series}/instances/{sops[0]}/metadata")
            if not rows:
                continue
            dataset = _dataset(rows[0])
            study = study or study_facts(dataset)
            facts[series] = (series_facts(dataset), sops)
        return Found(study, facts) if study is not None else None

    async def _rows(self, path: str, *, is_there: bool = False) -> list[Row]:
        """What stands at a path, nothing where there is none, unless it must be there; ArchiveSilent."""
        session = self._opened()
        try:
            async with session.get(f"{self._url}{path}", timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as answer:
                if answer.status == 204 or (answer.status == 404 and not is_there):
                    return []
                told = await answer.content.read(_MOST_BYTES)
                while piece := await answer.content.read(_MOST_BYTES):
                    told += piece
                    if len(told) > _MOST_BYTES:
                        raise ArchiveSilent("answer too large")
                if answer.status != 200:
                    raise ArchiveSilent(f"HTTP {answer.status}")
                rows: list[Row] = msgspec.json.decode(told, type=list[dict[str, Any]])
                return rows
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.MsgspecError) as error:
            raise ArchiveSilent(type(error).__name__) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Accept": _JSON} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
            self._session = aiohttp.ClientSession(headers=headers, auth=self._auth)
        return self._session


def _first(row: Row, tag: str) -> str:
    value = (row.get(tag) or {}).get("Value") or [""]
    return str(value[0])


def _fingerprint(row: Row) -> str:
    told = {tag: row[tag] for tag in sorted(row) if tag not in _VOLATILE}
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _dataset(row: Row) -> Dataset:
    """Without what is fetched by an address: the index needs no pixels. What cannot be read is left out."""
    plain = {tag: value for tag, value in row.items() if isinstance(value, dict) and "BulkDataURI" not in value}
    try:
        return Dataset.from_json(plain)
    # pydicom has no one error for JSON of other makers.
    except Exception:  # noqa: BLE001
        return Dataset()
