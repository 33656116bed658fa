"""`python -m tools.new_service NAME --thing RECORD`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from tools.new_service.edits import port
from tools.new_service.names import Refused, names_of
from tools.new_service.writing import change_of, uncommitted, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the service and says what is next; 1 with a sentence where it is refused, and then nothing is changed."""
    options = _parser().parse_args(arguments)
    try:
        names = names_of(options.service, options.thing, options.zh, options.thing_zh)
        if not options.force and uncommitted():
            raise Refused("Something is not committed: commit it first, so that git shows what is new, or add --force.")
        change = change_of(names)
        at = port()
        write(change, play=not options.unplayed)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"The files are written, but {' '.join(map(str, failed.cmd[:4]))} failed; see above.", file=sys.stderr)
        return 1
    print(f"{names.service} on port {at}: {len(change.written)} files written, {len(change.edited)} places edited:")
    for file in change.edited:
        print(f"  {file.as_posix()}")
    if options.unplayed:
        print("Then: python -m tests.examples")
    print(f"See it green: python -m tools.check; its own tests: python -m pytest -q -n 0 tests/{names.service}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.new_service", description="Writes the files of a new service, and the edits that name it."
    )
    parser.add_argument("service", metavar="NAME", help="the member: imaging")
    parser.add_argument("--thing", required=True, metavar="RECORD", help="one of what it keeps: study")
    parser.add_argument("--zh", default="", metavar="WORD", help="the member in Chinese texts: 影像")
    parser.add_argument("--thing-zh", default="", metavar="WORD", help="the thing in Chinese texts: 检查")
    parser.add_argument("--force", action="store_true", help="also where something is not committed")
    parser.add_argument("--unplayed", action="store_true", help="do not play the examples of the reference page anew")
    return parser


if __name__ == "__main__":
    sys.exit(main())
