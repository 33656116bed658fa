"""Twenty thousand people out of one YAML file: loaded, counted, and left alone the second time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tools.played.people import person
from tools.running import running
from tools.tidy import ROOT

pytestmark = pytest.mark.torture

PEOPLE: Final = 20_000
MOST_S: Final = 30.0
MOST_BYTES: Final = 200_000_000


def people(file: Path) -> None:
    """Writes the file: persons insured in division 990100, each with an account."""
    place = 'insutype: "310", insuplc_admdvs: "990100"'
    persons, ledgers = ["persons:\n"], ["ledgers:\n"]
    for who in map(person, range(5_001, 5_001 + PEOPLE)):
        card = f'certno: "{who.certno}", card_no: "{who.card_no}", psn_cert_type: "01", gend: "1", brdy: "1980-06-15"'
        persons.append(f'  - person: {{psn_no: "{who.psn_no}", psn_name: {who.psn_name}, {card}}}\n    enrolments:\n')
        persons.append(
            f'      - {{{place}, psn_type: "11", psn_insu_stas: "1", status: active, from_day: "2015-01-01"}}\n'
        )
        ledgers.append(f'  - {{psn_no: "{who.psn_no}", {place}, balance_fen: 100000}}\n')
    file.write_text("".join([*persons, *ledgers]), encoding="utf-8")


def seeded(file: Path, url: str, key: str) -> tuple[str, float, int]:
    """What the command prints, its seconds and the most memory that it took."""
    words = [sys.executable, "-m", "tools.cli.main", "--language", "en", "seed", str(file), "--url", url, "--key", key]
    begun = time.perf_counter()
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as pipe:
        said = pipe.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0
    return said, time.perf_counter() - begun, usage.ru_maxrss * 1024


def test_twenty_thousand_people_are_loaded_in_half_a_minute_and_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    people(file)
    with running(tmp_path / "mesh") as mesh:
        counts = f"{PEOPLE} persons, {PEOPLE} ledgers"
        for told in (f"loaded {counts}; unchanged 0\n", f"loaded 0; unchanged {counts}\n"):
            said, seconds, most = seeded(file, mesh.url, mesh.operator_key)
            sys.stdout.write(f"\n{said.strip()}: {seconds:.1f} s, {most / 1e6:.0f} MB\n")
            assert said == told
            assert seconds <= MOST_S
            assert most <= MOST_BYTES
