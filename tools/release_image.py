"""Writes `protos/released.binpb`: the contract as it is now becomes the one that later changes must not break.

Run at a release and at no other time: `python -m tools.release_image`. The image carries no comments, so that a better
explanation is not a change. It refuses nothing itself; `tools.check` compares.
"""

from __future__ import annotations

import sys

from tools import gen_protos

RELEASED = gen_protos.PROTOS / "released.binpb"


def main() -> int:
    """Writes the image; 1 when a file does not compile."""
    try:
        gen_protos.write_image(RELEASED, comments=False)
    except gen_protos.CompileError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"wrote {RELEASED.relative_to(gen_protos.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
