"""Bodies made to be expensive: what one partner may send, legal and not. All of them are within the body's limit.

Each is bytes ready to be posted; the legal ones need a visit that stands open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from services.kernel.clock import BEIJING

ATTACKER: Final = "H99010000001"
LINES: Final = 500
_LARGE: Final = 4_000_000


def envelope(infno: str, nodes: object, number: int = 0, code: str = ATTACKER, place: str = "990100") -> dict[str, Any]:
    """The envelope of a hospital that proves nothing."""
    now = datetime.now(UTC).astimezone(BEIJING)
    return {
        "infno": infno,
        "msgid": f"{code}{now:%Y%m%d%H%M%S}{number % 10_000:04d}",
        "mdtrtarea_admvs": place,
        "insuplc_admdvs": place,
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "01",
        "opter_name": "测试操作员",
        "inf_time": f"{now:%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": code,
        "fixmedins_name": "测试医院",
        "sign_no": "",
        "input": nodes,
    }


def line(mdtrt: Mapping[str, str], number: int, batch: str) -> dict[str, Any]:
    """A fee line that is right."""
    return {
        **mdtrt,
        "feedetl_sn": f"{batch}-{number}",
        "chrg_bchno": batch,
        "fee_ocur_time": f"{datetime.now(UTC).astimezone(BEIJING):%Y-%m-%d %H:%M:%S}",
        "hosp_appr_flag": "0",
        "med_list_codg": "XTESTDRUG0001",
        "medins_list_codg": "Y0001",
        "det_item_fee_sumamt": "10.00",
        "cnt": "1",
        "pric": "10.00",
        "bilg_dept_codg": "A01",
        "bilg_dept_name": "内科",
        "bilg_dr_codg": "D01",
        "bilg_dr_name": "测试医师",
    }


def illegal() -> list[tuple[str, bytes]]:
    """Name and body of what is refused, the worst that we know of each kind."""

    def raw(nodes: str) -> bytes:
        text = json.dumps(envelope("2204", "@"), ensure_ascii=False).replace('"@"', nodes)
        return text.encode()

    rows = _LARGE // 3
    keys = ",".join(f'"k{number}":0' for number in range(59_000))
    wrong = json.dumps({"feedetail": [{f"x{n}": {} for n in range(60)} | {"cnt": {}, "pric": "y"}] * LINES})
    return [
        ("40,000 empty rows", raw('{"feedetail":[' + "{}," * 39_999 + "{}]}")),
        ("4 MB of empty rows", raw('{"feedetail":[' + "{}," * rows + "{}]}")),
        ("4 MB of empty lists", raw('{"x":[' + "[]," * rows + "[]]}")),
        ("59,000 keys", raw("{" + keys + "}")),
        (
            "keys that nobody knows in 100 rows",
            raw('{"feedetail":[' + ",".join(["{" + keys[:5_000].rsplit(",", 1)[0] + "}"] * 100) + "]}"),
        ),
        ("500 rows, everything wrong", raw(wrong)),
        ("50 empty rows", raw('{"feedetail":[' + "{}," * 49 + "{}]}")),
        ("rows as text within the text", raw(json.dumps('{"feedetail":[' + "{}," * 39_999 + "{}]}"))),
        ("2 MB of opening brackets", raw("[" * 2_000_000)),
        ("one text of 4 MB", raw('{"feedetail":[{"memo":"' + "x" * (_LARGE - 1_000) + '"}]}')),
        ("escapes", raw('{"feedetail":[{"memo":"' + "\\u4e2d" * (_LARGE // 7) + '"}]}')),
        ("bytes that are no text", raw('{"memo":"@@"}').replace(b"@@", b"\xff" * (_LARGE - 1_000))),
        ("GBK that nobody declared", raw('{"memo":"@@"}').replace(b"@@", b"\xd6\xd0" * (_LARGE // 2 - 1_000))),
        ("numbers of 4,200 digits", raw('{"x":[' + ",".join(["1" * 4_200] * 900) + "]}")),
    ]


def legal(mdtrt: Mapping[str, str], numbers: Iterator[int]) -> Iterator[Callable[[], bytes]]:
    """What is served, as large as it may be: uploads of 500 lines, and lists of all that was uploaded."""
    for number in numbers:

        def upload(number: int = number) -> bytes:
            rows = [line(mdtrt, place, f"L{number}") for place in range(LINES)]
            return json.dumps(envelope("2204", {"feedetail": rows}, number), ensure_ascii=False).encode()

        def listing(number: int = number) -> bytes:
            data = {**mdtrt, "setl_id": "", "chrg_bchno": ""}
            return json.dumps(envelope("5204", {"data": data}, number), ensure_ascii=False).encode()

        yield upload
        yield listing
