"""National cryptography on one core: SM2 beside what `openssl speed sm2` does, and what a mobile envelope costs for each call.

All figures are of processor time, so that others on the machine do not count. The keys are made for the run.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from services.runtime.national.envelope import App, build_answer, build_request, open_request, read_outer
from services.runtime.national.sm2 import PrivateKey, Sm2, Sm2Unavailable, open_sm2
from tools.bench import report
from tools.bench.figures import percentile, several

T = TypeVar("T")

RUNS: Final = 3
TIMES: Final = 3_000
LINES: Final = (1, 20, 100)
GOAL_VERIFIES: Final = 1_500

_MESSAGE_BYTES: Final = 1024
_FLOOR_S: Final = 1
_FLOOR: Final = re.compile(r"SM2 .*?s\s+\S+s\s+([\d.]+)\s+([\d.]+)")


def national(times: int = TIMES, floor_s: int = _FLOOR_S) -> None:
    """Prints the figures; says so where this machine has no SM2."""
    print(report.heading(f"SM2 on one core (at least {GOAL_VERIFIES} verifications a second)"))
    try:
        sm2 = open_sm2()
    except Sm2Unavailable as missing:
        print(f"   not measured: {missing}")
        return
    # Each round stands beside one of OpenSSL's own: on a machine that others use, minutes apart compare nothing.
    rounds = [(rates(sm2, times // RUNS), speed_of_openssl(floor_s)) for _ in range(RUNS)]
    for place, name in enumerate(("sign", "verify")):
        own = several([mine[place] for mine, _ in rounds], more_is_better=True)
        ratios = [mine[place] / floor[place] for mine, floor in rounds if floor is not None]
        beside = f"{several(ratios).median:.2f} × of openssl speed" if ratios else "no openssl beside it"
        print(f"   {name:<7} {report.figure(own, '/s', 0)}   {beside}   {sm2.version}", flush=True)
    print(report.heading("a mobile envelope at the bureau: read, proven, answered"))
    ours, theirs = _apps(sm2)
    for lines in LINES:
        sent = [_sent(theirs, lines) for _ in range(times // 10)]
        runs = [microseconds(lambda body: _bureau(ours, *body), sent) for _ in range(RUNS)]
        p50, p99 = (report.figure(several([each[place] for each in runs]), "µs", 0) for place in (0, 1))
        print(f"   opened and answered {p50} median, {p99} p99   {lines} lines, {len(sent[0][0])} bytes", flush=True)


def rates(sm2: Sm2, times: int) -> tuple[float, float]:
    """Signatures and verifications of 1 KiB in a second of processor time."""
    key, message = _new_key(sm2), secrets.token_bytes(_MESSAGE_BYTES)
    signature = key.sign(message)
    return _rate(lambda: key.sign(message), times), _rate(lambda: key.public.verify(signature, message), times)


def speed_of_openssl(seconds: int) -> tuple[float, float] | None:
    """Signatures and verifications a second by OpenSSL's own program; None where that is not here or has no SM2."""
    program = shutil.which("openssl")
    if program is None:
        return None
    run = subprocess.run(
        [program, "speed", "-seconds", str(seconds), "sm2"], capture_output=True, text=True, check=False
    )
    found = _FLOOR.search(run.stdout)
    return (float(found[1]), float(found[2])) if found else None


def microseconds(act: Callable[[T], object], given: Sequence[T]) -> tuple[float, float]:
    """Median and 99th percentile of the processor time of one act upon what it is given."""
    taken: list[float] = []
    for each in given:
        begun = time.thread_time_ns()
        act(each)
        taken.append((time.thread_time_ns() - begun) / 1000)
    taken.sort()
    return percentile(taken, 0.5), percentile(taken, 0.99)


def _rate(act: Callable[[], object], times: int) -> float:
    begun = time.thread_time()
    for _ in range(times):
        act()
    return times / (time.thread_time() - begun)


def _new_key(sm2: Sm2) -> PrivateKey:
    return sm2.private_key(secrets.token_bytes(31).rjust(32, b"\1"))


def _apps(sm2: Sm2) -> tuple[App, App]:
    """The same app as the bureau and as its hospital has it."""
    bureau, hospital = _new_key(sm2), _new_key(sm2)
    app_id, secret = secrets.token_hex(16).upper(), secrets.token_urlsafe(32)
    return App(app_id, secret, bureau, hospital.public), App(app_id, secret, hospital, bureau.public)


def _sent(theirs: App, lines: int) -> tuple[bytes, datetime]:
    now = datetime.now(UTC)
    return build_request(theirs, {"payOrdId": "ORD", "feedetailList": list(_lines(lines))}, now), now


def _lines(count: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        yield {
            "feedetlSn": f"{place}",
            "chrgBchno": "B1",
            "feeOcurTime": "2026-01-15 10:30:00",
            "rxno": "R1",
            "medListCodg": "XB05BAT001B001010100001",
            "medinsListCodg": "测试药品",
            "cnt": "2",
            "pric": "12.3400",
            "detItemFeeSumamt": "24.68",
            "bilgDeptCodg": "D1",
            "bilgDeptName": "内科",
            "bilgDrName": "测试医生",
        }


def _bureau(ours: App, body: bytes, now: datetime) -> None:
    """What the gateway does with one call: reads, proves, and answers."""
    opened = open_request(ours, read_outer(body), now)
    build_answer(ours, opened.outer, {"payOrdId": "ORD", "ordStas": "1", "feeSumamt": "24.68"}, now)
