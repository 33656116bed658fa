"""`make release`: the commit as sdist and wheel in `dist/`, and the wheel shown to run where nothing else of yibao is.

    python -m tools.release --prepare    writes version, dated section and released contract: read `git diff`, commit
    python -m tools.release              everything; refuses, with all its reasons, what is not a release
    python -m tools.release --tag        the same, and tags the commit at its end
    python -m tools.release --try        builds and runs the commit as it is, release or not, and keeps nothing

Nothing is uploaded or pushed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools import gen_protos
from tools.bench.revision import Unavailable
from tools.release.building import DIST, build, keep, tried, wheel_of
from tools.release.commit import NoRelease, reasons, run, tag_of, tagged, version_of
from tools.release.preparing import prepare

ROOT: Final = gen_protos.ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds and tries, or prepares; 1 where something is in the way, told in full."""
    options = _parser().parse_args(arguments)
    try:
        if options.prepare is not None:
            version = prepare(ROOT, options.prepare)
            print(f"Prepared {version}: read `git diff`, then\n  git commit -am 'Release {version}'\n  make release")
            return 0
        _released(options.rehearsal, options.tag)
    except (NoRelease, Unavailable) as error:
        print(f"Not released:\n{error}", file=sys.stderr)
        return 1
    return 0


def _released(rehearsal: bool, tag: bool) -> None:
    if not rehearsal and (refused := reasons(ROOT)):
        raise NoRelease("\n".join(f"- {each}" for each in refused))
    with tempfile.TemporaryDirectory(prefix="yibao-release-") as scratch:
        built = build(ROOT, Path(scratch))
        print(f"built {', '.join(file.name for file in built)}", flush=True)
        print(tried(wheel_of(built), Path(scratch)))
        if rehearsal:
            return
        for file in keep(built, ROOT / DIST):
            print(f"{DIST}/{file.name}")
    version = version_of(ROOT)
    words = ["git", "tag", "-a", tag_of(version), "-m", f"yibao {version}"]
    if tag and not tagged(ROOT, version):
        run(words, ROOT)
    print(f"tagged {tag_of(version)}" if tagged(ROOT, version) else f"To tag it: git tag -a {words[3]} -m '{words[5]}'")
    print("Then go on under the next version: docs/CONTRIBUTING.md, Releases.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--prepare",
        nargs="?",
        const="",
        metavar="VERSION",
        help="write what makes the tree a release; without a version the one that pyproject.toml is on the way to",
    )
    what.add_argument("--try", action="store_true", dest="rehearsal", help="the commit as it is; nothing is kept")
    what.add_argument("--tag", action="store_true", help="tag the commit once all is shown")
    return parser


if __name__ == "__main__":
    sys.exit(main())
