"""The command line of `yibao`: its commands, what each takes, and the words that explain them."""

from __future__ import annotations

import argparse
import os
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

import shtab

from services import cells, mesh
from services.kernel.clock import business_day
from services.runtime.call import Role
from tools.cli import case, clearing, held, keys, where
from tools.cli.language import OPTION, Parser, Words, speak

KEY_VARIABLE = "YIBAO_KEY"
COMPLETE_FILES = shtab.FILE
_END = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")
_MONTH = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])")


def parser_in(words: Words) -> Parser:
    """The parser, which explains itself in the language."""
    parser = Parser(prog="yibao", description="Works with a yibao mesh from the terminal.")
    parser.add_argument(
        "--version", action="version", version=f"yibao {version('yibao-mesh')}", help="print the version"
    )
    parser.add_argument(OPTION, choices=("en", "zh"), help="of what is printed (default: that of the locale)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _mesh_commands(commands)
    _case_command(commands)
    _local_commands(commands)
    _key_commands(commands)
    for each in dict.fromkeys(commands.choices.values()):
        # Both places are usual; what stands here is read before the parser is made.
        each.add_argument(OPTION, choices=("en", "zh"), default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    speak(parser, words)
    return parser


def _mesh_commands(commands: argparse._SubParsersAction[Parser]) -> None:
    remote = Parser(add_help=False)
    remote.add_argument(
        "--url", default="", help="address of the gateway (default: YIBAO_URL, or the mesh that runs here)"
    )
    remote.add_argument(
        "--cell", default="", choices=cells.codes(), help="the cell whose gateway is meant (default: the sandbox's)"
    )
    _key(remote)
    seeding = commands.add_parser("seed", parents=[remote], help="load people, institutions, items and policies")
    _files(seeding, "documents in YAML, JSON or CSV, or folders of them")
    bill = commands.add_parser("first-bill", parents=[remote], help="settle one small bill on a sandbox and show how")
    bill.add_argument("--print-setl-id", action="store_true", help="print the setl_id only")
    _conform_command(commands, remote)
    _api_key_commands(commands, remote)
    _clearing_command(commands, remote)
    _reconcile_command(commands, remote)
    replaying = commands.add_parser("replay", parents=[remote], help="take a settlement out from under later ones")
    replaying.add_argument("setl_id", metavar="SETL_ID", help="the settlement; without --do it is planned only")
    replaying.add_argument("--do", metavar="MEMO", default="", help="make it, and keep why")
    _held_command(commands, remote)
    _imaging_command(commands, remote)
    telling = commands.add_parser("egress", parents=[remote], help="what each channel was told for an order")
    telling.add_argument("order", metavar="ORDER", help="its payOrdId")
    telling.add_argument("--json", action="store_true", help="in that form")
    _audit_command(commands, remote)
    books = commands.add_parser("ledger", parents=[remote], help="work with the ledger")
    books.add_argument("action", choices=("verify",), help="verify: recompute the books and name every difference")


def _held_command(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    parser = commands.add_parser("held", parents=[remote], help="payments that rest until people decide")
    parser.add_argument("number", nargs="?", default="", metavar="NUMBER", help="one of the list, to decide about it")
    parser.add_argument("--decide", choices=held.DECISIONS, default="", help="what is decided; with --memo")
    parser.add_argument("--memo", default="", help="why; it is kept")
    parser.add_argument("--proof", metavar="NO", default="", help="number of the receipt by which that is known")
    parser.add_argument(
        "--decided", action="store_true", help="list what was decided instead, of NUMBER's order or all"
    )


def _imaging_command(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    parser = commands.add_parser("imaging", help="what to look at in the index of studies")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("drift", parents=[remote], help="nodes that differ from the index, or are behind")
    conflicts = actions.add_parser("conflicts", parents=[remote], help="studies that two nodes tell of two persons")
    conflicts.add_argument("study", nargs="?", default="", metavar="UID", help="one of the list, to decide about it")
    conflicts.add_argument("--right", metavar="NODE", default="", help="the node that is right, or none; with --memo")
    conflicts.add_argument("--memo", default="", help="why; it is kept")


def _audit_command(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    parser = commands.add_parser("audit", parents=[remote], help="work with the audit log of the imaging index")
    parser.add_argument(
        "action", choices=("verify",), help="verify: compute the chain anew and name what does not hold"
    )
    kept = "an end that an earlier run told: it finds a store that was put back"
    parser.add_argument("--known", type=_known_end, default=(0, ""), metavar="SEQ:HASH", help=kept)


def _known_end(text: str) -> tuple[int, str]:
    found = _END.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no end SEQ:HASH")
    return int(found[1]), found[2]


def _clearing_command(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    parser = commands.add_parser("clearing", parents=[remote], help="what regions owe each other in a month")
    parser.add_argument("month", type=_month, metavar="YYYY-MM", help="the month; verify: compute the books anew")
    form = parser.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        form.add_argument(f"--{name}", action="store_const", const=name, dest="form", default="", help="in that form")
    picture = parser.add_argument("--svg", metavar="PATH", type=Path, help="write a picture of the net positions there")
    picture.complete = COMPLETE_FILES  # type: ignore[attr-defined]  # how shtab is told


def _reconcile_command(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    parser = commands.add_parser(
        "reconcile", parents=[remote], help="compare a day's mobile payments in four books, and mend what is safe"
    )
    parser.add_argument("day", type=_day, metavar="YYYY-MM-DD", help="a day that is over")
    parser.add_argument("--json", action="store_true", help="in that form")
    parser.add_argument("--only-look", action="store_true", help="mend nothing")


def _day(text: str) -> date:
    day = business_day(text)
    if day is None:
        raise argparse.ArgumentTypeError(f"{text} is no day YYYY-MM-DD")
    return day


def _month(text: str) -> str:
    if text != clearing.VERIFY and not _MONTH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text} is no month YYYY-MM")
    return text


def _conform_command(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    checking = commands.add_parser(
        "conform", parents=[remote], help="tell everything that is lenient or wrong in messages, and change nothing"
    )
    _files(checking, "messages of the national interface, as they would be sent; - reads one from the input")
    checking.add_argument("--strict", action="store_true", help="end with 1 for what is lenient, too")


def _case_command(commands: argparse._SubParsersAction[Parser]) -> None:
    cases = commands.add_parser("case", help="run worked cases and print every difference")
    _files(cases, "case files, or folders of them")
    cases.add_argument("--show", action="store_true", help="print the split that was computed")
    cases.add_argument("--through", metavar="URL", default="", help="play the case on this running sandbox mesh")
    elsewhere = "with --through: gateway of another cell, which insures the people whose care is remote"
    cases.add_argument("--insured", metavar="URL", default="", help=elsewhere)
    policies = "folder of the policies that the cases name, <id>@<version>.yaml, also with --through (default: samples)"
    folder = cases.add_argument(
        "--policies", metavar="FOLDER", type=_folder, default=case.SAMPLE_POLICIES, help=policies
    )
    folder.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # how shtab is told
    _key(cases)


def _local_commands(commands: argparse._SubParsersAction[Parser]) -> None:
    tracing = commands.add_parser("trace", help="print the traces of a number: msgid, setl_id, mdtrt_id, payOrdId, …")
    tracing.add_argument("number", help="the number to look for")
    tracing.add_argument("--data-dir", type=Path, default=None, help="data folder of the mesh (YIBAO_DATA_DIR)")
    commands.add_parser("settings", help="print the table of settings")
    completing = commands.add_parser("completion", help="print the completion script of a shell")
    completing.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="which shell")


def _api_key_commands(commands: argparse._SubParsersAction[Parser], remote: Parser) -> None:
    keyring = commands.add_parser("api-keys", help="list the API keys of a mesh, or revoke one")
    actions = keyring.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", parents=[remote], help="all keys that hold, never the keys themselves")
    listing.add_argument("--subject", default="", help="those of one institution, channel, person or operator")
    listing.add_argument("--all", action="store_true", help="revoked ones too")
    revoking = actions.add_parser("revoke", parents=[remote], help="take a key away for good")
    revoking.add_argument("key_id", help="as the list shows it")


def _key_commands(commands: argparse._SubParsersAction[Parser]) -> None:
    folder = Parser(add_help=False)
    folder.add_argument("--data-dir", type=Path, default=None, help="data folder of a sandbox, whose key is used")
    making = commands.add_parser("token", parents=[folder], help="print a caller token for calling a member by gRPC")
    making.add_argument("--as", dest="name", required=True, choices=mesh.callers(), help="who calls, by the mesh table")
    members = [each.name for each in mesh.MESH if each.services]
    making.add_argument("--audience", required=True, choices=members, help="the one member that the token opens")
    making.add_argument("--role", required=True, choices=[role.value for role in Role], help="in which role")
    making.add_argument("--subject", default="", help="institution code, psn_no, … (default: the caller's own name)")
    making.add_argument(
        "--cell", default=cells.SANDBOX, choices=cells.codes(), help="with whose key (default: the sandbox's)"
    )
    making.add_argument(
        "--ttl", type=_ttl, default=keys.DEFAULT_TTL_S, metavar="SECONDS", help="how long it holds (300)"
    )
    handing = commands.add_parser(
        "mesh-keys", parents=[folder], help="print the keys of one member out of the mesh key"
    )
    handing.add_argument("names", nargs="*", metavar="NAME", type=_caller, help="of whom (default: all)")
    handing.add_argument(
        "--cell", dest="codes", default=(cells.SANDBOX,), type=_codes, help="of which cells, with commas"
    )
    handing.add_argument("--env", action="store_true", help="as the variables that deploy/compose.yaml reads")


def _caller(name: str) -> str:
    if name not in mesh.callers():
        raise argparse.ArgumentTypeError(f"{name} is not one of {', '.join(mesh.callers())}")
    return name


def _codes(text: str) -> tuple[str, ...]:
    given = tuple(text.split(","))
    if not set(given) <= set(cells.codes()):
        raise argparse.ArgumentTypeError(f"{text} is not of {', '.join(cells.codes())}")
    return given


def _ttl(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= keys.LONGEST_TTL_S:
        raise argparse.ArgumentTypeError(f"a whole number of seconds from 1 to {keys.LONGEST_TTL_S}")
    return int(text)


def _files(parser: Parser, what: str) -> None:
    files = parser.add_argument("files", nargs="+", type=Path, help=what)
    files.complete = COMPLETE_FILES  # type: ignore[attr-defined]  # how shtab is told


def _folder(name: str) -> Path:
    folder = Path(name)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{name} is no folder")
    return folder


def _key(parser: Parser) -> None:
    key = os.environ.get(KEY_VARIABLE, "")
    parser.add_argument("--key", default=key, help="operator's key (or the variable YIBAO_KEY)")


def address(options: argparse.Namespace) -> str:
    """Where the mesh is that a command means; NoAddress."""
    given = options.through if options.command == "case" else options.url
    return where.checked(given or where.url_of(os.environ, getattr(options, "cell", "")))
