"""Writes `protos/released.binpb` before the first release: the contract as it is now becomes what later changes must not break.

Once a release stands in CHANGELOG.md it refuses: `python -m tools.release --prepare` alone renews the image then, after buf has
compared the two. The image carries no comments, so that a better explanation is not a change.
"""

from __future__ import annotations

import sys

from tools import gen_protos
from tools.release import changelog
from tools.release.commit import CHANGELOG


def main() -> int:
    """Writes the image; 1 after a release, and when a file does not compile."""
    released = changelog.released((gen_protos.ROOT / CHANGELOG).read_text(encoding="utf-8"))
    if released:
        print(
            f"{released[0]} is released: its contract stays what `buf breaking` compares with, until the next release is "
            "prepared (python -m tools.release --prepare).",
            file=sys.stderr,
        )
        return 1
    try:
        gen_protos.write_image(gen_protos.RELEASED, comments=False)
    except gen_protos.CompileError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"wrote {gen_protos.RELEASED.relative_to(gen_protos.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
