"""`yibao trace NUMBER`: the tree of spans of a business number (msgid, setl_id, mdtrt_id; of mobile payment medOrgOrd, payOrdId,
the numbers of charges and refunds, ours and the channel's), with timings.

It reads the local span file; where spans go to a collector by OTLP there is nothing here to read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.runtime.trace_store import Node, TraceStore
from tools.cli.language import ENGLISH, Words

SHOWN = (
    *("yibao.infno", "yibao.msgid", "yibao.mdtrt_id", "yibao.setl_id", "yibao.pay_ord_id", "yibao.charge_no"),
    *("yibao.trade_no", "yibao.refund_no", "yibao.batch_size", "yibao.reason"),
)

# Members write their spans every half second: what was just answered may not stand in the file yet.
_WRITTEN_WITHIN_S: Final = 1.5
_LOOK_EVERY_S: Final = 0.1


def render(roots: tuple[Node, ...]) -> Iterator[str]:
    """One line a span: indentation, service, name, milliseconds, what failed, business numbers."""
    for root in roots:
        yield from _lines(root, 0)


def _lines(node: Node, depth: int) -> Iterator[str]:
    span = node.span
    mark = "~ " if node.linked else ""
    failed = f"  !! {span.code} {span.reason}" if span.code else ""
    numbers = "  ".join(
        f"{name.removeprefix('yibao.')}={span.attributes[name]}" for name in SHOWN if name in span.attributes
    )
    name = f"{'  ' * depth}{mark}{span.service}: {span.name}"
    yield f"{name:<72} {span.duration_ms:8.2f} ms{failed}  {numbers}".rstrip()
    for child in node.children:
        yield from _lines(child, depth + 1)


def run(key: str, file: Path, words: Words = ENGLISH) -> int:
    """Prints the traces in which the number occurs, the latest last, and before them those that they are joined to; 1 where there
    is none.
    """
    if not file.exists():
        said = "no span file at {file}: is this the mesh's data folder, and is YIBAO_TRACE_EXPORTER sqlite?"
        print(words(said, file=file))
        return 1
    store = TraceStore(file)
    found = _found(store, key)
    if not found:
        said = "no trace of {key} in {file}; it may not have been kept (YIBAO_TRACE_RATIO) or be older than the file"
        print(words(said, key=key, file=file))
        return 1
    for trace_id in reversed(found):
        print(f"trace {trace_id}")
        print("\n".join("  " + line for line in render(store.tree(trace_id))))
    return 0


def _found(store: TraceStore, key: str) -> list[str]:
    """The traces; a moment is given to members that have not written their part of the latest one."""
    until = time.monotonic() + _WRITTEN_WITHIN_S
    while not _whole(store, found := store.find(key)) and time.monotonic() < until:
        time.sleep(_LOOK_EVERY_S)
    return [*dict.fromkeys((*found, *store.joined(key)))]


def _whole(store: TraceStore, found: list[str]) -> bool:
    """Whether the latest trace has its beginning; one that began elsewhere never has."""
    return bool(found) and all(root.span.parent_id is None for root in store.tree(found[0]))
