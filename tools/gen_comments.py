"""Writes `gateway/reference/comments.json`: what the protos say in comments, by full name, for the reference at run time.

Generated modules carry no comments. `python -m tools.gen_comments` rewrites the file, `--check` compares only.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from tools import gen_protos

TARGET = Path(__file__).resolve().parent.parent / "gateway" / "reference" / "comments.json"


def text() -> str:
    """The file as it should be: one line for each name, in order."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "image.binpb"
        gen_protos.write_image(image)
        files = FileDescriptorSet.FromString(image.read_bytes()).file
    own = [file for file in files if file.package.startswith("yibao.")]
    spoken = {name: comment for file in own for name, comment in _comments(file) if comment}
    return json.dumps(spoken, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Full name and leading comment of everything that a file declares."""
    said = {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}
    for s, service in enumerate(file.service):
        yield f"{file.package}.{service.name}", said.get((6, s), "")
        for m, method in enumerate(service.method):
            yield f"{file.package}.{service.name}.{method.name}", said.get((6, s, 2, m), "")
    for e, enum in enumerate(file.enum_type):
        yield f"{file.package}.{enum.name}", said.get((5, e), "")
        for v, value in enumerate(enum.value):
            yield f"{file.package}.{enum.name}.{value.name}", said.get((5, e, 2, v), "")
    for m, message in enumerate(file.message_type):
        yield from _message(f"{file.package}.{message.name}", message, (4, m), said)


def _message(
    name: str, message: DescriptorProto, path: tuple[int, ...], said: dict[tuple[int, ...], str]
) -> Iterator[tuple[str, str]]:
    yield name, said.get(path, "")
    for f, field in enumerate(message.field):
        yield f"{name}.{field.name}", said.get((*path, 2, f), "")
    for n, nested in enumerate(message.nested_type):
        yield from _message(f"{name}.{nested.name}", nested, (*path, 3, n), said)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the file or, with `--check`, tells whether it is what the protos say."""
    parser = argparse.ArgumentParser(prog="python -m tools.gen_comments", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when the file is stale")
    check = parser.parse_args(arguments).check
    wanted = text()
    if check:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != wanted:
            print(f"stale: {TARGET.name} (run 'python -m tools.gen_comments')", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
