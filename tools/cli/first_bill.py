"""`yibao first-bill`: settles one small bill on a running sandbox, showing every envelope as a hospital would send it."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from services.kernel.clock import BEIJING
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import COUNTER, HospitalClient, MeshClient, NationalAnswer

PSN_NO, CERTNO = "99000000000000000001", "990000199001010011"
CREDENTIAL = {"mdtrt_cert_type": "02", "mdtrt_cert_no": CERTNO}
CERTIFICATE = {"psn_cert_type": "01", "certno": CERTNO, "psn_name": "测试人员"}
DOCTOR = {"bilg_dept_codg": "A01", "bilg_dept_name": "内科", "bilg_dr_codg": "D99010000001", "bilg_dr_name": "测试医师"}
# A class B examination above its price limit, and drugs that take the bill above the deductible: every payer has a part.
LINES = (("XTESTSERV0002", "Y0002", "1", "250.00"), ("XTESTDRUG0001", "Y0001", "40", "50.00"))
TOTAL = sum((Decimal(count) * Decimal(price) for _, _, count, price in LINES), Decimal())
PARTS = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")

AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay", *PARTS)
SPLIT = """
{medfee_sumamt} yuan = pooled funds {fund_pay_sumamt} + personal account {acct_pay} + cash {psn_cash_pay}
of them in scope {inscp_scp_amt}, advance self-pay {preselfpay_amt}, \
over-limit {overlmt_selfpay}, full self-pay {fulamt_ownpay_amt}\
"""


class BillRefused(Exception):
    """The mesh refused a step; the text is its err_msg."""


class FirstBill:
    """One visit of the sandbox's test person at its test hospital: two lines, `TOTAL` yuan."""

    def __init__(self, client: MeshClient, words: Words = ENGLISH, *, quiet: bool, sandbox: bool = True) -> None:
        # Serials begin anywhere: two bills begun in one second must not share message numbers.
        serial = secrets.randbelow(9_900)
        now = datetime.now(UTC)
        self._now = now.astimezone(BEIJING)
        # The day is told to the mesh too: a sandbox may live on another one. No other mesh lets it be chosen.
        self._day = self._now.date() if sandbox else None
        self._hospital = HospitalClient(client, "H99010000001", "测试医院", "990100", now, serial=serial)
        self._quiet = quiet
        self._words = words
        self._settling: tuple[str, Mapping[str, object]] = ("", {})

    def settle(self) -> Mapping[str, Any]:
        """Plays 9001 1101 2201 2203 2204 2206 2207; returns the setlinfo."""
        signed = self._step("9001", "sign in", {"signIn": {"opter_no": self._hospital.opter, **COUNTER}})
        self._hospital.sign_no = str(signed.output["signinoutb"]["sign_no"])
        now = f"{self._now:%Y-%m-%d %H:%M:%S}"
        person = {"psn_no": PSN_NO, "insutype": "310"}
        self._step("1101", "who is it?", {"data": {**CREDENTIAL, **CERTIFICATE}})
        visit = {**person, **CREDENTIAL, "begntime": now, "ipt_otp_no": secrets.token_hex(6), "dept_code": "A01"}
        visit |= {"dept_name": "内科", "caty": "A03"}
        key = self._step("2201", "register the visit", {"data": visit}).output["data"]
        mdtrt = {"mdtrt_id": key["mdtrt_id"], "psn_no": PSN_NO}
        seen = {**mdtrt, "med_type": "11", "begntime": now}
        self._step("2203", "what was found", {"mdtrtinfo": seen, "diseinfo": []})
        charged = {**mdtrt, "chrg_bchno": "B0001", "fee_ocur_time": now, "hosp_appr_flag": "0", "rx_circ_flag": "0"}
        lines = [{**charged, **DOCTOR, **line} for line in _lines()]
        self._step("2204", "upload the lines: how are they split?", {"feedetail": lines})
        bill = {**mdtrt, **CREDENTIAL, "insutype": "310", "med_type": "11", "medfee_sumamt": f"{TOTAL:.2f}"}
        bill |= {"psn_setlway": "01", "chrg_bchno": "B0001", "acct_used_flag": "1"}
        tried = self._step("2206", "try", {"data": bill}).output["setlinfo"]
        parts = {name: str(tried[name]) for name in PARTS}
        self._settling = (self._hospital.next_msgid(), {"data": bill | parts})
        settled: Mapping[str, Any] = self.settle_again().output["setlinfo"]
        return settled

    def settle_again(self) -> NationalAnswer:
        """Sends the 2207 of `settle` as it was sent, by its number, and returns the answer."""
        msgid, nodes = self._settling
        return self._step("2207", "settle", nodes, msgid)

    def _step(self, infno: str, what: str, nodes: Mapping[str, object], msgid: str = "") -> NationalAnswer:
        answer = self._hospital.send(infno, nodes, insuplc_admdvs="990100", business_date=self._day, msgid=msgid)
        if not self._quiet:
            told = _text(answer.output) if answer.succeeded else answer.message
            print(f"\n── {infno} {self._words(what)}\n→ {_text(nodes)}\n← {told}")
            if answer.body.get("warn_msg"):
                print(f"  {answer.body['warn_msg']}")
        if not answer.succeeded:
            raise BillRefused(f"{infno}: {answer.message}")
        return answer


def _lines() -> Iterator[dict[str, str]]:
    """Rows of 2204 by item, count and price."""
    for number, (item, own_code, count, price) in enumerate(LINES, 1):
        total = f"{Decimal(count) * Decimal(price):.2f}"
        yield {"feedetl_sn": str(number), "med_list_codg": item, "medins_list_codg": own_code} | {
            "cnt": count, "pric": price, "det_item_fee_sumamt": total
        }  # fmt: skip


def _text(nodes: Mapping[str, object]) -> str:
    def plain(value: object) -> object:
        return float(value) if isinstance(value, Decimal) else str(value)

    return json.dumps(nodes, ensure_ascii=False, default=plain)


def run(client: MeshClient, words: Words = ENGLISH, *, print_setl_id: bool) -> int:
    """Settles the bill and prints its way, or only the setl_id; 1 where the mesh refuses."""
    try:
        settled = FirstBill(client, words, quiet=print_setl_id).settle()
    except BillRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    if print_setl_id:
        print(settled["setl_id"])
        return 0
    print(words(SPLIT, **{name: f"{settled[name]:.2f}" for name in AMOUNTS}))
    print(words("settled: setl_id {setl_id}\nits way: yibao trace {setl_id}", setl_id=settled["setl_id"]))
    return 0
