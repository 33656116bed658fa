"""The demo is run as a newcomer runs it: it must end well, in time, with the figures of the story."""

from __future__ import annotations

import re
import resource
import socket
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tools import demo, running

ROOT = Path(__file__).resolve().parents[2]
MAX_PROCESSOR_S = 30.0
"""Of the demo and all that it starts: unlike its wall time it is hardly longer on a machine that has much else to do."""


@pytest.fixture(scope="module")
def told() -> str:
    """What the demo prints."""
    before = spent_s()
    done = subprocess.run([sys.executable, "-m", "tools.demo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert spent_s() - before < MAX_PROCESSOR_S
    return done.stdout


def spent_s() -> float:
    """Processor time of all processes that were begun here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def section(told: str, number: int) -> str:
    """One numbered part of the story."""
    parts = re.split(r"^(\d+) · ", told, flags=re.MULTILINE)
    return parts[parts.index(str(number)) + 1]


def sums(text: str) -> dict[str, str]:
    """The labelled totals of a split, by their English word."""
    return dict(re.findall(r"^\s+\S+ ([a-z' -]+?)\s+(-?[\d.]+)$", text, flags=re.MULTILINE))


def test_the_visit_is_split_line_by_line_and_in_total(told: str) -> None:
    visit = section(told, 2)
    # 2 × 38.60 at 5 %, a CT of 260.00 against a ceiling of 180.00 at 10 %, a class C item, a restricted one unapproved.
    assert re.search(r"77\.20 +0\.00 +0\.00 +3\.86 +73\.34", visit)
    assert re.search(r"260\.00 +0\.00 +80\.00 +18\.00 +162\.00", visit)
    assert re.search(r"120\.00 +120\.00 +0\.00 +0\.00 +0\.00", visit)
    # 342.04 in scope at 90 %: a Beijing pensioner over 70 whose deductible is paid.
    assert sums(visit)["in scope"] == "342.04"
    assert sums(visit)["basic pool"] == "307.84"
    assert sums(visit)["account"] == "375.76"
    assert "byte for byte" in visit
    assert "[EC_TOKEN_SPENT]" in visit


def test_the_resident_reaches_critical_illness_and_the_employee_crosses_tiers(told: str) -> None:
    resident, employee = section(told, 3), section(told, 4)
    # (51,524.80 − 1,000) × 60 %, then (21,209.92 − 14,000) × 60 %.
    assert sums(resident)["basic pool"] == "30314.88"
    assert sums(resident)["critical illness"] == "4325.95"
    # 28,700 × 85 % + 10,000 × 90 % + 13,844 × 95 %.
    assert sums(employee)["basic pool"] == "46546.80"


def test_the_reversal_gives_everything_back_and_the_trace_shows_the_way(told: str) -> None:
    assert "account balance after: 800.00" in section(told, 5)
    trace = section(told, 11)
    assert "settlement: commit settle" in trace
    assert "identity: yibao.identity.v1.CredentialService.BatchVerify" in trace
    # The other one leads to the insured cell and back to the place of care.
    for span in ("370000/settlement: yibao.settlement.v1.OrderService.Confirm", "110000/settlement: commit book"):
        assert span in trace
    assert "payment: pay order goes on" in trace


def test_an_order_is_paid_in_the_twin_of_wechat_and_one_that_it_refuses_leaves_nothing(told: str) -> None:
    paid = section(told, 8)
    # 6,000.00 in scope: 49 % above the deductible of 1,800.00 is what the policy of 990100 pays.
    assert re.search(r"funds +2940\.00\n.*account +0\.00\n.*cash +3060\.00", paid)
    assert "SELF_PAY_SUCCESS, MED_INS_PAY_SUCCESS" in paid
    assert "ordStas 6, setl_id " in paid
    assert "[CHANNEL_REFUSED]" in paid
    assert "ordStas 12" in paid


def test_the_day_is_reconciled_on_the_next_one_and_nothing_is_open(told: str) -> None:
    day = section(told, 10)
    assert "0 open, 0 mended, 0 resolved" in day
    # The order that was paid is compared, and the one that was refused is looked for; near midnight they are the next day's.
    assert re.search(r"[01] lines of bills, [012] charges and refunds, [01] orders, [01] settlements compared", day)


def test_a_ct_of_shandong_is_opened_in_beijing_once_the_code_is_scanned_and_not_before(told: str) -> None:
    pictures = section(told, 9)
    before, after = pictures.split("扫码 the code is scanned")
    assert "QIDO-RS → []" in before
    assert "[NO_ACCESS]" in before
    assert re.search(r"QIDO-RS → 20261105  CT  \S+  H37010200901", after)
    assert re.search(r"307 → SD1: 21 \S+ instances, JPEG [\d,]+ bytes", after)
    assert "no repeat is needed" in after
    logged = re.findall(r"^ +\d+ (\w+) +(\w+) +H11010100901", after, flags=re.MULTILINE)
    assert logged == [
        ("session_opened", "success"),
        ("searched", "success"),
        ("patient_added", "refused"),
        ("patient_added", "success"),
        ("searched", "success"),
        ("ticket_given", "success"),
    ]
    assert "entries hold" in after


def test_a_bill_across_two_cells_is_paid_by_what_was_filed(told: str) -> None:
    elsewhere = section(told, 6)
    assert "跨属地单元" in elsewhere
    # 8,900.00 in scope: 88 % above 1,000.00; of that ratio 70 % not filed, 90 % referred, all of it filed long term.
    for filed, ratio, funds in (
        ("not filed", "61.6%", "4866.40"),
        ("referred", "79.2%", "6256.80"),
        ("filed long term", "88%", "6952.00"),
    ):
        assert re.search(rf"{filed}: 基金 funds {funds}", elsewhere)
        assert f"按{ratio}，支付{funds}" in elsewhere
    assert re.findall(r": (NO_FILING|FILED)\b.* → 2303, 2304", elsewhere) == ["NO_FILING", "FILED", "FILED"]
    assert re.findall(r"2305 → (\S+)", elsewhere) == ["-4866.40", "-6256.80"]


def test_the_month_of_it_is_cleared(told: str) -> None:
    month = section(told, 7)
    # 6,952.00 of the fund and 2,664.00 of the account.
    assert re.search(r"370000 +9616\.00", month)
    assert re.search(r"110000 +9616\.00", month)
    assert re.search(r"370000 +-9616\.00", month)


def test_a_port_that_is_taken_ends_it_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(socket.socket()) as other:
        other.bind((running.HOST, 0))
        port = other.getsockname()[1]
        monkeypatch.setattr(running, "free_ports", lambda count: [port] * count)
        assert demo.main() == 1
    said = capsys.readouterr().err
    assert said.startswith(f"\nThe demo stopped: Port {port} of identity is taken: is another mesh running here?\n")


def test_a_machine_without_a_folder_for_its_data_ends_it_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert demo.main() == 1
    assert capsys.readouterr().err == (
        "\nThe demo stopped: no folder can be made for its data (No such file or directory); name one by TMPDIR.\n"
    )
