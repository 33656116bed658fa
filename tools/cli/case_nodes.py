"""The nodes of the national transactions that bill an operation of a case. It only builds them; `case_through` sends them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date

from services.kernel.money import short_text
from tools.cli.case_document import CaseOperation
from tools.cli.case_fixture import MED_TYPES, Fixture, persons_of, unit_price_e6

BATCH = "B0001"
ALL_LINES = "0000"
REMOTE: Mapping[str, tuple[str, str]] = {
    "emergency": ('{"OTP_ER_REFL_FLAG":"1"}', '{"IPT_TYPE":"2"}'),
    "transfer": ('{"OTP_ER_REFL_FLAG":"2"}', '{"IPT_TYPE":"3"}'),
}
"""`exp_content` of a visit and of a stay for each kind that is said."""
FILED = ("transfer",)
"""What is filed, and not said, where two cells play the case."""

Nodes = Mapping[str, object]


def registration(fixture: Fixture, operation: CaseOperation, day: date) -> Nodes:
    """2201."""
    return {"data": {**_arrival(fixture, operation, day, 0), "ipt_otp_no": secrets.token_hex(8)}}


def visit(fixture: Fixture, operation: CaseOperation, mdtrt_id: str, day: date) -> Nodes:
    """2203."""
    data = {
        "mdtrt_id": mdtrt_id,
        "psn_no": fixture.psn_no,
        "med_type": _med_type(operation),
        "begntime": f"{day} 08:00:00",
        "dise_codg": fixture.disease(operation),
    }
    return {"mdtrtinfo": data, "diseinfo": []}


def admission(fixture: Fixture, operation: CaseOperation, day: date) -> Nodes:
    """2401."""
    data = {
        **_arrival(fixture, operation, day, 1),
        "med_type": _med_type(operation),
        "ipt_no": secrets.token_hex(8),
        "dise_codg": fixture.disease(operation),
    }
    return {"mdtrtinfo": data, "diseinfo": []}


def discharge(fixture: Fixture, mdtrt_id: str, day: date) -> Nodes:
    """2402."""
    data = {**_name(fixture, mdtrt_id), "insutype": fixture.insutype, "endtime": f"{day} 18:00:00"}
    return {"dscginfo": data, "diseinfo": []}


def admitted(fixture: Fixture, mdtrt_id: str) -> Nodes:
    """2404."""
    return {"data": _name(fixture, mdtrt_id)}


def all_lines(fixture: Fixture, mdtrt_id: str) -> Nodes:
    """2302 for every unsettled line of a stay."""
    return {"data": [{"feedetl_sn": ALL_LINES, **_name(fixture, mdtrt_id)}]}


def lines(fixture: Fixture, operation: CaseOperation, mdtrt_id: str, day: date) -> Nodes:
    """2204 and 2301. The count of a line that takes back is negative."""
    first = (fixture.case.operations.index(operation) + 1) * 10_000 + 1
    return {
        "feedetail": [
            {
                "feedetl_sn": str(first + place),
                **_name(fixture, mdtrt_id),
                "chrg_bchno": BATCH,
                "fee_ocur_time": f"{day} 09:00:00",
                "med_list_codg": fixture.item(operation, place),
                "medins_list_codg": f"Y{place + 1:04d}",
                "det_item_fee_sumamt": short_text(line.amount_fen, 2),
                "cnt": short_text(-abs(line.count_e4) if line.amount_fen < 0 else abs(line.count_e4), 4),
                "pric": short_text(unit_price_e6(line), 6),
                "hosp_appr_flag": line.approval,
            }
            for place, line in enumerate(operation.lines)
        ]
    }


def bill(fixture: Fixture, operation: CaseOperation, mdtrt_id: str, *, interim: bool = False) -> Nodes:
    """2206, 2207, 2303 and 2304."""
    data = {
        **_name(fixture, mdtrt_id),
        **_credential(fixture),
        "med_type": _med_type(operation),
        "medfee_sumamt": short_text(sum(line.amount_fen for line in operation.lines), 2),
        "psn_setlway": "01",
        "chrg_bchno": BATCH,
        "acct_used_flag": "1" if fixture.case.account.use else "0",
        "insutype": fixture.insutype,
        "mid_setl_flag": "1" if interim else "0",
    }
    return {"data": data}


def reversal(fixture: Fixture, mdtrt_id: str, setl_id: str) -> Nodes:
    """2208 and 2305."""
    return {"data": {"setl_id": setl_id, **_name(fixture, mdtrt_id)}}


def referral(fixture: Fixture, operation: CaseOperation, day: date) -> Nodes:
    """2501, for the day of care."""
    row = {
        "psn_no": fixture.psn_no,
        "insutype": fixture.insutype,
        "tel": "13900000000",
        "diag_code": "Z98.800",
        "diag_name": "手术后状态",
        "reflin_medins_no": fixture.institution(operation),
        "reflin_medins_name": "案例医院",
        "mdtrtarea_admdvs": fixture.place(operation),
        "hosp_agre_refl_flag": "1",
        "refl_type": "3",
        "refl_date": f"{day}",
        "refl_rea": "算例转诊",
        "refl_opnn": "同意转院",
        "begndate": f"{day}",
        "enddate": f"{day}",
    }
    return {"refmedin": row}


def _arrival(fixture: Fixture, operation: CaseOperation, day: date, form: int) -> dict[str, str]:
    """What a visit (form 0) and a stay (form 1) begin with."""
    remote = str(operation.facts.get("remote"))
    said = "" if fixture.across and remote in FILED else REMOTE.get(remote, ("", ""))[form]
    return {
        "psn_no": fixture.psn_no,
        "insutype": fixture.insutype,
        "begntime": f"{day} 08:00:00",
        **_credential(fixture),
        "exp_content": said,
    }


def _credential(fixture: Fixture) -> dict[str, str]:
    return {"mdtrt_cert_type": "02", "mdtrt_cert_no": persons_of(fixture)[-1].person.certno}


def _name(fixture: Fixture, mdtrt_id: str) -> dict[str, str]:
    return {"mdtrt_id": mdtrt_id, "psn_no": fixture.psn_no}


def _med_type(operation: CaseOperation) -> str:
    return MED_TYPES[str(operation.facts["med_type"])]
