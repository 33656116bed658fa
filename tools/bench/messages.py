"""The national messages of an out-patient visit as a hospital sends them, as whole HTTP requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.kernel.clock import BEIJING
from tools.bench import wire
from tools.bench.world import API_KEY, OUT_PATIENT, SampleBill
from tools.played.people import DIVISION, EMPLOYEE, InventedPerson

_HOST = "127.0.0.1"


class VisitMessages:
    """The messages of one visit: a person, a bill, a serial number of ten digits from which all its names are made."""

    def __init__(self, who: InventedPerson, bill: SampleBill, serial: str, now: datetime) -> None:
        self.who = who
        self.bill = bill
        self.serial = serial
        self._now = now.astimezone(BEIJING)

    def insured(self) -> bytes:
        """1101: who is this."""
        return self._request(
            "1101",
            {
                "data": {
                    "mdtrt_cert_type": "02",
                    "mdtrt_cert_no": self.who.certno,
                    "card_sn": "",
                    "begntime": "",
                    "psn_cert_type": "01",
                    "certno": self.who.certno,
                    "psn_name": self.who.psn_name,
                }
            },
        )

    def registration(self) -> bytes:
        """2201: a visit begins."""
        return self._request(
            "2201",
            {
                "data": {
                    "psn_no": self.who.psn_no,
                    "insutype": EMPLOYEE,
                    "begntime": f"{self._now:%Y-%m-%d %H:%M:%S}",
                    "mdtrt_cert_type": "02",
                    "mdtrt_cert_no": self.who.certno,
                    "ipt_otp_no": f"OP{self.serial}",
                    "atddr_no": "D99010000001",
                    "dr_name": "测试医师",
                    "dept_code": "A03",
                    "dept_name": "内科",
                    "caty": "A03",
                }
            },
        )

    def description(self, mdtrt_id: str) -> bytes:
        """2203: why."""
        return self._request(
            "2203",
            {
                "mdtrtinfo": {
                    "mdtrt_id": mdtrt_id,
                    "psn_no": self.who.psn_no,
                    "med_type": OUT_PATIENT,
                    "begntime": f"{self._now:%Y-%m-%d %H:%M:%S}",
                    "main_cond_dscr": "发热、咳嗽三天",
                },
                "diseinfo": [
                    {
                        "diag_type": "1",
                        "diag_srt_no": "1",
                        "diag_code": "J06.900",
                        "diag_name": "急性上呼吸道感染",
                        "diag_dept": "A03",
                        "dise_dor_no": "D99010000001",
                        "dise_dor_name": "测试医师",
                        "diag_time": f"{self._now:%Y-%m-%d %H:%M:%S}",
                        "vali_flag": "1",
                    }
                ],
            },
        )

    def fees(self, mdtrt_id: str) -> bytes:
        """2204: what was done, line by line."""
        return self._request(
            "2204",
            {
                "feedetail": [
                    {
                        "feedetl_sn": f"F{self.serial}{place:02d}",
                        "mdtrt_id": mdtrt_id,
                        "psn_no": self.who.psn_no,
                        "chrg_bchno": f"C{self.serial}",
                        "rx_circ_flag": "0",
                        "fee_ocur_time": f"{self._now:%Y-%m-%d %H:%M:%S}",
                        "med_list_codg": line.code,
                        "medins_list_codg": f"Y{place:04d}",
                        "medins_list_name": line.name,
                        "det_item_fee_sumamt": _yuan(line.amount_fen),
                        "cnt": line.count,
                        "pric": _yuan(line.price_fen),
                        "bilg_dept_codg": "A03",
                        "bilg_dept_name": "内科",
                        "bilg_dr_codg": "D99010000001",
                        "bilg_dr_name": "测试医师",
                        "hosp_appr_flag": "1",
                    }
                    for place, line in enumerate(self.bill.lines)
                ]
            },
        )

    def trial(self, mdtrt_id: str) -> bytes:
        """2206: what would be paid."""
        return self._request("2206", {"data": self._bill(mdtrt_id)})

    def settlement(self, mdtrt_id: str, parts: Mapping[str, Any]) -> bytes:
        """2207, with the four parts that the trial told."""
        return self._request("2207", {"data": {**self._bill(mdtrt_id), "invono": "", **parts}})

    def _bill(self, mdtrt_id: str) -> dict[str, Any]:
        return {
            "psn_no": self.who.psn_no,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self.who.certno,
            "med_type": OUT_PATIENT,
            "medfee_sumamt": _yuan(self.bill.amount_fen),
            "psn_setlway": "01",
            "mdtrt_id": mdtrt_id,
            "chrg_bchno": f"C{self.serial}",
            "acct_used_flag": "1",
            "insutype": EMPLOYEE,
        }

    def _request(self, infno: str, nodes: Mapping[str, Any]) -> bytes:
        hospital = self.bill.hospital
        envelope = {
            "infno": infno,
            "msgid": f"{hospital}{infno}{self.serial:0>14}",
            "mdtrtarea_admvs": DIVISION,
            "insuplc_admdvs": DIVISION,
            "recer_sys_code": "MBS_LOCAL",
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "0001",
            "opter_name": "测试操作员",
            "inf_time": f"{self._now:%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": hospital,
            "fixmedins_name": "测试医院",
            "sign_no": "",
            "input": nodes,
        }
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        return wire.request(_HOST, f"/fsi/api/{infno}", {"apikey": API_KEY + hospital}, body)


def _yuan(fen: int) -> float:
    """An amount as a JSON number of yuan, as hospitals send it."""
    return float(f"{fen // 100}.{fen % 100:02d}")
