"""The `yibao` command: what policy teams, vendors and operators do with a mesh from a terminal.

It talks to a running mesh as outsiders do; only `case` without `--through` works alone, on the engine itself.
"""

from __future__ import annotations

from services.runtime import interrupts

if __name__ == "__main__":
    interrupts.quiet()  # Before the other imports, which are most of a start.

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import shtab

from services.kernel.errors import Fault
from services.runtime.call import Role
from services.runtime.config import ConfigError, settings_markdown
from services.runtime.texts.starting import started
from tools.cli import (
    api_keys,
    audit,
    case,
    case_through,
    clearing,
    conform,
    egress,
    first_bill,
    held,
    imaging,
    keys,
    ledger,
    reconcile,
    replay,
    seed,
    trace,
    where,
)
from tools.cli.case_report import fault_lines
from tools.cli.language import Parser, Words, chosen
from tools.cli.mesh_client import MeshClient, MeshRefusal, MeshUnreachable
from tools.cli.parser import KEY_VARIABLE, address, parser_in

CASE_SUFFIXES = (".json", ".yaml", ".yml")
NO_KEY = frozenset({"AUTHENTICATION_MISSING", "AUTHENTICATION_FAILED", "API_KEY_UNKNOWN"})
# As a shell tells a program that wrote to nobody.
BROKEN_PIPE = 141


class NoCase(Exception):
    """A folder was named for its cases and holds none."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 = well, 1 = differences or refusals, 2 = wrong use."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    words = Words(chosen(given, os.environ))
    parser = parser_in(words)
    options = parser.parse_args(given)
    try:
        code = _told(options, parser, words)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has enough; nothing more may be written when the program ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _told(options: argparse.Namespace, parser: Parser, words: Words) -> int:
    """Runs the command; what goes wrong is told in a few words, with what to do."""
    try:
        return _run(options, parser, words)
    except MeshUnreachable as error:
        said = words("nothing answers at {url} ({cause})", url=error.url, cause=error.cause)
        print(said, _whereabouts(error.url, words), sep="\n", file=sys.stderr)
    except MeshRefusal as refusal:
        print(refusal.told(words.language), file=sys.stderr)
        if refusal.reason in NO_KEY:
            print(words(_KEY_HINT), file=sys.stderr)
        elif refusal.stranger:
            print(words("That is not the address of a mesh's gateway."), _whereabouts("", words), file=sys.stderr)
    except where.NoAddress as error:
        said = "an address is http:// or https://, a host and a port; perhaps {url}"
        print(words(said, url=error), file=sys.stderr)
    except ConfigError as error:
        print(started(str(error), words.language), file=sys.stderr)
    except (NoCase, keys.TokenRefused) as error:
        print(error, file=sys.stderr)
    except Fault as fault:
        print(fault_lines(fault, words.language), file=sys.stderr)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(words.of_system(error), file=sys.stderr)
    return 1


_KEY_HINT = (
    "Give a key by --key or the variable YIBAO_KEY; that of a sandbox's operator is printed by make up"
    " and stands in .yibao/up/operator.key"
)


def _whereabouts(tried: str, words: Words) -> str:
    """Where a mesh runs, or how to start one."""
    here = where.running_here(os.environ)
    if here and here != tried.rstrip("/"):
        return words("A mesh of this folder answers at {url}", url=here)
    return words("Is the mesh running? Start one with: make up")


def _run(options: argparse.Namespace, parser: Parser, words: Words) -> int:
    match options.command:
        case None:
            parser.print_help(sys.stderr)
            return 2
        case "trace":
            data_dir = options.data_dir or where.folder_of(os.environ)
            return trace.run(options.number, data_dir / "traces.sqlite", words)
        case "settings":
            print(settings_markdown(words.language))
            return 0
        case "completion":
            print(shtab.complete(parser, options.shell))
            return 0
        case "token" | "mesh-keys":
            return _keys(options)
        case "case" if options.insured and not options.through:
            parser.error(words("--insured needs --through"))
        case "case" if not options.through:
            return case.main(_case_files(options.files, words), options.policies, words, show=options.show)
    url = address(options)
    with MeshClient(url, options.key or where.operator_key(os.environ, url)) as client:
        match options.command:
            case "case":
                return _through(options, client, words)
            case "first-bill":
                return first_bill.run(client, words, print_setl_id=options.print_setl_id)
            case "api-keys" if options.action == "revoke":
                return api_keys.revoked(client, options.key_id, words)
            case "api-keys":
                return api_keys.listed(client, options.subject, words, with_revoked=options.all)
            case "seed":
                return seed.main(options.files, client, words)
            case "clearing":
                return clearing.run(client, options.month, words, form=options.form, svg=options.svg)
            case "replay":
                return replay.run(client, options.setl_id, words, memo=options.do)
            case "audit":
                return audit.verify(client, options.known, words)
            case "egress":
                return egress.run(client, options.order, words, as_json=options.json)
            case "held":
                return _held(options, client, parser, words)
            case "imaging":
                return _imaging(options, client, parser, words)
            case "reconcile":
                return reconcile.run(client, options.day, words, as_json=options.json, only_look=options.only_look)
            case "conform":
                return conform.run(options.files, client, strict=options.strict)
        return ledger.verify(client, words)


def _held(options: argparse.Namespace, client: MeshClient, parser: Parser, words: Words) -> int:
    """The list of held payments, a decision about one, or the decisions."""
    if options.decided:
        return held.decided(client, options.number, words)
    if len({bool(options.number), bool(options.decide), bool(options.memo)}) > 1:
        parser.error(words("to decide, name NUMBER, --decide and --memo"))
    if options.number:
        return held.decide(client, options.number, options.decide, options.memo, options.proof, words)
    return held.listed(client, words)


def _imaging(options: argparse.Namespace, client: MeshClient, parser: Parser, words: Words) -> int:
    """Drift, the list of conflicts, or a decision about one."""
    if options.action == "drift":
        return imaging.drift(client, words)
    if len({bool(options.study), bool(options.right), bool(options.memo)}) > 1:
        parser.error(words("to decide, name UID, --right and --memo"))
    if options.study:
        return imaging.decide(client, options.study, options.right, options.memo, words)
    return imaging.conflicts(client, words)


def _through(options: argparse.Namespace, client: MeshClient, words: Words) -> int:
    """Cases on a mesh, in one cell or across two."""
    files, told = _case_files(options.files, words), {"show": options.show}
    if not options.insured:
        return case_through.main(files, client, options.policies, words, **told)
    url = where.checked(options.insured)
    with MeshClient(url, options.key or where.operator_key(os.environ, url)) as insured:
        return case_through.main(files, client, options.policies, words, insured=insured, **told)


def _keys(options: argparse.Namespace) -> int:
    config = keys.configured(_own_settings(), options.data_dir or _sandbox_folder())
    if options.command == "token":
        who = (options.name, options.audience, Role(options.role), options.subject)
        print(keys.token(config, *who, options.ttl, options.cell))
    else:
        print(keys.handed_out(config, options.names, as_environment=options.env, codes=options.codes))
    return 0


def _sandbox_folder() -> Path | None:
    """The folder of the sandbox that stands here, where the settings name no key of their own."""
    named = any(os.environ.get(name) for name in ("YIBAO_MESH_KEY", "YIBAO_MESH_KEY_FILE"))
    folder = where.folder_of(os.environ)
    return folder if not named and (folder / "mesh.key").is_file() else None


def _case_files(files: Sequence[Path], words: Words) -> list[Path]:
    """The files, and in place of a folder the case files in it; NoCase for a folder without any."""
    found: list[Path] = []
    for file in files:
        within = sorted(each for each in file.iterdir() if each.suffix in CASE_SUFFIXES) if file.is_dir() else [file]
        if not within:
            said = "{folder}: no case was played: the folder holds no {suffixes} file"
            raise NoCase(words(said, folder=file, suffixes=", ".join(CASE_SUFFIXES)))
        found += within
    return found


def _own_settings() -> dict[str, str]:
    own = {KEY_VARIABLE, where.URL_VARIABLE}
    return {name: value for name, value in os.environ.items() if name not in own}


if __name__ == "__main__":
    sys.exit(main())
