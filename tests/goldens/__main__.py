"""`python -m tests.goldens`: plays all scenes, writes their goldens and prints what that changed. No test does this."""

from __future__ import annotations

import asyncio
import sys

from tests.goldens.kept import played, write


def main() -> int:
    """Writes the goldens; 0."""
    now = asyncio.run(played())
    changed = write(now)
    sys.stdout.writelines(changed)
    print(f"{len(now)} goldens; {'see above what changed' if changed else 'nothing changed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
