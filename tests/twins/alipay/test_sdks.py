"""Unmodified SDKs judge the twin. Both call their package `alipay`: each runs in a process with its own wheel alone, which
`make setup` keeps beside the environment and nobody unpacks. What they need in turn is installed: the official one imports
pycryptodome and rsa, the other pycryptodomex and pyOpenSSL.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tools.twins.alipay.provider import twin
from tools.twins.twin import Settings

WHEELS = Path(sys.prefix) / "judges"
ROOT = Path(__file__).resolve().parents[3]


@asynccontextmanager
async def address(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """A twin of its own."""
    running = twin(Settings(host=host, port=port, time_scale=0.0001))
    await running.start()
    try:
        yield running.url.removesuffix(":80")
    finally:
        await running.stop()


async def judged(program: str, wheel: str, url: str) -> dict[str, Any]:
    """What the SDK of that wheel saw at the twin."""
    found = [str(each) for each in WHEELS.glob(wheel)]
    assert len(found) == 1, f"the SDKs of the tests are not installed ({wheel}): make setup"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((*found, str(ROOT))), "NO_PROXY": "*"}
    command = (sys.executable, "-W", "ignore", "-m", f"tests.twins.alipay.{program}", url)
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


async def test_the_official_sdk_creates_pays_hears_refunds_and_reads_bills() -> None:
    """It cannot take a port (C§2.4): the twin stands at port 80 of another loopback address."""
    host = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}.{secrets.randbelow(250) + 2}"
    try:
        async with address(host, 80) as url:
            told = await judged("official_sdk", "alipay_sdk_python-*.whl", url)
    except OSError as error:
        pytest.skip(f"port 80 of {host} cannot be opened here ({error.strerror}); the official SDK takes no other port")
    assert told.pop("made")[:2] == [True, "OFFICIAL1"]
    assert told == {
        "seen": ["TRADE_SUCCESS", "TRADE_SUCCESS", "TRADE_SUCCESS", "30.00"],
        "notify": [True, "OFFICIAL1"],
        "forged": "VerificationError",
        "back": "REFUND_SUCCESS",
        "paid": ["10000", "12.00"],
        "status": "TRADE_SUCCESS",
        "refund": "Y",
        "missing": "ACQ.TRADE_NOT_EXIST",
        "unsigned": "isv.missing-signature",
        "bill": ["OFFICIAL1", "OFFICIAL1", "OFFICIAL2", "OFFICIAL2"],
    }


async def test_python_alipay_sdk_creates_pays_hears_refunds_cancels_and_reads_bills() -> None:
    async with address() as url:
        told = await judged("python_alipay_sdk", "python_alipay_sdk-*.whl", url)
    assert told == {
        "status": "TRADE_SUCCESS",
        "notify": [True, "30.00"],
        "forged": False,
        "paid": ["10000", "12.00"],
        "back": ["Y", "5.00"],
        "refund": "REFUND_SUCCESS",
        "cancel": "refund",
        "mixed": "TRADE_SUCCESS",
        "missing": "ACQ.TRADE_NOT_EXIST",
        "stranger": True,
        "bill": ["SDK1", "SDK2", "SDK3"],
    }
