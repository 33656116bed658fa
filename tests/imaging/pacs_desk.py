"""A node on a folder of its own, what a client sends to it, and an index that is played: it signs tickets and takes entries."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.pacs_node.index import Comparison, Contested, IndexRefused, IndexSilent, KnownStudy, Revocations, Uploaded
from tools.pacs_node.node import Node, Settings

NODE_NO = "SD1"
BOUNDARY = "edge"
MULTIPART = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'}


def multipart(*files: bytes) -> bytes:
    """A body of STOW-RS."""
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + file + b"\r\n" for file in files) + f"--{BOUNDARY}--\r\n".encode()


@dataclass
class Desk:
    """A node that runs, and its operator."""

    node: Node
    http: aiohttp.ClientSession

    @property
    def root(self) -> str:
        """Of the operators' DICOMweb."""
        return f"{self.node.url}/dicom-web"

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something holds, at most ten seconds."""
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def store(self, *files: bytes, study: str = "") -> tuple[int, dict[str, Any]]:
        """Stores files; status and answer."""
        path = f"/studies/{study}" if study else "/studies"
        async with self.http.post(f"{self.root}{path}", data=BytesIO(multipart(*files)), headers=MULTIPART) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str, accept: str = "*/*", method: str = "GET") -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a path below the node's address."""
        async with self.http.request(method, f"{self.node.url}{path}", headers={"Accept": accept}) as answer:
            return answer.status, answer.headers, await answer.read()


@asynccontextmanager
async def desk(folder: Path, index: PlayedIndex | None = None, **settings: Any) -> AsyncIterator[Desk]:
    """A node that runs until the end."""
    node = Node(Settings(folder, NODE_NO, **settings), index, (index.said if index is not None else []).append)
    await node.start()
    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {node.operator_key}"}) as http:
            yield Desk(node, http)
    finally:
        await node.stop()


def reasons(answer: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Failure code and reason of each refused instance, by its SOP Instance UID; an empty one where it is not known."""
    items = [each for tag in ("00081198", "0008119A") for each in answer.get(tag, {}).get("Value", ())]
    return {
        (each.get("00081155", {}).get("Value") or [""])[0]: (each["00081197"]["Value"][0], each["00091001"]["Value"][0])
        for each in items
    }


def reason_of(body: bytes) -> str:
    """The reason of a refused request."""
    return str(msgspec.json.decode(body)["error"]["details"][0]["reason"])


@dataclass
class PlayedIndex:
    """What the index does for a node, in memory: it keeps entries by their numbers and refuses a gap."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    known: int = 0
    revocations: list[str] = field(default_factory=list)
    silent: bool = False
    deaf_after: int = 10**9
    said: list[str] = field(default_factory=list)
    batches: list[tuple[int, int]] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    has: dict[str, list[KnownStudy]] = field(default_factory=dict)
    compared: list[Comparison] = field(default_factory=list)
    contested: list[Contested] = field(default_factory=list)
    last_seq: int = 0

    def ticket(self, study: str, kid: str = "k1", key: Ed25519PrivateKey | None = None, **claims: Any) -> str:
        """A ticket for a study, with other claims where they are given."""
        now = int(time.time())
        told: dict[str, Any] = {
            "iss": "imaging",
            "aud": NODE_NO,
            "sub": "reader",
            "org": "H11010100101",
            "pur": "TREATMENT",
            "stu": study,
        }
        told |= {"gra": "0123456789abcdef", "jti": "ticket-1", "nbf": now, "exp": now + 300} | claims
        return jwt.encode(told, key or self.key, algorithm="EdDSA", headers={"kid": kid})

    async def keys(self) -> Mapping[str, Any]:
        """The key set."""
        self._heard()
        x = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "x": x}]}

    async def revoked(self, cursor: str) -> Revocations:
        """All behind a number."""
        self._heard()
        return Revocations(self.revocations[int(cursor or 0) :], str(len(self.revocations)), more=False)

    async def upload(self, entries: Sequence[str]) -> Uploaded:
        """Takes a batch; its answer is lost once it has become deaf."""
        self._heard()
        told = [msgspec.json.decode(each) for each in entries]
        numbers = [int(each["sourceSeq"]) for each in told]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] > self.known + 1:
            raise IndexRefused(400, "SEQUENCE_GAP", {"watermark": str(self.known)})
        self.batches.append((numbers[0], numbers[-1]))
        self.entries |= dict(zip(numbers, told, strict=True))
        self.known = max(self.known, numbers[-1])
        if self.known >= self.deaf_after:
            self.silent = True
            raise IndexSilent("lost")
        outcomes = [{"sourceSeq": each["sourceSeq"], "result": "ENTRY_RESULT_ACCEPTED"} for each in told]
        return Uploaded(outcomes, self.known)

    async def watermark(self) -> int:
        """Of this node."""
        self._heard()
        return self.known

    async def digest(self, asked: Comparison) -> Sequence[str]:
        """The days that are said to differ."""
        self._heard()
        self.compared.append(asked)
        return self.differing

    async def studies_of(self, day: str) -> Sequence[KnownStudy]:
        """What it says that it has."""
        self._heard()
        return self.has.get(day, [])

    async def heartbeat(self, *, retrieving: bool, last_seq: int) -> Sequence[Contested]:
        """Conflicts, as they are played."""
        self._heard()
        self.last_seq = last_seq
        return self.contested

    def _heard(self) -> None:
        if self.silent:
            raise IndexSilent("away")
