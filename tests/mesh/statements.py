"""How an institution's client reconciles: totals (3201), a file of details (9101) and what is told of each line (3202)."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.mesh.hospital import Hospital

DAYS: Final = {"stmt_begndate": "2000-01-01", "stmt_enddate": "2099-12-31"}
SUMS: Final = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay")


def totals_of(info: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The totals of a day on which the amounts of one settlement are all."""
    return {
        **DAYS,
        "insutype": "310",
        "clr_type": info["clr_type"],
        "setl_optins": info["clr_optins"],
        **{name: str(info[name]) for name in SUMS},
        "fixmedins_setl_cnt": count,
    }


async def uploaded(hospital: Hospital, rows: Sequence[tuple[Mapping[str, Any], str]]) -> dict[str, Any]:
    """Sends a file with these settlements, each with its mark of a counter-entry; what 9101 tells."""
    lines = [
        "\t".join((each["setl_id"], each["mdtrt_id"], each["psn_no"], *(str(each[name]) for name in SUMS), back))
        for each, back in rows
    ]
    file = {"in": zipped("\r\n".join(lines)), "filename": "detail.zip", "fixmedins_code": rows[0][0]["clr_optins"]}
    return dict((await hospital.done("9101", {"fsUploadIn": file})).output)


async def compared(
    hospital: Hospital, kept: Mapping[str, Any], totals: Mapping[str, Any], count: int
) -> dict[str, Any]:
    """Has a file compared; the file of the results."""
    asked = {**DAYS, "file_qury_no": kept["file_qury_no"], "cash_payamt": 0, "fixmedins_setl_cnt": count}
    asked |= {name: totals[name] for name in ("setl_optins", "clr_type", *SUMS[:2])}
    return dict((await hospital.done("3202", {"data": asked})).output["fileinfo"])


async def journey(hospital: Hospital, info: Mapping[str, Any]) -> None:
    """All of it for one settlement."""
    totals = totals_of(info, 1)
    await hospital.done("3201", {"data": totals})
    await compared(hospital, await uploaded(hospital, [(info, "0")]), totals, 1)


def zipped(text: str) -> str:
    """A file of details as 9101 takes it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("detail.txt", text)
    return base64.b64encode(held.getvalue()).decode()
