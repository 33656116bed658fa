"""Field names in refusals of REST as the client writes them: snake_case and camelCase are both read, answers are camelCase.

What a client has left out is named as it writes its other fields; where it wrote none that tells, as OpenAPI does: camelCase.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.kernel.errors import Fault

# Names come early, rows repeat them: what stands further behind is not looked at, whatever the size of a body.
_LOOKED_AT: Final = 65_536
_CAMEL: Final = re.compile(rb'"[a-z0-9]+[A-Z][A-Za-z0-9]*"\s*:')
_CAMEL_IN_QUERY: Final = re.compile(r"(?:^|[&.])[a-z0-9]+[A-Z][A-Za-z0-9]*(?:[.=]|$)")
_SNAKE: Final = re.compile(rb'"[a-z0-9]+_[a-z0-9_]*"\s*:')
_SNAKE_IN_QUERY: Final = re.compile(r"(?:^|[&.])[a-z0-9]+_[a-z0-9_]*(?:[.=]|$)")
# Under this name the metadata of a refusal has the path of a field that its text names.
_FIELD: Final = "field"
_UNDERSCORE: Final = re.compile(r"_([a-z0-9])")


def as_sent(fault: Fault, body: bytes, query: str) -> Fault:
    """The same refusal with the paths of the fields that it names in the client's spelling."""
    field = fault.metadata.get(_FIELD, "")
    if "_" not in field and not any("_" in each.path for each in fault.violations):
        return fault
    told = body[:_LOOKED_AT]
    camel = _writes_camel(told, query)
    broken = [replace(each, path=_spelt(each.path, told, query, camel)) for each in fault.violations]
    metadata = {**fault.metadata, _FIELD: _spelt(field, told, query, camel)} if field else fault.metadata
    return Fault(fault.kind, fault.reason, metadata, violations=broken, retry_after_s=fault.retry_after_s)


def _writes_camel(body: bytes, query: str) -> bool:
    """Whether a client writes camelCase: also where it wrote no name that is spelt differently."""
    if _CAMEL.search(body) is not None or _CAMEL_IN_QUERY.search(query) is not None:
        return True
    return _SNAKE.search(body) is None and _SNAKE_IN_QUERY.search(query) is None


def _spelt(path: str, body: bytes, query: str, camel: bool) -> str:
    return ".".join(_step(step, body, query, camel) for step in path.split("."))


def _step(step: str, body: bytes, query: str, camel: bool) -> str:
    name, bracket, index = step.partition("[")
    if not camel or "_" not in name or _holds(name, body, query):
        return step
    return f"{camel_case(name)}{bracket}{index}"


def _holds(name: str, body: bytes, query: str) -> bool:
    return f'"{name}"'.encode() in body or re.search(rf"(?:^|[&.]){re.escape(name)}(?:[.=]|$)", query) is not None


def camel_case(name: str) -> str:
    """`psn_no` → `psnNo`, as JSON of protos has it."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)
