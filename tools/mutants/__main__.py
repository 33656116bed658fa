"""`make mutants`: 200 faults in five areas, one at a time, each against the tests that run its line.

    python -m tools.mutants                    the sample of HEAD
    python -m tools.mutants --seed REV         that of another commit's hash, over the tree as it is
    python -m tools.mutants --area stores --most 10    ten that were not played yet
    python -m tools.mutants --again            those that survived, after new tests
    python -m tools.mutants --dry              only what would be planted

The commit is to be fixed before the run: its hash draws the sample. Outcomes are kept in `build/mutants`, and a run that was
stopped goes on there. Exit code 1 where fewer than nine of ten were caught.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from tools.check import scratch
from tools.mutants.areas import AREAS, groups_of
from tools.mutants.faults import sample
from tools.mutants.kept import Kept, Outcome, summary
from tools.mutants.playing import Limits, Stage, copied, recorded
from tools.mutants.record import importers_of
from tools.mutants.source import Fault
from tools.tidy import ROOT

PLACE: Final = ROOT / "build" / "mutants"
_ENOUGH: Final = 0.9


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays the sample; 1 where fewer were caught than should be."""
    options = _parser().parse_args(arguments)
    commit = _commit(options.seed)
    areas = options.area or list(AREAS)
    drawn = [
        [
            (area, fault)
            for fault in sample(ROOT, groups_of(ROOT, AREAS[area]), options.count // len(AREAS), f"{commit}:{area}")
        ]
        for area in areas
    ]
    # By turns, so that a run which was stopped has tried as many of each area.
    chosen = [each for turn in zip_longest(*drawn) for each in turn if each is not None]
    print(f"{len(chosen)} faults, seed {commit}", flush=True)
    if options.dry:
        for area, fault in chosen:
            print(f"{area} {fault.file}:{fault.line} {fault.kind}\n{fault.diff((ROOT / fault.file).read_bytes())}")
        return 0
    kept = Kept(PLACE / f"{commit[:12]}-{options.count}.jsonl")
    _play(
        [each for each in chosen if _is_due(kept.of(each[1]), options.again)][: options.most],
        kept,
        Limits(options.seconds),
    )
    outcomes = [outcome for _, fault in chosen if (outcome := kept.of(fault)) is not None]
    print(f"\n{summary(outcomes, AREAS, kept.at_first(outcomes))}")
    caught = sum(outcome.killer is not None for outcome in outcomes)
    return 0 if caught >= _ENOUGH * len(outcomes) else 1


def _is_due(outcome: Outcome | None, again: bool) -> bool:
    return outcome is None if not again else outcome is not None and outcome.killer is None


def _play(due: Sequence[tuple[str, Fault]], kept: Kept, limits: Limits) -> None:
    if not due:
        return
    files = sorted(
        {file for patterns in AREAS.values() for group in groups_of(ROOT, patterns).values() for file in group}
    )
    with tempfile.TemporaryDirectory(prefix="yibao-mutants-") as own, scratch() as place:
        tree = copied(ROOT, Path(own) / "tree")
        digest = hashlib.sha256(b"".join((tree / file).read_bytes() for file in files)).hexdigest()
        began = time.monotonic()
        record = recorded(tree, PLACE / f"record-{digest[:12]}", files, place)
        print(f"{len(record.seconds)} tests, who runs what is known after {time.monotonic() - began:.0f} s", flush=True)
        importers = importers_of(tree, files)
        stage = Stage(tree, Path(own), record, limits, place)
        for area, fault in due:
            tests = record.running(fault, importers.get(fault.file, ()))
            verdict = stage.played(fault, tests)
            print(kept.add(area, fault, fault.diff((tree / fault.file).read_bytes()), verdict).told(), flush=True)


def _commit(name: str) -> str:
    words = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--seed", default="HEAD", metavar="REV", help="the commit whose hash draws the sample")
    parser.add_argument("--count", type=int, default=200, metavar="N", help="faults, an equal part for each area")
    parser.add_argument("--area", action="append", choices=list(AREAS), help="only this area; may be repeated")
    parser.add_argument("--most", type=int, metavar="N", help="play so many now, and the others later")
    parser.add_argument(
        "--seconds", type=float, default=120.0, metavar="S", help="the most that the tests of one fault take"
    )
    parser.add_argument("--again", action="store_true", help="those that survived so far")
    parser.add_argument("--dry", action="store_true", help="only print what would be planted")
    return parser


if __name__ == "__main__":
    sys.exit(main())
