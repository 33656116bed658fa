"""`yibao clearing YYYY-MM`: what regions owe each other in a month, as a matrix, as JSON or CSV, and a picture of net positions.

`yibao clearing verify` asks the mesh to compute the books of clearing anew.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from services.kernel.money import yuan_text
from services.runtime.texts.words import WORDS
from tools.cli.clearing_picture import picture
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import MeshClient
from yibao.routing.v1 import clearing_notice_pb2, clearing_payments_pb2, clearing_pb2

VERIFY: Final = "verify"
WITHIN_S: Final = 600

_SERVICE: Final = "yibao.routing.v1.ClearingService"
_REFUSED: Final = "yibao.routing.v1.ClearingNoticeService.ListRefusedNotices"
_STATES: Final = {
    clearing_pb2.MONTH_STATE_OPEN: "open",
    clearing_pb2.MONTH_STATE_CLOSED: "closed",
    clearing_pb2.MONTH_STATE_NETTED: "netted",
    clearing_pb2.MONTH_STATE_PAID: "paid",
}
_NATION: Final = "000000"


def run(client: MeshClient, month: str, words: Words = ENGLISH, *, form: str = "", svg: Path | None = None) -> int:
    """Prints a month in a form ("", "json" or "csv"), and writes the picture where one is wanted."""
    if month == VERIFY:
        return _verify(client, words)
    told = client.call(f"{_SERVICE}.GetMonth", clearing_pb2.GetMonthRequest(month=month))
    match form:
        case "json":
            print(json.dumps(_document(told), ensure_ascii=False, indent=2))
        case "csv":
            _write_csv(told)
        case _:
            print("\n".join(_lines(told, words)))
            if client.call(_REFUSED, clearing_notice_pb2.ListRefusedNoticesRequest(page_size=1)).notices:
                print(
                    words(
                        "Some notices of settlements were not taken: POST /v1/clearing/refused-notices:list tells why."
                    )
                )
    if svg is not None:
        title = words("Net positions of {month} ({state})", month=month, state=_state(told, words))
        svg.write_text(picture(_nets(told), title), encoding="utf-8")
        print(words("picture: {path}", path=svg), file=sys.stderr)
    return 0


def _verify(client: MeshClient, words: Words) -> int:
    answer = client.call(f"{_SERVICE}.VerifyClearing", clearing_payments_pb2.VerifyClearingRequest(), within_s=WITHIN_S)
    for finding in answer.findings:
        told = {"rule": finding.rule, "subject": finding.subject}
        said = "{rule} on {subject}: expected {expected}, found {found}"
        print(words(said, **told, expected=finding.expected, found=finding.found))
    print(
        words(
            "{journals} journals checked, {alone} reversals without settlement, positions sum to {positions} fen,"
            " hash {hash}: {findings} findings",
            journals=answer.journals_checked,
            alone=answer.reversals_alone,
            positions=answer.positions_fen,
            hash=answer.ledger_hash[:16],
            findings=len(answer.findings),
        )
    )
    return 1 if answer.findings else 0


def _nets(told: Any) -> list[tuple[str, int]]:
    """Region and net of every position; of a circle inside a province `370000/370100`."""
    return [
        (each.region if each.circle == _NATION else f"{each.circle}/{each.region}", each.net_fen)
        for each in told.positions
    ]


def _state(told: Any, words: Words) -> str:
    name = _STATES[told.month.state]
    return WORDS["month_state"][name] if words.language == "zh" else name


def _document(told: Any) -> dict[str, Any]:
    return {
        "month": told.month.month,
        "state": _STATES[told.month.state],
        "run": told.month.run,
        "pairs": [
            {
                "circle": each.circle,
                "insured_region": each.insured_region,
                "care_region": each.care_region,
                "settled_count": each.settled_count,
                "reversed_count": each.reversed_count,
                "amount_fen": each.amount_fen,
                "carried_fen": each.carried_fen,
                "outcome": clearing_pb2.StatementOutcome.Name(each.outcome).rpartition("_")[2].lower(),
            }
            for each in told.statements
        ],
        "positions": [
            {
                "circle": each.circle,
                "region": each.region,
                "receivable_fen": each.receivable_fen,
                "payable_fen": each.payable_fen,
                "net_fen": each.net_fen,
            }
            for each in told.positions
        ],
    }


def _write_csv(told: Any) -> None:
    """A row for each pair; sums in fen."""
    rows = _document(told)["pairs"]
    names = ("circle insured_region care_region settled_count reversed_count amount_fen carried_fen outcome").split()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in rows)


def _lines(told: Any, words: Words) -> Iterator[str]:
    yield words("{month}: {state}; amounts in yuan", month=told.month.month, state=_state(told, words))
    if not told.statements:
        yield words("Nothing clears in this month.")
        return
    for circle in sorted({each.circle for each in told.statements}):
        sums = {
            (each.insured_region, each.care_region): each.amount_fen + each.carried_fen
            for each in told.statements
            if each.circle == circle
        }
        yield ""
        yield words("between provinces") if circle == _NATION else words("inside province {province}", province=circle)
        yield from _matrix(sums, words)
        nets = [(each.region, each.net_fen) for each in told.positions if each.circle == circle]
        if nets:
            yield words("net, above 0 to be received:")
            yield from (f"  {region} {yuan_text(net):>16}" for region, net in nets)
            yield f"  {'':6} {yuan_text(sum(net for _, net in nets)):>16}"


def _matrix(sums: dict[tuple[str, str], int], words: Words) -> Iterator[str]:
    """Rows: where people are insured; columns: where they were treated; as many columns at once as the terminal holds."""
    rows = sorted({insured for insured, _ in sums})
    columns = sorted({care for _, care in sums})
    wide = max(8, *(len(yuan_text(each)) for each in sums.values())) + 2
    room = max(1, (shutil.get_terminal_size((120, 24)).columns - 8) // wide)
    yield words("insured (rows) and treated (columns):")
    for start in range(0, len(columns), room):
        part = columns[start : start + room]
        yield f"{'':8}" + "".join(f"{care:>{wide}}" for care in part)
        for insured in rows:
            cells = (_cell(sums, insured, care) for care in part)
            yield f"{insured:8}" + "".join(f"{cell:>{wide}}" for cell in cells)


def _cell(sums: dict[tuple[str, str], int], insured: str, care: str) -> str:
    return yuan_text(sums[insured, care]) if (insured, care) in sums else "·"
