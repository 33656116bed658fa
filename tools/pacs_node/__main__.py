"""`python -m tools.pacs_node FOLDER`: keeps pictures in a folder, serves them, and feeds the index that it is told of.

Without `--index` it is a DICOMweb archive for its operators; with one it also takes tickets.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.pacs_node.starting import INSTITUTION, NODE_NO, address, day, form, key

if TYPE_CHECKING:
    from tools.pacs_node.node import Settings

_NEEDED: Final = ("pydicom", "numpy", "PIL")
SAMPLE_DAY: Final = "20260525"
_NO_PACKAGES: Final = "the node needs more packages: pip install 'yibao-mesh[pacs]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is told to end; 1 where it cannot begin, with a sentence why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if bool(given.index) != bool(given.api_key):
        parser.error("--index and --api-key-file go together: the index, and a file with the node's key for it")
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        print(_NO_PACKAGES, file=sys.stderr)
        return 1
    from tools.pacs_node.entries import Rules  # noqa: PLC0415
    from tools.pacs_node.node import Settings  # noqa: PLC0415
    from yibao.imaging.v1.entry_pb2 import RECOGNITION_RANGE_UNSPECIFIED, RecognitionRange  # noqa: PLC0415

    settings = Settings(
        folder=given.folder,
        node_no=given.node_no,
        host=given.host,
        port=given.port,
        url=given.url,
        rules=Rules(
            given.institution or "",
            recognition=RecognitionRange.Value(f"RECOGNITION_RANGE_{given.recognised.upper()}")
            if given.recognised
            else RECOGNITION_RANGE_UNSPECIFIED,
            issuers=frozenset(given.issuer or Rules().issuers),
        ),
        settle_s=given.settle,
    )
    return asyncio.run(_serve(settings, given.index or "", given.api_key or "", given.samples or ""))


async def _serve(settings: Settings, index_url: str, api_key: str, samples_day: str) -> int:
    from tools.pacs_node.index import RestIndex  # noqa: PLC0415
    from tools.pacs_node.node import Node  # noqa: PLC0415

    index = RestIndex(index_url, settings.node_no, api_key) if index_url else None
    node = Node(settings, index, lambda line: print(line, flush=True))
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    try:
        await node.start()
    except OSError as error:
        print(f"the node cannot begin: {error.strerror or error}; choose another --port or folder", file=sys.stderr)
        return 1
    if samples_day:
        await node.keep_samples(samples_day)
    counts = node.shelf.catalog.counts()
    print(f"node {settings.node_no} answers on {node.url}/dicom-web", flush=True)
    print(f"it keeps {counts['instance']} instances of {counts['study']} studies in {settings.folder}", flush=True)
    print(f"its operators' key is in {settings.folder / 'operator.key'}", flush=True)
    await told.wait()
    await node.stop()
    if index is not None:
        await index.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.pacs_node", description="a province's imaging node")
    parser.add_argument("folder", type=Path, help="where it keeps the pictures; it is made where it is not there")
    parser.add_argument("--node-no", type=form(NODE_NO, "a node's number"), default="NODE", help="its number")
    parser.add_argument("--host", default="127.0.0.1", help="where it listens")
    parser.add_argument("--port", type=int, default=0, help="0: one that is free")
    parser.add_argument("--url", default="", help="the address by which clients reach it; else what they say in Host")
    parser.add_argument("--index", type=address, help="URL of the platform's gateway; without it the node feeds nobody")
    parser.add_argument(
        "--api-key-file",
        dest="api_key",
        type=key,
        metavar="FILE",
        help="a file with the node's key for the index",
    )
    parser.add_argument(
        "--institution",
        type=form(INSTITUTION, "an institution's code"),
        help="institution of studies that name none",
    )
    parser.add_argument(
        "--issuer", action="append", help="an issuer of patient ids that are insured persons' numbers; may be repeated"
    )
    parser.add_argument(
        "--recognised",
        choices=("city", "province", "region", "nation"),
        help="range within which results of its institutions are recognised (mark HR)",
    )
    parser.add_argument("--settle", type=float, default=3.0, help="seconds without news after which a study is told")
    parser.add_argument(
        "--samples",
        nargs="?",
        type=day,
        const=SAMPLE_DAY,
        metavar="yyyyMMdd",
        help="keep the sample CT of an invented person, made on that day",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
