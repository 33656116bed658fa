"""The way of one 2207 as `docs/way-of-2207.md` draws it: the steps of a real trace, each with the room that does it.

`python -m tests.mesh.way` settles a bill in a sandbox and draws it anew; `test_traces.py` compares. Times are not drawn.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from services.runtime.trace_store import Node
from tests.mesh import journeys
from tests.mesh.world import sandbox
from tools.tidy import ROOT

PAGE: Final = ROOT / "docs" / "way-of-2207.md"
BLOCK: Final = re.compile(r"<!-- way -->\n(.*?)<!-- /way -->", re.DOTALL)
RPC: Final = "yibao."

_SAID: Final[Mapping[tuple[str, str], str]] = {
    ("gateway", "POST /*"): "reads the envelope, finds who sends it, decodes the message by the contract",
    ("gateway", "gather"): "puts what arrived while the last batch was under way into one call",
    ("settlement", "BatchSettle"): "admits the batch: token, role and fields of every item",
    ("settlement", "store read"): "reads encounters, fee totals, account and accumulators of the whole batch",
    ("identity", "BatchVerify"): "tells who the persons are and whether they are entitled, for the whole batch",
    ("identity", "store read"): "reads the persons in one statement",
    ("settlement", "Settle"): "decides one bill: conditions, layers, account, and what the hospital sent beside it",
    ("identity", "Verify"): "verifies the person of this bill, as an item of the batch",
    ("settlement", "commit settle"): "writes all that was decided in one transaction: rows, ledger, request ids",
    ("settlement", "store write"): "holds what it changes, looks again for what has moved, and commits",
}
_ROOMS: Final[Mapping[str, str]] = {
    "POST /*": "gateway/national/face.py",
    "gather": "gateway/batching.py",
    "commit settle": "services/settlement/operations/books/settle.py",
}


class Step(NamedTuple):
    """A step of the way: how deep, in which member, what, and whom the member before it was."""

    depth: int
    service: str
    name: str
    caller: str


def steps(node: Node, depth: int = 0, caller: str = "hospital") -> Iterator[Step]:
    """The steps below a span in order of time; the asking and the asked end of a call are one."""
    span = node.span
    asks = span.kind == "client" and span.name.startswith(RPC)
    if not asks:
        yield Step(depth, span.service, span.name.rpartition(".")[2], caller)
    for child in node.children:
        yield from steps(child, depth if asks else depth + 1, span.service)


def room(step: Step) -> str:
    """The file or folder that does a step, from the root."""
    if step.name in _ROOMS:
        return _ROOMS[step.name]
    member = Path("services") / step.service
    if step.name.startswith("store "):
        return f"{(member / 'store').as_posix()}/"
    (file,) = (
        file
        for file in sorted((ROOT / member / "servicer").glob("*.py"))
        if re.search(rf"async def {step.name}\b", file.read_text(encoding="utf-8"))
    )
    return file.relative_to(ROOT).as_posix()


def drawn(root: Node) -> str:
    """The picture and the table; KeyError for a step that nobody has put into words."""
    way = list(steps(root))
    lanes = dict.fromkeys(["hospital", *(step.service for step in way)])
    picture = [
        "```mermaid",
        "sequenceDiagram",
        *(f"    participant {lane}" for lane in lanes),
        *(f"    {step.caller}->>{step.service}: {place} {step.name}" for place, step in enumerate(way, 1)),
        "    gateway-->>hospital: setlinfo, setldetail",
        "```",
    ]
    table = ["| step | member | what happens | room |", "| --- | --- | --- | --- |"]
    for place, step in enumerate(way, 1):
        file = room(step)
        name = f"{'· ' * step.depth}`{step.name}`"
        said = _SAID[step.service, step.name]
        table.append(f"| {place} {name} | {step.service} | {said} | [`{file}`](../{file}) |")
    return "\n".join((*picture, "", *table, ""))


async def _played() -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox(Path(folder)) as town:
            first, second = await town.newcomers.many(2)
            await town.hospital.visit(first, journeys.BILL)
            settled = await town.hospital.visit(second, journeys.BILL)
            traces = town.mesh.traces()
            (trace_id,) = traces.find(settled.msgid)
            (root,) = traces.tree(trace_id)
            return drawn(root)


def main() -> int:
    """Draws it into the page."""
    way = asyncio.run(_played())
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda _: f"<!-- way -->\n{way}<!-- /way -->", page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
