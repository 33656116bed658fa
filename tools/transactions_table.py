"""The table of the READMEs on national transactions: which are served, which will be, which will not.

`python -m tools.transactions_table [zh]` prints it. What is served is read from the contract, the rest from the gateway's list.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from gateway.national.transactions import known_titles, planned_numbers
from services.runtime.contract import Contract

Language = Literal["en", "zh"]

GROUPS: Final = (
    ("1", "people, institutions, catalogues", "人员、机构与目录"),
    ("2", "care, fees and settlement, filings", "就诊、费用与结算、备案"),
    ("3", "checks, reconciliation and clearing, stock", "审核、对账清算、进销存"),
    ("4", "settlement lists, records and reports", "结算清单、病案与检查报告"),
    ("5", "queries", "查询"),
    ("6", "credential, mobile payment", "电子凭证、移动支付"),
    ("7", "electronic prescriptions", "电子处方"),
    ("9", "sign-in, files, others", "签到签退、文件及其他"),
    ("D", "provincial numbers", "地方自定义编号"),
)
NONE: Final = "–"
HEADS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("numbers", "about", "served", "planned", "not planned"),
    "zh": ("编号", "内容", "已支持", "已列入计划", "未列入计划"),
}


def table(language: Language) -> str:
    """The table as Markdown. Every known number stands in it once; a run of numbers is `first–last`."""
    served = {each.infno for method in Contract.of_mesh().methods.values() for each in method.transactions}
    planned = planned_numbers()
    rows: list[tuple[str, ...]] = [HEADS[language], ("---",) * 5]
    for first, english, chinese in GROUPS:
        numbers = [each for each in known_titles() if each[0] == first]
        cells = (
            [each for each in numbers if each in served],
            [each for each in numbers if each in planned - served],
            [each for each in numbers if each not in planned | served],
        )
        about = english if language == "en" else chinese
        rows.append((f"{first}…", about, *(" ".join(_runs(each)) or NONE for each in cells)))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def expanded(cell: str) -> Iterator[str]:
    """The numbers that a cell of the table names."""
    for each in cell.split():
        if each == NONE:
            continue
        first, _, last = each.partition("–")
        if last:
            yield from (f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1))
        elif first:
            yield first


def _runs(numbers: Iterable[str]) -> Iterator[str]:
    """Numbers in order, three and more in a row as a range."""
    run: list[str] = []
    for each in sorted(numbers, key=lambda number: (len(number), number)):
        if run and not _follows(run[-1], each):
            yield from _told(run)
            run = []
        run.append(each)
    yield from _told(run)


def _follows(before: str, number: str) -> bool:
    plain = re.fullmatch(r"\d{4}", before) and re.fullmatch(r"\d{4}", number)
    return bool(plain) and int(number) == int(before) + 1


def _told(run: list[str]) -> list[str]:
    return [f"{run[0]}–{run[-1]}"] if len(run) > 2 else run


if __name__ == "__main__":
    print(table("zh" if sys.argv[1:] == ["zh"] else "en"), end="")
