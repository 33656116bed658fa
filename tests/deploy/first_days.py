"""The first days of a deployed mesh, which is no sandbox: its records are loaded with the operator's key, and a hospital that
proves itself settles a bill. What test people it needs are invented.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tools.cli import seed
from tools.cli.first_bill import CERTNO, PSN_NO, FirstBill
from tools.cli.mesh_client import MeshClient

HOSPITAL: Final = "H99010000001"
HEADER: Final = "apikey"

_ENROLMENT: Final = {"insutype": "310", "insuplc_admdvs": "990100", "psn_type": "11", "psn_insu_stas": "1"} | {
    "status": "active", "from_day": "2015-01-01", "emp_name": "测试单位"
}  # fmt: skip
_PERSON: Final = {"psn_no": PSN_NO, "psn_name": "测试人员", "psn_cert_type": "01", "certno": CERTNO} | {
    "gend": "1", "naty": "01", "brdy": "1990-01-01"
}  # fmt: skip


def own_records(folder: Path, secret: str) -> list[Path]:
    """The catalogue as it is shipped, and a file with one hospital, whose secret that is, and one insured person."""
    hospital = {"partner_code": HOSPITAL, "partner_name": "测试医院", "role": "INSTITUTION", "auth_style": "API_KEY"}
    own = {"partners": [hospital | {"secret": secret}], "persons": [{"person": _PERSON, "enrolments": [_ENROLMENT]}]}
    file = folder / "own.json"
    file.write_text(json.dumps(own, ensure_ascii=False), encoding="utf-8")
    samples = [*sorted(seed.SAMPLES.glob("*.csv")), *sorted((seed.SAMPLES / "policies").glob("*.yaml"))]
    return [*samples, seed.SAMPLES / "stacks.yaml", file]


@contextmanager
def hospital_of(url: str, operator_key: str, folder: Path) -> Iterator[MeshClient]:
    """Loads the records into an empty mesh; the hospital's way to it."""
    secret = secrets.token_hex(16)
    with MeshClient(url, operator_key) as operator:
        seed.load(operator, own_records(folder, secret))
    with MeshClient(url, proof={HEADER: secret}) as hospital:
        yield hospital


def new_bill(hospital: MeshClient) -> FirstBill:
    """A visit that was not yet billed."""
    return FirstBill(hospital, quiet=True, sandbox=False)
