"""The national index as a node sees it, by REST: entries up, and keys, revocations and the watermark down."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import aiohttp
import msgspec

_TIMEOUT_S: Final = 20.0
_QUICK_S: Final = 2.0
_PAGE: Final = 1000
"""So many rows of a list come at most; then more follow."""
_MOST_BYTES: Final = 16 << 20
_LOCALE: Final = "en-US"


class IndexSilent(Exception):
    """The index did not answer, or not as an index does; it is asked again later. The text names no one."""


class IndexRefused(Exception):
    """The index refuses, by a reason of the platform and what it says beside it; `said` is its sentence with the next step."""

    def __init__(self, status: int, reason: str, metadata: Mapping[str, str], said: str = "") -> None:
        told = f"{status} {reason}".rstrip()
        super().__init__(f"{told}: {said}" if said else told)
        self.status, self.reason, self.metadata = status, reason, metadata


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of each entry, as the contract's JSON says it, and the watermark."""

    outcomes: Sequence[Mapping[str, Any]]
    watermark: int


@dataclass(frozen=True, slots=True)
class Revocations:
    """What is new in the list of revocations: ids of tickets and digests of grants; `cursor` is where it goes on, `more` whether
    at once."""

    names: Sequence[str]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Days as the contract's JSON says them; `first` to `last` is the range of which they tell all, "" for none; `last_seq` the
    last entry of which they tell; `recount` whether the index counts its studies anew in any case."""

    days: Sequence[Mapping[str, Any]]
    first: str = ""
    last: str = ""
    last_seq: int = 0
    recount: bool = False


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """A study as the index has it; its hash in hex."""

    uid: str
    version: int
    entry_hash: str


@dataclass(frozen=True, slots=True)
class Contested:
    """A study that another node tells of another person; `wrong` where an operator decided that this node is."""

    uid: str
    wrong: bool


class Index(Protocol):
    """What a node asks of the index. Each raises IndexSilent or IndexRefused."""

    async def upload(self, entries: Sequence[str]) -> Uploaded:
        """Takes entries, each as JSON."""
        ...

    async def watermark(self) -> int:
        """Up to where the index knows all."""
        ...

    async def digest(self, asked: Comparison) -> Sequence[str]:
        """Compares days; those that differ."""
        ...

    async def studies_of(self, day: str) -> Sequence[KnownStudy]:
        """The studies of a day as the index has them."""
        ...

    async def heartbeat(self, *, retrieving: bool, last_seq: int) -> Sequence[Contested]:
        """Says that the node is there, and up to which number it has made entries; conflicts that are not settled."""
        ...

    async def keys(self) -> Mapping[str, Any]:
        """The JWK set by which tickets are signed."""
        ...

    async def revoked(self, cursor: str) -> Revocations:
        """The list behind a place."""
        ...


class RestIndex:
    """The index behind the platform's gateway, at `url`; `api_key` is of the role NODE, its subject the node's number."""

    def __init__(self, url: str, node_no: str, api_key: str, tls: ssl.SSLContext | None = None) -> None:
        self._url, self._node_no, self._key, self._tls = url.rstrip("/"), node_no, api_key, tls
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Ends its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def upload(self, entries: Sequence[str]) -> Uploaded:
        """As of Index."""
        body = f'{{"nodeNo":"{self._node_no}","entries":[{",".join(entries)}]}}'
        answer = await self._ask("POST", "/v1/imaging/entries:upload", body)
        return Uploaded(answer.get("outcomes", ()), int(answer.get("watermark", 0)))

    async def watermark(self) -> int:
        """As of Index."""
        body = msgspec.json.encode({"nodeNo": self._node_no}).decode()
        return int((await self._ask("POST", "/v1/imaging/watermark:get", body)).get("watermark", 0))

    async def digest(self, asked: Comparison) -> Sequence[str]:
        """As of Index."""
        told = {
            "nodeNo": self._node_no,
            "days": list(asked.days),
            "firstDay": asked.first,
            "lastDay": asked.last,
            "lastSeq": asked.last_seq,
            "recount": asked.recount,
        }
        answer = await self._ask("POST", "/v1/imaging/digest:compare", msgspec.json.encode(told).decode())
        return [str(each.get("day", "")) for each in answer.get("differing", ())]

    async def studies_of(self, day: str) -> Sequence[KnownStudy]:
        """As of Index."""
        found: list[KnownStudy] = []
        asked = {"nodeNo": self._node_no, "day": day, "pageSize": _PAGE, "pageToken": ""}
        while True:
            answer = await self._ask("POST", "/v1/imaging/digest:listDay", msgspec.json.encode(asked).decode())
            found += [
                KnownStudy(str(each["studyInstanceUid"]), int(each["version"]), str(each["entryHash"]))
                for each in answer.get("studies", ())
            ]
            asked["pageToken"] = str(answer.get("nextPageToken", ""))
            if not asked["pageToken"]:
                return found

    async def heartbeat(self, *, retrieving: bool, last_seq: int) -> Sequence[Contested]:
        """As of Index."""
        told = {"nodeNo": self._node_no, "retrieving": retrieving, "lastSeq": last_seq}
        answer = await self._ask("POST", "/v1/imaging/nodes:heartbeat", msgspec.json.encode(told).decode())
        return [
            Contested(str(each.get("studyInstanceUid", "")), bool(each.get("wrong", False)))
            for each in answer.get("conflicts", ())
        ]

    async def keys(self) -> Mapping[str, Any]:
        """As of Index."""
        return await self._ask("GET", "/v1/imaging/keys", None)

    async def revoked(self, cursor: str) -> Revocations:
        """As of Index."""
        body = msgspec.json.encode({"after": int(cursor or 0)}).decode()
        answer = await self._ask("POST", "/v1/imaging/tickets:listRevoked", body, _QUICK_S)
        names = [str(each) for each in answer.get("names", ())]
        return Revocations(names, str(answer.get("next", cursor or 0)), len(names) >= _PAGE)

    async def _ask(self, method: str, path: str, body: str | None, timeout_s: float = _TIMEOUT_S) -> dict[str, Any]:
        session = self._opened()
        try:
            async with session.request(
                method,
                f"{self._url}{path}",
                data=None if body is None else body.encode(),
                timeout=aiohttp.ClientTimeout(total=timeout_s),
                allow_redirects=False,
            ) as answer:
                told = await answer.content.read(_MOST_BYTES)
                if answer.status == 200:
                    found: dict[str, Any] = msgspec.json.decode(told, type=dict[str, Any])
                    return found
                raise _refusal(answer.status, told)
        except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise IndexSilent(type(error).__name__) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connector = aiohttp.TCPConnector(ssl=self._tls) if self._tls is not None else None
            self._session = aiohttp.ClientSession(headers=headers, connector=connector)
        return self._session


def _refusal(status: int, told: bytes) -> Exception:
    """A refusal by its reason; a gateway that is not there, or too busy, is silent."""
    if status in (429, 502, 503, 504):
        return IndexSilent(f"HTTP {status}")
    try:
        details = msgspec.json.decode(told)["error"]["details"]
        info = next(each for each in details if "reason" in each)
        said = next((each["message"] for each in details if each.get("locale") == _LOCALE), "")
    except (msgspec.DecodeError, KeyError, TypeError, StopIteration):
        return IndexRefused(status, "", {}, "No answer of the platform. Look at the URL of the index.")
    return IndexRefused(status, str(info["reason"]), info.get("metadata", {}), str(said))
