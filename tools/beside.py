"""The twins beside a sandbox: started in one process, with a file by which the sandbox's institutions are their merchants.

`make up` and the demo stand on it. The twins come first, for payment reads the keys that they make as it starts.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from services.cells import SANDBOX, codes
from services.runtime.interrupts import held_back
from services.runtime.private import opened_private, private_file, private_folder
from tools.running import HOST, RunningMesh, StartError, root, settings, start, startable, stop, writing_in
from tools.sandbox_keys import CELL_INSTITUTIONS, INSTITUTION
from tools.twins.alipay.platform import sandbox_app
from tools.twins.national.provider import merchant as national_merchant
from tools.twins.wechat.merchants import direct

MERCHANTS: Final = "YIBAO_MERCHANTS"
LOG: Final = "twins.log"
_AREA: Final = 2
"""Digits of a division that say which cell an order is kept in."""
_CITY: Final = "530100"
_NAMES: Final = {
    INSTITUTION: "测试医院",
    "H11010100901": "京华示范医院",
    "H31010100901": "浦江示范医院",
    "H37010200901": "泉城示范医院",
}


@dataclass(frozen=True, slots=True)
class Twins:
    """Twins that serve: where each answers by name, the file of merchants, their process, and how long they took to start."""

    urls: Mapping[str, str]
    merchants: Path
    process: subprocess.Popen[bytes]
    start_s: float


@contextmanager
def beside(values: Mapping[str, str], *, free_ports: bool) -> Iterator[Twins]:
    """Twins for the mesh of these settings, for the length of a block; `StartError`.

    What they remember, keys too, stays in the folder `twins` of the mesh's data.
    """
    config = startable(values)
    gateways = {
        code: f"http://{HOST}:{config.of_cell(code).integer('YIBAO_GATEWAY_PORT')}" for code in config.started_cells
    }
    folder = config.data_dir / "twins"
    with writing_in(folder):
        private_folder(folder)
    begun = time.perf_counter()
    # A cell has the same merchant also where others are not started.
    numbers = {code: 1 + codes().index(code) for code in gateways}
    process = _started(folder, gateways, numbers, free_ports=free_ports)
    try:
        told = _told(process, folder)
        with writing_in(folder):
            merchants = _merchants_written(folder, told, gateways, numbers)
        urls = {name: str(each["url"]) for name, each in told.items()}
        yield Twins(urls, merchants, process, time.perf_counter() - begun)
    finally:
        with process:
            stop(process)


def _started(
    folder: Path, gateways: Mapping[str, str], numbers: Mapping[str, int], *, free_ports: bool
) -> subprocess.Popen[bytes]:
    bureau = ",".join(f"{_area(code)}={url}" for code, url in gateways.items())
    merchants = ",".join(map(str, numbers.values()))
    words = ["-m", "tools.twins.together", str(folder), "--bureau", bureau, "--merchants", merchants]
    with opened_private(folder / LOG) as sink, held_back():
        return subprocess.Popen(
            [sys.executable, *words, *(["--free-ports"] if free_ports else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            cwd=root(),
        )


def _told(process: subprocess.Popen[bytes], folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """What the twins say as they serve; `StartError`."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise StartError(f"The twins did not start; their log is {folder / LOG}")
    told: dict[str, Any] = json.loads(line)
    if "taken" in told:
        raise StartError(
            f"Port {told['port']} of the twin of {told['taken']} cannot be opened: is another one running here?\n"
            "Stop it, or start without twins: --no-twins"
        )
    return told


def _area(code: str) -> str:
    """Where the orders of a cell's institutions are: the first digits of their divisions."""
    return "99" if code == SANDBOX else code[:_AREA]


def _merchants_written(
    folder: Path, told: Mapping[str, Mapping[str, Any]], gateways: Mapping[str, str], numbers: Mapping[str, int]
) -> Path:
    """The file of merchants with its keys beside it: each started cell's hospital has a contract with each twin."""
    wechat, alipay, bank, national = (told[name]["keys"] for name in ("wechat", "alipay", "bank", "national"))
    for name, text in {
        "wechat-provider": wechat["public_keys"][wechat["public_key_id"]],
        "alipay-provider": alipay["alipay_public_key"],
        "bank-master": bank["master_key"],
        "bank-statement": bank["statement_secret"],
        "national-own": national["private_key"],
        "national-secret": national["secret"],
        "national-provider": national["provider_key"],
    }.items():
        _kept(folder / name, text)
    rows = [row for code, gateway in gateways.items() for row in _rows(folder, code, numbers[code], gateway, told)]
    file = folder / "merchants.yaml"
    _kept(file, yaml.safe_dump({"accounts": rows}, allow_unicode=True, default_style='"'))
    return file


def _rows(
    folder: Path, code: str, number: int, gateway: str, told: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The contracts of a cell's hospital: at each twin it is a merchant of its own, so that a bill has its money alone."""
    wechat, national = (told[name]["keys"] for name in ("wechat", "national"))
    merchant, app = _own(folder, number, wechat, told["alipay"]["keys"])
    notified = {"notify_address": f"{gateway}/v1/channels"}
    rows: list[dict[str, Any]] = [
        {
            "channel": "wechat",
            "merchant_no": merchant["mchid"],
            "app_no": merchant["appid"],
            "city_no": _CITY,
            "serial_no": merchant["serial_no"],
            "private_key_file": f"wechat-own-{number}",
            "secret_file": f"wechat-secret-{number}",
            "provider_keys": {wechat["public_key_id"]: "wechat-provider"},
            **notified,
        },
        {
            "channel": "alipay",
            "merchant_no": app["app_id"],
            "private_key_file": f"alipay-own-{number}",
            "provider_keys": {"1": "alipay-provider"},
            **notified,
        },
        {
            "channel": "bank",
            "merchant_no": f"9000{number:011}",
            "app_no": f"1{number:07}",
            "files_address": told["bank"]["url"],
            "secret_file": "bank-master",
            "provider_keys": {"statement": "bank-statement"},
        },
        {
            "channel": "national",
            "merchant_no": national_merchant(number),
            "app_no": national["app_id"],
            "private_key_file": "national-own",
            "secret_file": "national-secret",
            "provider_keys": {"1": "national-provider"},
            **notified,
        },
    ]
    at = {row["channel"]: told[row["channel"]]["url"] for row in rows} | {"bank": told["bank"]["keys"]["line"]}
    institution = CELL_INSTITUTIONS.get(code, INSTITUTION)
    own = {"fixmedins_code": institution, "fixmedins_name": _NAMES[institution]}
    return [row | own | {"address": at[row["channel"]]} for row in rows]


def _own(
    folder: Path, number: int, wechat: Mapping[str, Any], alipay: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The merchant of WeChat and the application of Alipay of that number; their keys are kept in the folder."""
    merchant = next(each for each in wechat["merchants"] if each["mchid"] == direct(number))
    app = next(each for each in alipay["apps"] if each["app_id"] == sandbox_app(number))
    _kept(folder / f"wechat-own-{number}", merchant["private_key"])
    _kept(folder / f"wechat-secret-{number}", merchant["secret"])
    _kept(folder / f"alipay-own-{number}", app["app_private_key"])
    return merchant, app


def _kept(file: Path, text: str) -> None:
    """Writes a file of this user's own."""
    private_file(file)
    file.write_text(f"{text.rstrip()}\n", encoding="utf-8")


@contextmanager
def twins_of(data_dir: Path, chosen: Sequence[str]) -> Iterator[tuple[Mapping[str, str], Twins]]:
    """Settings of a sandbox of cells on ports of its own, and twins beside it, for the length of a block."""
    values = settings(data_dir, secrets.token_hex(16), own_ports=True, codes=chosen)
    with beside(values, free_ports=True) as twins:
        yield values | {MERCHANTS: str(twins.merchants)}, twins


@contextmanager
def running(values: Mapping[str, str]) -> Iterator[RunningMesh]:
    """A mesh of these settings, for the length of a block; it may be started there again."""
    mesh = start(values)
    try:
        yield mesh
    finally:
        stop(mesh.process)
