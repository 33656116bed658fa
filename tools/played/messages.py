"""What a hospital sends over the national interface for a visit: the envelope, and the nodes of 2201, 2203, 2204, 2206 and 2207.

Pure: moments come as the interface writes them (`2025-03-10 09:00:00`), amounts as fen; nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tools.played.people import InventedPerson

_PARTS = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")


@dataclass(frozen=True, slots=True)
class Row:
    """A fee line: item, count, unit price in fen; and what the hospital calls the item, where it says so."""

    item: str
    count: int
    price_fen: int
    name: str = ""

    @property
    def amount_fen(self) -> int:
        """Count times price."""
        return self.count * self.price_fen


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom the hospital treats, and where insured."""

    psn_no: str
    name: str
    certno: str
    card_no: str = ""
    insutype: str = "310"
    home: str = "990100"

    @property
    def id_card(self) -> dict[str, str]:
        """The identity card as a visit credential."""
        return {"mdtrt_cert_type": "02", "mdtrt_cert_no": self.certno}

    @property
    def card(self) -> dict[str, str]:
        """The social-security card as a visit credential."""
        return {"mdtrt_cert_type": "03", "mdtrt_cert_no": self.card_no}


class Sender(NamedTuple):
    """The institution that sends a message: its code and name, the division of care, the number of its sign-in."""

    code: str
    name: str
    place: str
    sign_no: str = ""


def patient_of(who: InventedPerson) -> Patient:
    """The invented person as a patient."""
    return Patient(who.psn_no, who.psn_name, who.certno, who.card_no)


def envelope(sender: Sender, infno: str, nodes: Any, msgid: str, home: str, at: str) -> dict[str, object]:
    """The envelope of one transaction; `home` is the insured division."""
    return {
        "infno": infno,
        "msgid": msgid,
        "mdtrtarea_admvs": sender.place,
        "insuplc_admdvs": home,
        "recer_sys_code": "MBS_LOCAL",
        "dev_no": "",
        "dev_safe_info": "",
        "cainfo": "",
        "signtype": "",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "0001",
        "opter_name": "测试操作员",
        "inf_time": at,
        "fixmedins_code": sender.code,
        "fixmedins_name": sender.name,
        "sign_no": sender.sign_no,
        "input": nodes,
    }


def registration(who: Patient, ipt_otp_no: str, at: str, shown: Mapping[str, str] | None = None) -> dict[str, str]:
    """The data node of 2201."""
    return {
        "psn_no": who.psn_no,
        "insutype": who.insutype,
        "begntime": at,
        **(shown or who.id_card),
        "ipt_otp_no": ipt_otp_no,
        "dept_code": "A01",
        "dept_name": "内科",
        "caty": "A03",
        "dr_name": "测试医师",
    }


def description(who: Patient, mdtrt_id: str, at: str, med_type: str = "11") -> dict[str, object]:
    """Nodes of 2203."""
    visit = {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no, "med_type": med_type, "begntime": at}
    return {"mdtrtinfo": {**visit, "main_cond_dscr": "咳嗽三天"}, "diseinfo": [diagnosis(who, at)]}


def diagnosis(who: Patient, at: str) -> dict[str, object]:
    """A row of diseinfo."""
    return {
        "psn_no": who.psn_no,
        "diag_type": "1",
        "maindiag_flag": "1",
        "diag_srt_no": 1,
        "diag_code": "J06.900",
        "diag_name": "急性上呼吸道感染",
        "diag_dept": "内科",
        "dise_dor_no": "D99010000001",
        "dise_dor_name": "测试医师",
        "diag_time": at,
        "vali_flag": "1",
    }


def fee_line(who: Patient, mdtrt_id: str, row: Row, place: int, at: str, *, number: str, batch: str) -> dict[str, Any]:
    """A row of feedetail: the `place`th of the bill under the hospital's own `number`."""
    named = {"medins_list_name": row.name} if row.name else {}
    return {
        "feedetl_sn": number,
        "mdtrt_id": mdtrt_id,
        "psn_no": who.psn_no,
        "chrg_bchno": batch,
        "rx_circ_flag": "0",
        "fee_ocur_time": at,
        "med_list_codg": row.item,
        "medins_list_codg": f"Y{place:04d}",
        **named,
        "det_item_fee_sumamt": yuan(row.amount_fen),
        "cnt": row.count,
        "pric": yuan(row.price_fen),
        "bilg_dept_codg": "A01",
        "bilg_dept_name": "内科",
        "bilg_dr_codg": "D99010000001",
        "bilg_dr_name": "测试医师",
        "hosp_appr_flag": "1",
    }


def bill(
    who: Patient, mdtrt_id: str, amount_fen: int, batch: str, shown: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The data node of 2206 and 2207, its four parts not yet known; 2303 and 2304 take it too, with fields of a visit in it."""
    return {
        "psn_no": who.psn_no,
        **(shown or who.id_card),
        "med_type": "11",
        "medfee_sumamt": yuan(amount_fen),
        "psn_setlway": "01",
        "mdtrt_id": mdtrt_id,
        "chrg_bchno": batch,
        "acct_used_flag": "1",
        "insutype": who.insutype,
        **dict.fromkeys(_PARTS, 0),
    }


def amount_of(rows: Sequence[Row]) -> int:
    """What rows come to, in fen."""
    return sum(row.amount_fen for row in rows)


def yuan(fen: int) -> float:
    """Fen as the number of yuan that JSON carries: the nearest double prints as the amount itself."""
    return fen / 100
