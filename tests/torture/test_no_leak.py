"""Whether somebody exists is not told by how long an answer takes: of nobody and of somebody who granted nothing, in either cell,
by number or certificate, the same bytes are answered, and the medians of 2,000 answers of each differ by less than 5 %
(issue 11 §3).
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from pathlib import Path
from random import Random
from typing import Final

import httpx
import pytest

from services.runtime.call import Caller, Role
from tests.imaging.across import DOCTOR, Across, started_across
from tests.mesh.harness import seed_world
from tests.mesh.seeds import INSTITUTION
from tests.torture.victim import show
from tools.played.people import InventedPerson, person
from yibao.identity.v1.api_key_pb2 import IssueApiKeyRequest
from yibao.options.v1 import options_pb2

ANSWERS: Final = 2_000
WARM: Final = 200
WORKERS: Final = 4
MOST: Final = 0.05
ADD: Final = "/v1/imaging/sessions:addPatient"
_OWN: Final = re.compile(rb'"(?:requestId|request_id)":"[^"]*"')


@pytest.mark.torture
@pytest.mark.parametrize("by", ["number", "certificate"])
async def test_nobody_and_somebody_who_granted_nothing_are_answered_alike_and_as_fast(tmp_path: Path, by: str) -> None:
    members = ("identity", "routing", "imaging", "gateway")
    async with started_across(tmp_path, members) as across:
        await seed_world(across.here, 1)
        key = await _key(across)
        far, near = await across.somebody(), await across.somebody("110105")
        took: dict[str, list[float]] = {}
        bodies: set[tuple[int, bytes]] = set()
        dice = Random(990100)
        async with httpx.AsyncClient(base_url=across.here.url, headers={"Authorization": f"Bearer {key}"}) as http:
            opening = {"fixmedinsCode": INSTITUTION, "drCodg": DOCTOR}
            token = (await http.post("/v1/imaging/sessions:open", json=opening)).json()["sessionToken"]

            async def ask(worker: int) -> None:
                for turn in range((WARM + ANSWERS) // WORKERS):
                    # In turns, so that whatever the machine does otherwise meets all of them, and in no order, for one call
                    # leaves work that the next one waits for.
                    asked = list(_asked(by, turn * WORKERS + worker, far, near).items())
                    dice.shuffle(asked)
                    for name, who in asked:
                        began = time.perf_counter()
                        answer = await http.post(ADD, json={"sessionToken": token, **who})
                        took.setdefault(name, []).append(time.perf_counter() - began)
                        bodies.add((answer.status_code, _OWN.sub(b"", answer.content)))

            await asyncio.gather(*(ask(worker) for worker in range(WORKERS)))
    medians = {name: statistics.median(each[WARM:]) for name, each in took.items()}
    show(", ".join(f"{name} {each * 1000:.3f} ms" for name, each in medians.items()))
    ((status, _),) = bodies
    assert status == 403
    apart = max(medians.values()) / min(medians.values()) - 1
    show(f"by {by} {apart:.2%} apart")
    assert apart < MOST


def _asked(by: str, number: int, far: InventedPerson, near: InventedPerson) -> dict[str, dict[str, str]]:
    """Who is asked for in a turn."""
    people = {"nobody": person(3_000_000 + number), "far": far, "near": near}
    if by == "number":
        return {name: {"psnNo": who.psn_no} for name, who in people.items()}
    return {name: {"psnCertType": "01", "certno": who.certno} for name, who in people.items()}


async def _key(across: Across) -> str:
    request = IssueApiKeyRequest(request_id="key", role=options_pb2.ROLE_INSTITUTION, subject=INSTITUTION)
    operator = Caller(Role.OPERATOR, "OP1", sandbox=True)
    method = "yibao.identity.v1.PartnerService.IssueApiKey"
    return str((await across.here.call(method, request, caller=operator)).api_key)
