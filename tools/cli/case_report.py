"""What `yibao case` prints: of each case whether it agrees and where not, on demand the split, and a last line of counts."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.kernel.errors import Fault
from services.kernel.money import yuan_text
from services.runtime.texts.gateway import violation_text
from services.runtime.texts.table import Language, text
from tools.cli.case_document import LINE_PARTS, Case, CaseOperation, Difference, PlayedAnswer, compare
from tools.cli.language import ENGLISH, Words

_LINE: Final = re.compile(r"line ([0-9]+)(?:, column ([0-9]+))?")
# Components that are no money.
_PLAIN: Final = frozenset({"pool_prop_selfpay"})


@dataclass(frozen=True, slots=True)
class Step:
    """One operation as it was played."""

    operation: CaseOperation
    answer: PlayedAnswer


@dataclass(frozen=True, slots=True)
class Played:
    """A case as it was played, step by step."""

    case: Case
    steps: tuple[Step, ...]

    @property
    def differences(self) -> list[Difference]:
        """Every value that is not what the case expects."""
        return [gap for each in self.steps for gap in compare(self.case, each.operation, each.answer)]

    @property
    def compared(self) -> bool:
        """Whether the case expects anything at all."""
        return any(each.operation.expects for each in self.steps)


@dataclass(slots=True)
class _Counts:
    agreed: int = 0
    differed: int = 0
    empty: int = 0
    failed: int = 0


def play_files(
    files: Sequence[Path],
    play: Callable[[Path], Played],
    words: Words = ENGLISH,
    *,
    show: bool = False,
    through: str = "",
) -> int:
    """Plays every file and prints what differs, then how many did what; 0 when none differs or fails.

    A case that expects nothing is said to have compared nothing. 1 also where there is no file.
    """
    if not files:
        print(words("no case was played: there is no file"), file=sys.stderr)
        return 1
    counts = _Counts()
    for path in files:
        try:
            played = play(path)
        except Fault as fault:
            counts.failed += 1
            print(f"{path.name}: {fault_lines(fault, words.language)}", file=sys.stderr)
            continue
        except OSError as error:
            counts.failed += 1
            print(words.of_system(error), file=sys.stderr)
            continue
        _report(path, played, words, counts, show=show, through=through)
    told = {"cases": len(files), "agreed": counts.agreed, "differed": counts.differed}
    line = "{cases} cases: {agreed} agree, {differed} differ, {empty} compared nothing, {failed} not played"
    print(words(line, **told, empty=counts.empty, failed=counts.failed))
    return 1 if counts.differed or counts.failed else 0


def _report(path: Path, played: Played, words: Words, counts: _Counts, *, show: bool, through: str) -> None:
    differences = played.differences
    if show:
        for step in played.steps:
            print("\n".join(split_lines(path.name, step, words)))
    for gap in differences:
        said = "{case} {operation} {what}: expected {expected}, got {actual}"
        told = {"case": gap.case_id, "operation": gap.operation, "what": gap.what}
        print(words(said, **told, expected=gap.expected, actual=gap.actual))
    if differences:
        counts.differed += 1
    elif not played.compared:
        counts.empty += 1
        print(words("{name}: computed; it expects nothing, so nothing was compared (--show prints it)", name=path.name))
    else:
        counts.agreed += 1
        said = "{name}: agrees, played through {url}" if through else "{name}: agrees"
        print(words(said, name=path.name, url=through))


def split_lines(name: str, step: Step, words: Words) -> Iterator[str]:
    """The split of an operation: each line, then every component that is not zero; money in yuan."""
    operation, answer = step.operation, step.answer
    head = f"{name} {operation.id} {operation.op} {operation.day or ''}".rstrip()
    if answer.error is not None:
        yield words("{head}: refused, {reason}", head=head, reason=answer.error)
        return
    yield words("{head}: benefit year {year}", head=head, year=answer.benefit_year or "–")
    for line in answer.lines:
        parts = "  ".join(f"{part} {yuan_text(line[part])}" for part in LINE_PARTS if line.get(part))
        yield f"  {line['sn']:>3}  {yuan_text(line['det_item_fee_sumamt']):>12}  =  {parts or '0.00'}"
    for component, value in answer.components.items():
        if component in _PLAIN:
            yield f"       {component:<24} {value}"
        elif isinstance(value, int) and value:
            yield f"       {component:<24} {yuan_text(value):>12}"


def fault_lines(fault: Fault, language: Language = "en") -> str:
    """A fault for a terminal: its reason and text, and a line for each violation."""
    lines = [f"[{fault.reason}] {text(fault, language)}"]
    told = ((_place(each.path, language), violation_text(each, language)) for each in fault.violations)
    lines.extend("  " + ": ".join(filter(None, each)) for each in told)
    return "\n".join(lines)


def _place(path: str, language: Language) -> str:
    """Where in a file something is broken; a place in words is told in the language."""
    found = _LINE.fullmatch(path) if language == "zh" else None
    if found is None:
        return path
    return f"第{found[1]}行" + (f"第{found[2]}列" if found[2] else "")
