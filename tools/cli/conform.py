"""`yibao conform MSG.json`: everything that is lenient or wrong in a message, as a mesh tells it; nothing of it is done."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.cli.mesh_client import MeshClient

INPUT = "-"


def run(files: Sequence[Path], client: MeshClient, *, strict: bool) -> int:
    """Prints one JSON list of findings; 1 where something is wrong, with `strict` also where something is lenient."""
    found = list(_findings(files, client))
    print(json.dumps(found, ensure_ascii=False, indent=2))
    refused = ("WRONG", "LENIENT") if strict else ("WRONG",)
    return int(any(each["level"] in refused for each in found))


def _findings(files: Sequence[Path], client: MeshClient) -> Iterator[dict[str, Any]]:
    for file in files:
        message = sys.stdin.buffer.read() if str(file) == INPUT else file.read_bytes()
        answer = client.check_envelope(message)
        where = {"file": str(file)} if len(files) > 1 else {}
        for each in answer.get("findings", ()):
            yield where | each
        if answer.get("more"):
            print(f"{file}: … + {answer['more']}", file=sys.stderr)
