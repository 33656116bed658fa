"""The `yibao` command: what policy teams, vendors and operators do with a mesh from a terminal.

It talks to a running mesh as outsiders do; only `case` without `--through` works alone, on the engine itself.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from services import mesh
from services.kernel.errors import Fault
from services.runtime.call import Role
from services.runtime.config import Config, ConfigError, settings_markdown
from tools.cli import case, case_through, first_bill, keys, ledger, seed, trace
from tools.cli.mesh_client import MeshClient, MeshRefusal, MeshUnreachable

KEY_VARIABLE = "YIBAO_KEY"
CASE_SUFFIXES = (".json", ".yaml", ".yml")
DEFAULT_URL = "http://127.0.0.1:7400"


class NoCase(Exception):
    """A folder was named for its cases and holds none."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 = well, 1 = differences or refusals, 2 = wrong use."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except MeshUnreachable as error:
        print(f"{error}\nIs the mesh running? Start one with: make up", file=sys.stderr)
    except (MeshRefusal, ConfigError, NoCase, keys.TokenRefused) as error:
        print(error, file=sys.stderr)
    except Fault as fault:
        print(case.fault_lines(fault), file=sys.stderr)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
    return 1


def _run(options: argparse.Namespace) -> int:
    if options.command == "trace":
        data_dir = options.data_dir or Config.load(_own_settings()).path("YIBAO_DATA_DIR") or Path()
        return trace.run(options.number, data_dir / "traces.sqlite")
    if options.command == "settings":
        print(settings_markdown(options.language))
        return 0
    if options.command == "token":
        config = keys.configured(_own_settings(), options.data_dir)
        who = (options.name, options.audience, Role(options.role), options.subject)
        print(keys.token(config, *who, options.ttl))
        return 0
    if options.command == "mesh-keys":
        config = keys.configured(_own_settings(), options.data_dir)
        print(keys.handed_out(config, options.names, as_environment=options.env))
        return 0
    if options.command == "case" and not options.through:
        return case.main(_case_files(options.files), options.policies)
    url = options.through if options.command == "case" else options.url
    with MeshClient(url, options.key) as client:
        if options.command == "case":
            return case_through.main(_case_files(options.files), client, options.policies)
        if options.command == "first-bill":
            return first_bill.run(client, print_setl_id=options.print_setl_id)
        if options.command == "seed":
            return seed.main(options.files, client)
        return ledger.verify(client)


def _case_files(files: Sequence[Path]) -> list[Path]:
    """The files, and in place of a folder the case files in it; NoCase for a folder without any."""
    found: list[Path] = []
    for file in files:
        within = sorted(each for each in file.iterdir() if each.suffix in CASE_SUFFIXES) if file.is_dir() else [file]
        if not within:
            raise NoCase(f"{file}: no case was played: the folder holds no {', '.join(CASE_SUFFIXES)} file")
        found += within
    return found


def _own_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="yibao", description="Works with a yibao mesh from the terminal.")
    commands = parser.add_subparsers(dest="command", required=True)
    remote = argparse.ArgumentParser(add_help=False)
    remote.add_argument("--url", default=DEFAULT_URL, help=f"gateway of the mesh (default {DEFAULT_URL})")
    _key(remote)
    seeding = commands.add_parser("seed", parents=[remote], help="load people, institutions, items and policies")
    seeding.add_argument("files", nargs="+", type=Path, help="documents in YAML, JSON or CSV")
    cases = commands.add_parser("case", help="run worked cases and print every difference")
    cases.add_argument("files", nargs="+", type=Path, help="case files, or folders of them")
    cases.add_argument("--through", metavar="URL", default="", help="play the case on this running sandbox mesh")
    policies = "folder of the policies that the cases name, <id>@<version>.yaml, also with --through (default: samples)"
    cases.add_argument("--policies", metavar="FOLDER", type=_folder, default=case.SAMPLE_POLICIES, help=policies)
    _key(cases)
    bill = commands.add_parser("first-bill", parents=[remote], help="settle one small bill on a sandbox and show how")
    bill.add_argument("--print-setl-id", action="store_true", help="print the setl_id only")
    tracing = commands.add_parser("trace", help="print the trace of a msgid, setl_id or mdtrt_id")
    tracing.add_argument("number")
    tracing.add_argument("--data-dir", type=Path, default=None, help="data folder of the mesh (YIBAO_DATA_DIR)")
    books = commands.add_parser("ledger", parents=[remote], help="work with the ledger")
    books.add_argument("action", choices=("verify",))
    table = commands.add_parser("settings", help="print the table of settings")
    table.add_argument("--language", choices=("en", "zh"), default="en", help="of the meanings (en)")
    _key_commands(commands)
    return parser


def _key_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument("--data-dir", type=Path, default=None, help="data folder of a sandbox, whose key is used")
    making = commands.add_parser("token", parents=[folder], help="print a caller token for calling a member by gRPC")
    making.add_argument("--as", dest="name", required=True, choices=mesh.callers(), help="who calls, by the mesh table")
    members = [each.name for each in mesh.MESH if each.services]
    making.add_argument("--audience", required=True, choices=members, help="the one member that the token opens")
    making.add_argument("--role", required=True, choices=[role.value for role in Role], help="in which role")
    making.add_argument("--subject", default="", help="institution code, psn_no, … (default: the caller's own name)")
    making.add_argument(
        "--ttl", type=_ttl, default=keys.DEFAULT_TTL_S, metavar="SECONDS", help="how long it holds (300)"
    )
    handing = commands.add_parser(
        "mesh-keys", parents=[folder], help="print the keys of one member out of the mesh key"
    )
    handing.add_argument("names", nargs="*", metavar="NAME", type=_caller, help="of whom (default: all)")
    handing.add_argument("--env", action="store_true", help="as the variables that deploy/compose.yaml reads")


def _caller(name: str) -> str:
    if name not in mesh.callers():
        raise argparse.ArgumentTypeError(f"{name} is not one of {', '.join(mesh.callers())}")
    return name


def _ttl(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= keys.LONGEST_TTL_S:
        raise argparse.ArgumentTypeError(f"a whole number of seconds from 1 to {keys.LONGEST_TTL_S}")
    return int(text)


def _folder(name: str) -> Path:
    folder = Path(name)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{name} is no folder")
    return folder


def _key(parser: argparse.ArgumentParser) -> None:
    key = os.environ.get(KEY_VARIABLE, "")
    parser.add_argument("--key", default=key, help=f"operator's key (or the variable {KEY_VARIABLE})")


if __name__ == "__main__":
    sys.exit(main())
