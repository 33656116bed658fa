"""`make up`: a sandbox mesh of all cells on the ports of the tables, seeded once, left running until Ctrl-C.

Twins of the payment providers stand beside it (`tools/beside.py`), unless `--no-twins` or a file of merchants is given. It
prints addresses, one sandbox key for each role and lines to paste. Data and the operator's key stay in `.yibao/up`, or in
YIBAO_DATA_DIR, between runs; delete the folder to begin anew.
"""

from __future__ import annotations

from services.runtime import interrupts

if __name__ == "__main__":
    interrupts.quiet()  # Before the other imports, which are most of a start.

import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from services.cells import SANDBOX, codes
from services.kernel.errors import Fault
from services.runtime.private import private_file
from services.runtime.texts.starting import language_of, started
from tools.bench import processes
from tools.beside import MERCHANTS, Twins, beside
from tools.cli import seed
from tools.cli.language import ENGLISH, Parser, Words, speak
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, MeshUnreachable
from tools.cli.parser import KEY_VARIABLE
from tools.cli.where import KEY_FILE, UP_FOLDER, URL_VARIABLE, address_file
from tools.paying_lines import how_to_pay
from tools.running import RunningMesh, StartError, settings, start, stop, writing_in
from tools.sandbox_keys import CELL_INSTITUTIONS, CHANNEL, INSTITUTION, PERSON, key_of

DATA_DIR = UP_FOLDER


def main(arguments: Sequence[str] = ()) -> int:
    """Runs until Ctrl-C or SIGTERM: 0, or 130 and 143 where they come before it is up; 1 where the mesh does not start, or
    ends by itself. `--cells` names those that are started, `--no-twins` leaves out the payment providers; anything else ends
    the program by usage and 2, `--help` by 0, and nothing is started.
    """
    parser = Parser(prog="python -m tools.up", description="Starts a sandbox mesh, seeded once, until Ctrl-C.")
    parser.add_argument("--cells", default="", metavar="CODE,…", help="cells to start (default: all)")
    parser.add_argument("--no-twins", action="store_true", help="no payment providers beside it")
    speak(parser, Words(language_of(os.environ)))
    given = parser.parse_args(arguments)
    try:
        with interrupts.raising():
            return _run(given.cells, twins=not given.no_twins)
    except interrupts.Interrupted as told:
        return told.code


def _run(chosen: str, *, twins: bool) -> int:
    words = Words(language_of(os.environ))
    try:
        values = _settings(chosen)
        with _beside(values, wanted=twins) as known:
            mesh = start(values | ({MERCHANTS: str(known.merchants)} if known else {}))
            return _seeded(mesh, known, words)
    except StartError as error:
        print(started(str(error), words.language), file=sys.stderr)
        return 1


@contextmanager
def _beside(values: Mapping[str, str], *, wanted: bool) -> Iterator[Twins | None]:
    """The twins, unless they are not wanted or somebody has merchants of his own; with a gateway on another port they stand on
    free ones.
    """
    if not wanted or values.get(MERCHANTS):
        yield None
        return
    with beside(values, free_ports="YIBAO_GATEWAY_PORT" in values) as twins:
        yield twins


def _seeded(mesh: RunningMesh, twins: Twins | None, words: Words) -> int:
    """Seeds it, tells what it is, and waits until it is to end."""
    addresses = {address_file(mesh.data_dir, code): url for code, url in mesh.urls.items()}
    try:
        loaded = seed.load_cells(mesh.urls, mesh.operator_key, mesh.data_dir).told(words)
        print(words("mesh healthy after {seconds} s; {loaded}", seconds=f"{mesh.start_s:.1f}", loaded=loaded))
        told = [welcome(mesh, _signed_in(mesh), words)] if SANDBOX in mesh.urls else []
        if twins is not None:
            told.append(_taken(mesh, twins, words))
            told += [how_to_pay(mesh.url, twins.urls, words)] if SANDBOX in mesh.urls else []
        for address, url in addresses.items():
            address.write_text(f"{url}\n", encoding="ascii")
        print(*told, other_cells(mesh, words), sep="\n", flush=True)
        return _wait(mesh, words)
    except (MeshRefusal, MeshUnreachable, Fault) as error:
        why = error.told(words.language) if isinstance(error, MeshRefusal) else repr(error)
        said = f"The sandbox could not be seeded: {why}\nDelete {mesh.data_dir} to begin anew."
        print(started(said, words.language), file=sys.stderr)
        return 1
    finally:
        for address in addresses:
            address.unlink(missing_ok=True)
        stop(mesh.process)


def _taken(mesh: RunningMesh, twins: Twins, words: Words) -> str:
    """Time and memory of the mesh and of the twins beside it."""
    mesh_mb, twins_mb = (processes.rss_bytes([each.process.pid]) // 1_000_000 for each in (mesh, twins))
    said = (
        "  The mesh took {mesh_s} s and {mesh_mb} MB, the twins of four payment providers {twins_s} s and {twins_mb} MB"
    )
    seconds = {"mesh_s": f"{mesh.start_s:.1f}", "twins_s": f"{twins.start_s:.1f}"}
    return words(said, **seconds, mesh_mb=mesh_mb, twins_mb=twins_mb)


def _signed_in(mesh: RunningMesh) -> str:
    """The number under which a clerk of the test hospital has signed in."""
    with MeshClient(mesh.url, mesh.operator_key) as operator:
        hospital = HospitalClient(operator, INSTITUTION, "测试医院", "990100", datetime.now(UTC), opter="01")
        hospital.sign_in()
    return hospital.sign_no


def _settings(chosen: str) -> dict[str, str]:
    """Those of a sandbox, and those of whoever calls, which win: another folder or port, a PostgreSQL, a collector of spans.

    StartError where the folder cannot be written.
    """
    clients = (KEY_VARIABLE, URL_VARIABLE)
    own = {name: value for name, value in os.environ.items() if name.startswith("YIBAO_") and name not in clients}
    data_dir = Path(own.pop("YIBAO_DATA_DIR", "") or DATA_DIR).resolve()
    # Of a database that somebody chose, each cell needs one of its own.
    started = codes() if "{cell}" in own.get("YIBAO_DATABASE_URL", "{cell}") else (SANDBOX,)
    made = settings(data_dir, _operator_key(data_dir), own_ports=False, codes=started) | own
    return made | ({"YIBAO_CELLS": chosen} if chosen else {})


def _operator_key(data_dir: Path) -> str:
    """Made once, and readable by this user only."""
    file = data_dir / KEY_FILE
    with writing_in(data_dir):
        if not file.exists():
            private_file(file)
            file.write_text(secrets.token_hex(16), encoding="ascii")
        private_file(file)
        return file.read_text(encoding="ascii").strip()


def _wait(mesh: RunningMesh, words: Words) -> int:
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    while not asked.wait(0.5):
        if mesh.process.poll() is not None:
            said = f"The mesh ended by itself; its log is {mesh.data_dir / 'mesh.log'}"
            print(started(said, words.language), file=sys.stderr)
            return 1
    return 0


def welcome(mesh: RunningMesh, sign_no: str, words: Words = ENGLISH) -> str:
    """What a newcomer needs to know of a running sandbox, at whose test hospital a clerk has signed in."""
    url = mesh.url
    asked = "Who is this? (1101, as a hospital sends it; the institution {institution} needs no signature)"
    return f"""
  {words("national envelope   POST")} {url}/<{words("any path")}>          REST   {url}/v1/…
  {words("reference           ")}{url}/docs                     OpenAPI {url}/openapi.json
  {words("pictures            ")}{url}/viewer                   {words("the token of a session: POST")} /v1/imaging/sessions:open

  {words("keys (sandbox, Authorization: Bearer …)")}
    {words("operator     ")}{mesh.operator_key}
    {words("institution  ")}{key_of("institution", INSTITUTION)}
    {words("channel      ")}{key_of("channel", CHANNEL)}
    {words("person       ")}{key_of("person", PERSON)}

  {words(asked, institution=INSTITUTION)}
    curl -s {url}/fsi/api -H 'Content-Type: application/json' -d '{_envelope(sign_no)}'

  {words("An item of the catalogue (public)")}
    curl -s '{url}/v1/items/XA10BAA901A001010199027?day=2026-11-20&admdvs=110101'

  {words("The balance of an account (the person's own key)")}
    curl -s {url}/v1/accounts:get -H 'Authorization: Bearer {key_of("person", PERSON)}' \\
      -d '{{"psnNo": "{PERSON}", "insutype": "310"}}'

  {words("Next: .venv/bin/yibao first-bill        Stop with Ctrl-C")}
"""


def other_cells(mesh: RunningMesh, words: Words = ENGLISH) -> str:
    """Where the gateways of the cells beside the sandbox's are, and which hospital sends there without a signature."""
    lines = [
        f"  {code}   {url}   {institution}   {key_of('institution', institution)}"
        for code, institution in CELL_INSTITUTIONS.items()
        if (url := mesh.urls.get(code))
    ]
    return "\n".join([f"  {words('Other cells: code, gateway, a hospital, its key')}", *lines, ""]) if lines else ""


def _envelope(sign_no: str) -> str:
    return (
        f'{{"infno":"1101","msgid":"{INSTITUTION}202611210900000001","mdtrtarea_admvs":"990100","insuplc_admdvs":"990100",'
        f'"recer_sys_code":"99","infver":"V1.0","opter_type":"1","opter":"01","opter_name":"测试",'
        f'"inf_time":"2026-11-21 09:00:00",'
        f'"fixmedins_code":"{INSTITUTION}","fixmedins_name":"测试医院","sign_no":"{sign_no}","input":{{"data":{{"mdtrt_cert_type":"02",'
        '"mdtrt_cert_no":"990000199001010011","psn_cert_type":"01","certno":"990000199001010011","psn_name":"测试人员"}}}'
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
