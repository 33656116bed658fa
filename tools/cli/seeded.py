"""What a sandbox was given, noted beside its data: a later start need not send it again, and says truly what stood already.

The note counts for a member only while a witness stands there, one row that it tells of: a database may have been made anew
behind it. A request that is not noted is sent, so that a new sample is loaded into an old sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from services.runtime.private import private_file
from tools.cli.mesh_client import MeshClient, MeshRefusal
from yibao.settlement.v1 import ledger_pb2

FILE_NAME: Final = "seeded.json"


def _item(client: MeshClient) -> bool:
    return bool(client.get("/v1/items/XTESTDRUG0001?day=2026-01-01&admdvs=990100"))


def _partner(client: MeshClient) -> bool:
    return bool(client.get("/v1/partners/H99010000001"))


def _opening(client: MeshClient) -> bool:
    """Accumulators that an opening brought are there whatever was settled since; a balance may be spent."""
    asked = ledger_pb2.ListAccumulatorsRequest(
        psn_no="11000000000000000102", insutype="310", insuplc_admdvs="110000", benefit_year="2026"
    )
    return bool(client.call("yibao.settlement.v1.LedgerService.ListAccumulators", asked).accumulators)


WITNESSES: Final[Mapping[str, Callable[[MeshClient], bool]]] = {
    "catalogue": _item,
    "identity": _partner,
    "settlement": _opening,
}
"""By member, whether a row of the samples stands there; MeshRefusal where it does not."""


def witnesses_of(partner_code: str, opening: ledger_pb2.LedgerOpening) -> Mapping[str, Callable[[MeshClient], bool]]:
    """The witnesses of another cell's samples: one of its partners, and an opening that brought accumulators."""
    asked = ledger_pb2.ListAccumulatorsRequest(
        psn_no=opening.psn_no,
        insutype=opening.insutype,
        insuplc_admdvs=opening.insuplc_admdvs,
        benefit_year=opening.benefit_year,
    )
    listing = "yibao.settlement.v1.LedgerService.ListAccumulators"
    return {
        "identity": lambda client: bool(client.get(f"/v1/partners/{partner_code}")),
        "settlement": lambda client: bool(client.call(listing, asked).accumulators),
    }


class Note:
    """The requests that were answered, in a file; without a file nothing is known and nothing kept."""

    def __init__(
        self,
        client: MeshClient,
        file: Path | None = None,
        witnesses: Mapping[str, Callable[[MeshClient], bool]] | None = None,
    ) -> None:
        self._client = client
        self._witnesses = witnesses or WITNESSES
        self._file = file
        self._known = _read(file)
        self._stands = cache(self._witnessed)

    def knows(self, method: str, request_id: str) -> bool:
        """Whether the request was answered before, by the store that the member has today; MeshUnreachable."""
        return request_id in self._known and self._stands(method.split(".")[1])

    def add(self, request_id: str) -> None:
        """Notes a request that was answered."""
        self._known.add(request_id)

    def keep(self) -> None:
        """Writes the file, for its own user only. A folder that cannot be written costs the note alone."""
        if self._file is not None:
            with suppress(OSError):
                private_file(self._file)
                self._file.write_text(json.dumps(sorted(self._known)), encoding="ascii")

    def _witnessed(self, member: str) -> bool:
        try:
            return self._witnesses[member](self._client)
        except MeshRefusal:
            return False


def _read(file: Path | None) -> set[str]:
    """The requests in a file; none where there is no such file, or another one."""
    try:
        told = json.loads(file.read_text(encoding="ascii")) if file else []
    except (OSError, ValueError):
        return set()
    return {each for each in told if isinstance(each, str)} if isinstance(told, list) else set()
