"""`python -m tests.examples`: plays the examples anew and writes them where the gateway reads them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gateway.reference
from tests.examples.play import everything

TARGET = Path(gateway.reference.__file__).parent / "examples.json"


def text(played: Mapping[str, Mapping[str, Any]]) -> str:
    """One line for each pair, so that a change shows what it changed."""
    faces = []
    for face, found in played.items():
        rows = [f"{_json(name)}: {_json(pair)}" for name, pair in found.items()]
        faces.append(f"{_json(face)}: {{\n" + ",\n".join(rows) + "\n}")
    return "{\n" + ",\n".join(faces) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> int:
    """Writes the file; says how much it holds."""
    played = asyncio.run(everything())
    TARGET.write_text(text(played), encoding="utf-8")
    print(f"{TARGET.name}: {', '.join(f'{len(found)} {face}' for face, found in played.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
