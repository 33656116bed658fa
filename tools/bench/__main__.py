"""`make bench`: starts meshes, offers them load and prints what was measured, with method and machine. Names choose figures.

    python -m tools.bench [engine crypto start settle chain clearing cells payment imaging] [--quick] [--seconds S] [--runs N] …
    python -m tools.bench --against REV [--quick] [--rounds N] [--starts N] [--python PATH] [--discard]

It asserts nothing: figures depend on the machine, and say which one it was.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import grpc

from tools.bench import against, cells, imaging, machine, measures, payment, report, revision
from tools.bench.loads import Pace
from tools.bench.measures import Disagreement, Terms
from tools.bench.preparation import Unprepared
from tools.bench.revision import Unavailable
from tools.bench.subject import LAYOUTS, POSTGRESQL, SQLITE
from tools.postgres import PostgresError
from tools.running import StartError

FIGURES: Final = {
    "engine": measures.engine_alone,
    "crypto": measures.national_cryptography,
    "start": measures.start,
    "settle": measures.settle,
    "chain": measures.chain,
    "clearing": measures.clearing_year,
    "cells": cells.across,
    "payment": payment.payment,
    "imaging": imaging.imaging,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; 1 where something could not be measured."""
    options = parser().parse_args(arguments)
    terms = terms_of(options)
    # Told to end, it still stops what it started and removes its data.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    begun = time.perf_counter()
    print(report.heading("machine"))
    for line in machine.described(Path(tempfile.gettempdir())):
        print(line)
    print(f"method       {against_terms_of(options) if options.against else terms}", flush=True)
    try:
        if options.against:
            _against(options)
        else:
            for name in options.figures or FIGURES:
                FIGURES[name](terms)
    except (StartError, Unavailable, Unprepared, PostgresError, Disagreement, grpc.RpcError) as error:
        print(f"could not be measured: {error}", file=sys.stderr)
        return 1
    print(f"\n{time.perf_counter() - begun:.0f} s in all")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.bench", description="Measures a real mesh on this machine.")
    found.add_argument("figures", nargs="*", choices=[[], *FIGURES], metavar="FIGURE", help=", ".join(FIGURES))
    found.add_argument(
        "--quick", action="store_true", help="5 s, one run, 5,000 persons, 100,000 cleared: to see that it works"
    )
    found.add_argument("--seconds", type=float, default=60.0, help="length of a measured run (60)")
    found.add_argument("--warmup", type=float, default=10.0, help="seconds at the same load before it (10)")
    found.add_argument("--runs", type=int, default=3, help="runs of each load (3)")
    found.add_argument("--persons", type=int, default=50_000, help="insured persons (50,000)")
    found.add_argument("--rates", type=_numbers, default=(324.0, 1000.0), help="settlements a second (324,1000)")
    found.add_argument("--ratios", type=_numbers, default=(1.0, 0.05), help="shares of traces kept (1,0.05)")
    found.add_argument("--database", choices=(SQLITE, POSTGRESQL), action="append", help="one of the two only")
    found.add_argument("--layout", choices=tuple(LAYOUTS), default="all", help="processes of the mesh")
    found.add_argument("--search", type=int, default=8, help="tries for the highest rate (8; 0: none)")
    found.add_argument("--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="a setting")
    found.add_argument("--cleared", type=int, default=1_000_000, help="settlements of the year of clearing (1,000,000)")
    found.add_argument("--seed", type=int, default=1, help="chance of the year of clearing (1)")
    beside = found.add_argument_group("beside an earlier revision")
    beside.add_argument("--against", metavar="REV", default="", help="only this: today's tree beside that revision")
    beside.add_argument("--rounds", type=int, default=24, help="rounds that are compared (24; about 15 s each)")
    beside.add_argument("--starts", type=int, default=3, help="starts they are spread over (3)")
    beside.add_argument("--rate", type=float, default=100.0, help="settlements a second of its open loop (100)")
    beside.add_argument("--python", default=sys.executable, help="makes the revision's environment (this interpreter)")
    beside.add_argument(
        "--discard", action="store_true", help="remove the revision's folder and environment afterwards"
    )
    return found


def _against(options: argparse.Namespace) -> None:
    print(report.heading(f"today against {options.against}"))
    tree = revision.earlier(options.against, options.python)
    try:
        against.compare(revision.today(), tree, against_terms_of(options))
    finally:
        if options.discard:
            revision.discard(tree)


def against_terms_of(options: argparse.Namespace) -> against.Terms:
    """The terms of a comparison."""
    quick = options.quick
    return against.Terms(
        rounds=min(3, options.rounds) if quick else max(1, options.rounds),
        starts=1 if quick else max(1, min(options.starts, options.rounds)),
        persons=min(2_000, options.persons),
        rate=options.rate,
        settings=dict(options.set),
    )


def terms_of(options: argparse.Namespace) -> Terms:
    """The terms of the measurement."""
    quick = options.quick
    return Terms(
        pace=Pace(min(5.0, options.seconds), 3.0) if quick else Pace(options.seconds, options.warmup),
        runs=1 if quick else options.runs,
        persons=min(5_000, options.persons) if quick else options.persons,
        rates=tuple(options.rates),
        ratios=tuple(options.ratios),
        databases=tuple(options.database or (SQLITE, POSTGRESQL)),
        layout=options.layout,
        tries=min(2, options.search) if quick else options.search,
        settings=dict(options.set),
        cleared=min(100_000, options.cleared) if quick else options.cleared,
        seed=options.seed,
    )


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("expected NAME=VALUE")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
