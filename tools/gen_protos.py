"""Writes `protos/gen` from `protos/yibao`: messages, stubs and their types, by the protoc that grpcio-tools carries.

`python -m tools.gen_protos` rewrites the folder, `--check` compares and changes nothing. It reads no network: the
`google/*` files lie in googleapis-common-protos, and `buf/validate` is in no package as text, so its descriptor is
taken from the protovalidate wheel. It never touches a file that people write.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from shutil import rmtree

from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = PROTOS / "gen"
RELEASED = PROTOS / "released.binpb"
VALIDATE = "buf/validate/validate.proto"
UNTYPED = ("api/annotations", "api/http", "rpc/code", "rpc/error_details", "rpc/status", "type/date")
"""Files under `google` whose modules come with googleapis-common-protos, but whose types fail a strict check."""

PACKAGE_DOC = '"""Generated from `protos`; written by `tools/gen_protos.py` only."""\n'


class CompileError(Exception):
    """protoc refused a file; the text is what it printed."""


def sources(protos: Path = PROTOS) -> list[str]:
    """The files that people write, relative to `protos`, in a fixed order."""
    return sorted(str(path.relative_to(protos)) for path in (protos / "yibao").rglob("*.proto"))


def write_image(target: Path, protos: Path = PROTOS, *, comments: bool = True) -> None:
    """Writes the descriptors of all sources and of what they import: what buf and the rules about the contract read."""
    options = ["--include_imports", f"--descriptor_set_out={target}"]
    _protoc(protos, [*options, "--include_source_info"] if comments else options, sources(protos))


def generate(target: Path, protos: Path = PROTOS) -> None:
    """Writes all generated modules, types and package files into an empty folder."""
    _protoc(
        protos,
        [
            _plugin("mypy"),
            _plugin("mypy_grpc"),
            f"--python_out={target}",
            f"--grpc_python_out={target}",
            f"--mypy_out=quiet:{target}",
            f"--mypy_grpc_out=quiet,only_async:{target}",
        ],
        [*sources(protos), VALIDATE],
    )
    _protoc(protos, [_plugin("mypy"), f"--mypy_out=quiet:{target}"], [f"google/{name}.proto" for name in UNTYPED])
    for stub in sorted(target.rglob("*_pb2_grpc.py")):
        if "Servicer" not in stub.read_text(encoding="utf-8"):
            stub.unlink()
            stub.with_suffix(".pyi").unlink(missing_ok=True)
    for folder in sorted({parent for module in target.rglob("*.py") for parent in _packages(module, target)}):
        (folder / "__init__.py").write_text(PACKAGE_DOC, encoding="utf-8")


def differences(expected: Path, actual: Path) -> list[str]:
    """Names of the files that are missing, left over or different in `actual`; bytecode does not count."""
    wanted, found = _contents(expected), _contents(actual)
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _protoc(protos: Path, options: Sequence[str], files: Iterable[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        rules = Path(scratch) / "validate.binpb"
        rules.write_bytes(_descriptor_set(validate_pb._DESC.proto.to_binary()))
        command = [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"--proto_path={protos}",
            *(f"--proto_path={folder}" for folder in _include_folders()),
            f"--descriptor_set_in={rules}",
            *options,
            *files,
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise CompileError(run.stderr.strip() or run.stdout.strip())


def _plugin(name: str) -> str:
    return f"--plugin=protoc-gen-{name}={Path(sys.executable).parent / f'protoc-gen-{name}'}"


def _descriptor_set(file_descriptor: bytes) -> bytes:
    """A FileDescriptorSet of one file: field 1, length-delimited."""
    length, prefix = len(file_descriptor), bytearray(b"\x0a")
    while length > 0x7F:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + file_descriptor


def _include_folders() -> Iterator[Path]:
    """Folders above `google/api`, `google/rpc`, `google/type` and above `google/protobuf`."""
    for module, above, inside in (("google.api.annotations_pb2", 2, ""), ("grpc_tools", 0, "_proto")):
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise CompileError(f"{module} is not installed: run 'make setup'")
        yield Path(spec.origin).parents[above] / inside


def _packages(module: Path, top: Path) -> Iterator[Path]:
    folder = module.parent
    while folder != top:
        yield folder
        folder = folder.parent


def _contents(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def _replace(fresh: Path, stale: Iterable[str], target: Path) -> None:
    """Brings `target` to what `fresh` holds, touching only the files that differ."""
    for name in stale:
        made, kept = fresh / name, target / name
        if made.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(made.read_bytes())
        else:
            kept.unlink()
    for folder in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(path.suffix != ".pyc" for path in folder.rglob("*") if path.is_file()):
            rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Generates or, with `--check`, tells whether `protos/gen` is what the sources give."""
    parser = argparse.ArgumentParser(prog="python -m tools.gen_protos", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when protos/gen is stale")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as scratch:
        try:
            generate(Path(scratch))
        except CompileError as error:
            print(error, file=sys.stderr)
            return 1
        stale = differences(Path(scratch), GENERATED)
        if check and stale:
            print("stale in protos/gen (run 'python -m tools.gen_protos'):", *stale, sep="\n  ", file=sys.stderr)
            return 1
        if not check:
            _replace(Path(scratch), stale, GENERATED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
