"""Files by which an institution's settlements are compared one by one (3202): what it uploads, and the result (nhsa-interface
§5).

One zip with one text: lines of values with TAB between them, UTF-8, no head, `null` for an empty value, CRLF or LF. Amounts are
yuan in the files and fen here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from services.kernel.errors import Fault, invalid
from services.kernel.money import plainly_scaled, yuan_text

MOST_ROWS: Final = 100_000
_COLUMNS: Final = 7
_EMPTY: Final = "null"
EQUAL: Final = "0"
UNEQUAL: Final = "1"
"""Dictionary stmt_rslt. Provinces have more numbers; `memo` says which inequality it is (our decision)."""
ONLY_HERE: Final = "中心多"
ONLY_THERE: Final = "医药机构多"
OTHERWISE: Final = "数据不一致"


class ListedLine(NamedTuple):
    """A line of the institution's file."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    medfee_fen: int
    fund_fen: int
    acct_fen: int
    back: bool


class BookedLine(NamedTuple):
    """A settlement or counter-entry as it is booked here; `at` is when, in microseconds UTC."""

    at: int
    setl_id: str
    mdtrt_id: str
    psn_no: str
    msgid: str
    med_type: str
    insuplc_admdvs: str
    medfee_fen: int
    fund_fen: int
    acct_fen: int
    back: bool

    def equals(self, listed: ListedLine) -> bool:
        """Whether a line says the same. No text says which sign the amounts of a counter-entry have: both are taken."""
        same = self.mdtrt_id == listed.mdtrt_id and self.psn_no == listed.psn_no and self.back == listed.back
        here, there = (self.medfee_fen, self.fund_fen, self.acct_fen), listed[3:6]
        return same and (here == there or (self.back and tuple(-fen for fen in here) == there))


class ComparisonCounts(NamedTuple):
    """What a comparison came to: lines that are equal, that are booked here alone, that the file has alone, and that both have
    otherwise; and the sums of those that differ, in fen.
    """

    equal: int = 0
    only_here: int = 0
    only_there: int = 0
    otherwise: int = 0
    here_fen: int = 0
    there_fen: int = 0


class Comparison(NamedTuple):
    """A comparison of an institution: over which days (ISO), of which office, class and kind ("" for all), what it came to, when
    (microseconds UTC), and under which number its result is.
    """

    fixmedins_code: str
    first_day: str
    last_day: str
    setl_optins: str
    clr_type: str
    refd_setl_flag: str
    file_qury_no: str
    compared_at: int
    equal: int
    only_here: int
    only_there: int
    otherwise: int
    here_fen: int
    there_fen: int

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in a list."""
        return self.compared_at, self.file_qury_no


def read_listed(text: str) -> list[ListedLine]:
    """The lines of an uploaded file; INVALID FILE_MALFORMED."""
    rows = []
    for number, line in enumerate(text.split("\n", MOST_ROWS), 1):
        # What is behind the last line that may be, and behind the last value, is not looked at: it may be the whole file.
        values = [("" if value == _EMPTY else value.strip()) for value in line.rstrip("\r\n").split("\t", _COLUMNS)]
        if values == [""]:
            continue
        if number > MOST_ROWS:
            raise malformed("file.rows", f"at most {MOST_ROWS} lines", most=str(MOST_ROWS))
        rows.append(_listed(values, number))
    return rows


def _listed(values: Sequence[str], number: int) -> ListedLine:
    fens = [_fen(value) for value in values[3:6]]
    if len(values) != _COLUMNS or None in fens or values[6] not in ("", "0", "1"):
        raise malformed("file.line", f"line {number}: {_COLUMNS} values", line=str(number), columns=str(_COLUMNS))
    medfee, fund, acct = (fen or 0 for fen in fens)
    setl_id, mdtrt_id, psn_no = values[:3]
    return ListedLine(setl_id, mdtrt_id, psn_no, medfee, fund, acct, values[6] == "1")


def _fen(text: str) -> int | None:
    """Fen of yuan, which may be below 0; None for anything else."""
    fen = plainly_scaled(text.removeprefix("-"), 2)
    return -fen if fen is not None and text.startswith("-") else fen


def malformed(rule: str, says: str, **told: str) -> Fault:
    """INVALID FILE_MALFORMED."""
    return invalid("data.file_qury_no", rule, says, reason="FILE_MALFORMED", **told)


class ComparisonResult:
    """The result of a comparison, line by line: what both have, then what the file alone has."""

    def __init__(self, listed: Sequence[ListedLine]) -> None:
        self._left: Mapping[str, ListedLine] = {each.setl_id: each for each in listed}
        self._twice = [each for each in listed if self._left[each.setl_id] is not each]
        self._seen: set[str] = set()
        self._lines: list[str] = []
        self._counts = {EQUAL: 0, ONLY_HERE: 0, ONLY_THERE: 0, OTHERWISE: 0}
        self._here_fen = self._there_fen = 0

    def add(self, booked: Sequence[BookedLine]) -> None:
        """Lines of what is booked here."""
        for each in booked:
            listed = self._left.get(each.setl_id)
            equal = listed is not None and each.equals(listed)
            memo = "" if equal else ONLY_HERE if listed is None else OTHERWISE
            self._seen.add(each.setl_id)
            if not equal:
                self._here_fen += each.medfee_fen
                self._there_fen += listed.medfee_fen if listed is not None else 0
            self._line(each, each.msgid, memo)

    def text(self) -> str:
        """All lines."""
        left = [each for each in self._left.values() if each.setl_id not in self._seen]
        for each in (*left, *self._twice):
            self._there_fen += each.medfee_fen
            self._line(each, "", ONLY_THERE)
        return "".join(self._lines)

    @property
    def found(self) -> ComparisonCounts:
        """What it has come to, once the text is made."""
        equal, here, there, other = (self._counts[each] for each in (EQUAL, ONLY_HERE, ONLY_THERE, OTHERWISE))
        return ComparisonCounts(equal, here, there, other, self._here_fen, self._there_fen)

    def _line(self, each: BookedLine | ListedLine, msgid: str, memo: str) -> None:
        self._counts[memo or EQUAL] += 1
        self._lines.append("\t".join(value or _EMPTY for value in _values(each, msgid, memo)) + "\n")


def _values(each: BookedLine | ListedLine, msgid: str, memo: str) -> Iterator[str]:
    yield from (
        each.psn_no,
        each.mdtrt_id,
        each.setl_id,
        msgid,
        UNEQUAL if memo else EQUAL,
        "1" if each.back else "0",
        memo,
    )
    yield from map(yuan_text, (each.medfee_fen, each.fund_fen, each.acct_fen))
