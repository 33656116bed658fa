"""Comments of the protos at run time, from the file that `tools.gen_comments` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_REASON: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


def load() -> Mapping[str, str]:
    """Comment by full name of service, method, message, field or value."""
    found: dict[str, str] = json.loads(files("gateway.reference").joinpath("comments.json").read_text(encoding="utf-8"))
    return found


def description(comment: str) -> str:
    """A comment without its list of errors."""
    return comment.partition("Errors:")[0].strip()


def errors(comments: Mapping[str, str], service: str, method: str, depth: int = 4) -> tuple[str, ...]:
    """Reasons that a method's comment names; `those of Verify` stands for the reasons of that method, of the nearest one of that
    name: in the service, the package, anywhere.
    """
    listed = comments.get(f"{service}.{method}", "").partition("Errors:")[2]
    found = dict.fromkeys(_REASON.findall(listed))
    for other in re.findall(r"those of ([A-Z]\w+)", listed) if depth else ():
        named = (name for name in comments if name.endswith(f"Service.{other}"))
        package = service.rpartition(".")[0] + "."
        owner = min(
            named, key=lambda name: (not name.startswith(f"{service}."), not name.startswith(package)), default=""
        )
        found |= dict.fromkeys(errors(comments, owner.rpartition(".")[0], other, depth - 1))
    return tuple(found)
