"""`wechatpay-axios-plugin`, unmodified from npm by its lock file, takes the twin for WeChat Pay.

It checks what `wechatpayv3` does not: that answers are of these minutes. It is skipped where npm reaches no registry.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.twins.wechat_desk import opened
from tools.tidy import ROOT

pytestmark = pytest.mark.torture

SOURCE = ROOT / "tests" / "torture" / "wechat"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the judge with the SDK beside it."""
    folder = tmp_path_factory.mktemp("wechat")
    for name in ("package.json", "package-lock.json", "judge.mjs"):
        shutil.copy(SOURCE / name, folder)
    path = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    install = ["npm", "ci", "--no-audit", "--no-fund"]
    if subprocess.run(install, cwd=folder, env=path, check=False, timeout=300).returncode:
        pytest.skip("npm could not install wechatpay-axios-plugin: no registry is reached from here")
    return folder


async def test_the_npm_sdk_creates_pays_queries_refunds_and_reads_bills_and_certificates(judge: Path) -> None:
    async with opened() as desk:
        (judge / "keys.json").write_text(json.dumps(desk.keys), encoding="utf-8")
        with (judge / "keys.json").open("rb") as keys:
            told = await _printed(judge, desk.twin.url, keys.fileno())
    assert told == {
        "created": "MIX_PAY_CREATED",
        "refused": "ALREADY_EXISTS",
        "paid": "MIX_PAY_SUCCESS",
        "refund": "PROCESSING",
        "bill": True,
        "certificate": True,
    }


async def _printed(folder: Path, url: str, keys: int) -> object:
    command = (str(BIN / "node"), "judge.mjs", url)
    run = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=keys, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(run.communicate(), 60.0)
    assert run.returncode == 0
    return json.loads(out)
