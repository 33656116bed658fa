"""`make up`: a sandbox mesh on the ports of the mesh table, seeded once, left running until Ctrl-C.

It prints addresses, one sandbox key for each role and lines to paste. Data and the operator's key stay in `.yibao/up`, or
in YIBAO_DATA_DIR, between runs; delete the folder to begin anew.
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
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from services.kernel.errors import Fault
from services.runtime.private import private_file
from services.runtime.texts.starting import language_of, started
from tools.cli import seed
from tools.cli.language import ENGLISH, Parser, Words, speak
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, MeshUnreachable
from tools.cli.parser import KEY_VARIABLE
from tools.cli.where import ADDRESS_FILE, KEY_FILE, UP_FOLDER, URL_VARIABLE
from tools.running import RunningMesh, StartError, settings, start, stop, writing_in
from tools.sandbox_keys import CHANNEL, INSTITUTION, PERSON, key_of

DATA_DIR = UP_FOLDER


def main(arguments: Sequence[str] = ()) -> int:
    """Runs until Ctrl-C or SIGTERM: 0, or 130 and 143 where they come before it is up; 1 where the mesh does not start, or
    ends by itself. It takes no arguments: any ends the program by usage and 2, `--help` by 0, and nothing is started.
    """
    parser = Parser(prog="python -m tools.up", description="Starts a sandbox mesh, seeded once, until Ctrl-C.")
    speak(parser, Words(language_of(os.environ)))
    parser.parse_args(arguments)
    try:
        with interrupts.raising():
            return _run()
    except interrupts.Interrupted as told:
        return told.code


def _run() -> int:
    words = Words(language_of(os.environ))
    try:
        mesh = start(_settings())
    except StartError as error:
        print(started(str(error), words.language), file=sys.stderr)
        return 1
    address = mesh.data_dir / ADDRESS_FILE
    try:
        with MeshClient(mesh.url, mesh.operator_key) as operator:
            loaded = seed.load_samples(operator, mesh.data_dir).told(words)
            print(words("mesh healthy after {seconds} s; {loaded}", seconds=f"{mesh.start_s:.1f}", loaded=loaded))
            hospital = HospitalClient(operator, INSTITUTION, "测试医院", "990100", datetime.now(UTC), opter="01")
            hospital.sign_in()
        address.write_text(f"{mesh.url}\n", encoding="ascii")
        print(welcome(mesh, hospital.sign_no, words), flush=True)
        return _wait(mesh, words)
    except (MeshRefusal, MeshUnreachable, Fault) as error:
        why = error.told(words.language) if isinstance(error, MeshRefusal) else repr(error)
        said = f"The sandbox could not be seeded: {why}\nDelete {mesh.data_dir} to begin anew."
        print(started(said, words.language), file=sys.stderr)
        return 1
    finally:
        address.unlink(missing_ok=True)
        stop(mesh.process)


def _settings() -> dict[str, str]:
    """Those of a sandbox, and those of whoever calls, which win: another folder or port, a PostgreSQL, a collector of spans.

    StartError where the folder cannot be written.
    """
    clients = (KEY_VARIABLE, URL_VARIABLE)
    own = {name: value for name, value in os.environ.items() if name.startswith("YIBAO_") and name not in clients}
    data_dir = Path(own.pop("YIBAO_DATA_DIR", "") or DATA_DIR).resolve()
    return settings(data_dir, _operator_key(data_dir), own_ports=False) | own


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
