"""The twins beside a sandbox: whose merchants the hospitals of its cells are."""

from __future__ import annotations

from pathlib import Path

import yaml

from tools.beside import beside
from tools.running import settings


def merchants_of(folder: Path, *codes: str) -> dict[tuple[str, str], str]:
    """The merchant of each channel and hospital, with twins that were started for these cells."""
    with beside(settings(folder, "k" * 32, own_ports=True, codes=codes), free_ports=True) as twins:
        accounts = yaml.safe_load(twins.merchants.read_text(encoding="utf-8"))["accounts"]
        for each in accounts:
            for name in ("private_key_file", "secret_file"):
                assert (twins.merchants.parent / each.get(name, "merchants.yaml")).exists()
    return {(each["channel"], each["fixmedins_code"]): each["merchant_no"] for each in accounts}


def test_hospitals_of_cells_are_merchants_of_their_own_and_stay_them(tmp_path: Path) -> None:
    found = merchants_of(tmp_path, "sandbox", "370000")
    assert len(found) == len(set(found.values())) == 8
    alone = merchants_of(tmp_path, "370000")
    assert alone == {key: number for key, number in found.items() if key in alone}
    assert len(alone) == 4
