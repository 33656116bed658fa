"""The control door of a twin, as tests use it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx


async def told(client: httpx.AsyncClient, verb: str, **body: object) -> Any:
    """What the door answers to a verb that it takes."""
    answer = await client.post(f"/_twin/{verb}", json=body)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return answer.json()
