"""The bills that the demo plays, as hospitals would send them: rows of items of the shipped sample catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.kernel.money import yuan_text

DAY = date(2026, 11, 20)
"""Business date of the demo: figures stay the same whenever it is run."""

NETTING_DAY = date(2026, 12, 16)
"""When its month is closed and netted, by the calendar of clearing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fee line: item code, what it is called here, count, unit price in fen, hospital's approval."""

    code: str
    name: str
    count: int
    price_fen: int
    approval: str = "0"

    @property
    def amount_fen(self) -> int:
        """Amount of the line."""
        return self.count * self.price_fen


@dataclass(frozen=True, slots=True)
class Place:
    """A hospital of the sample: code, name, division."""

    code: str
    name: str
    admdvs: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A person of the sandbox: number, certificate, insurance type, insured place."""

    psn_no: str
    certno: str
    name: str
    insutype: str
    insuplc_admdvs: str


BEIJING_HOSPITAL = Place("H11010100901", "京华示范医院", "110101")
JINAN_HOSPITAL = Place("H37010200901", "泉城示范医院", "370102")

PENSIONER = Patient("11000000000000000102", "990000195208201023", "京测乙", "310", "110000")
EMPLOYEE = Patient("11000000000000000103", "990000197511021032", "京测丙", "310", "110000")
RESIDENT = Patient("37010000000000000201", "990000197905062013", "济测甲", "390", "370100")
# Insured in the cell 370000, and treated in the cell 110000.
TRAVELLER = Patient("37010000000000000501", "990000197706215216", "济单甲", "310", "370100")
CARE_CELL, INSURED_CELL = "110000", "370000"
# A storing unit that is none: its credit code has a check digit and a division that does not exist.
STORING_UNIT = "12990100MB00000331"

VISIT: Sequence[Row] = (
    Row("001102009020000", "副主任医师门诊诊查费", 1, 6000),
    Row("001102009010000", "普通门诊诊查费", 1, 2200),
    Row("XA10BAA901A001010199027", "盐酸二甲双胍片", 3, 1280),
    Row("XJ01CRA901A001010199002", "阿莫西林克拉维酸钾片", 2, 3860),
    Row("002501019010000", "血细胞分析", 1, 2000),
    Row("002103009010000", "CT平扫", 1, 26000),
    Row("XJ01MAA902A001010199010", "莫西沙星片（限制使用，未审批）", 1, 8600),
    Row("T001709010", "阿胶", 1, 12000),
)
STAY = "21"

STAY_IN_JINAN: Sequence[Row] = (
    Row("C0301019010000199505", "髋关节假体组件", 2, 950000),
    Row("003315079010000", "人工全髋关节置换术", 1, 680000),
    Row("003301009010000", "全身麻醉", 1, 120000),
    Row("001109009010000", "普通病房床位费", 14, 6000),
    Row("001201009030000", "Ⅱ级护理", 14, 1800),
    Row("XJ01DDA901B001010199004", "注射用头孢曲松钠", 28, 2250),
    Row("XJ01DHA901B001010199012", "注射用美罗培南（限制使用，已审批）", 42, 9800, "1"),
    Row("003108009010000", "血液透析", 60, 43000),
)

STAY_IN_BEIJING: Sequence[Row] = (
    Row("C0901019010000199520", "植入式心脏起搏器", 1, 3200000),
    Row("003205009010000", "经皮冠状动脉内支架置入术", 1, 560000),
    Row("C0101019010000199501", "冠状动脉药物洗脱支架", 2, 78000),
    Row("003301009010000", "全身麻醉", 1, 150000),
    Row("003108009010000", "血液透析", 40, 46000),
    Row("001109009010000", "普通病房床位费", 20, 5000),
    Row("XJ01DDA901B001010199004", "注射用头孢曲松钠", 40, 2250),
)

STAY_ELSEWHERE: Sequence[Row] = (
    Row("003205009010000", "经皮冠状动脉内支架置入术", 1, 560000),
    Row("C0101019010000199501", "冠状动脉药物洗脱支架", 2, 78000),
    Row("003301009010000", "全身麻醉", 1, 150000),
    Row("001109009010000", "普通病房床位费", 10, 5000),
    Row("XJ01DDA901B001010199004", "注射用头孢曲松钠", 20, 2280),
)


@dataclass(frozen=True, slots=True)
class Way:
    """How care elsewhere came about: what is told of it, and what of each ratio of home the policy of home leaves, in percent."""

    name: str
    why: str
    left_percent: int


# 济南职工政策 remote: temporary 70 %, transfer 90 %, filed_long_term none (services/catalogue/samples/policies/jinan-employee).
NOT_FILED = Way("未备案 not filed", "济南政策：未备案临时外出，各段比例×70% · every ratio of home × 70 %", 70)
REFERRED = Way("转诊备案 referred", "济南政策：转诊备案，各段比例×90% · every ratio of home × 90 %", 90)
FILED = Way("异地长期居住备案 filed long term", "济南政策：长期备案，与在济南相同 · as at home", 100)


def referral(patient: Patient) -> dict[str, object]:
    """2501: a hospital at home sends the patient to Beijing."""
    row = {
        "psn_no": patient.psn_no,
        "insutype": patient.insutype,
        "tel": "13900000000",
        "diag_code": "I21.900",
        "diag_name": "急性心肌梗死",
        "reflin_medins_no": BEIJING_HOSPITAL.code,
        "reflin_medins_name": BEIJING_HOSPITAL.name,
        "mdtrtarea_admdvs": BEIJING_HOSPITAL.admdvs,
        "hosp_agre_refl_flag": "1",
        "refl_type": "3",
        "refl_date": f"{DAY}",
        "refl_rea": "病情需要",
        "refl_opnn": "同意转院",
        "begndate": f"{DAY}",
        "enddate": f"{DAY}",
    }
    return {"refmedin": row}


def stay_rows(bill: Sequence[Row], mdtrt_id: str, patient: Patient, batch: str) -> list[dict[str, object]]:
    """The `feedetail` node of a stay's bill, whose rows say the kind of care."""
    return [{**row, "med_type": STAY} for row in rows(bill, mdtrt_id, patient, batch)]


def rows(bill: Sequence[Row], mdtrt_id: str, patient: Patient, batch: str) -> list[dict[str, object]]:
    """The `feedetail` node of a visit's bill."""
    return [
        {
            "feedetl_sn": f"{batch[1:]}{place:04d}",
            "mdtrt_id": mdtrt_id,
            "psn_no": patient.psn_no,
            "chrg_bchno": batch,
            "rx_circ_flag": "0",
            "fee_ocur_time": f"{DAY} 09:30:00",
            "med_list_codg": row.code,
            "medins_list_codg": f"Y{place:04d}",
            "det_item_fee_sumamt": yuan_text(row.amount_fen),
            "cnt": row.count,
            "pric": yuan_text(row.price_fen),
            "bilg_dept_codg": "A01",
            "bilg_dept_name": "内科",
            "bilg_dr_codg": "D99010000001",
            "bilg_dr_name": "测试医师",
            "hosp_appr_flag": row.approval,
        }
        for place, row in enumerate(bill, 1)
    ]


def total_fen(bill: Sequence[Row]) -> int:
    """Sum of a bill."""
    return sum(row.amount_fen for row in bill)


def admission(patient: Patient) -> dict[str, object]:
    """2401."""
    stay = {
        "psn_no": patient.psn_no,
        "insutype": patient.insutype,
        "begntime": f"{DAY} 08:00:00",
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": patient.certno,
        "med_type": STAY,
        "ipt_no": f"IP{patient.psn_no[-4:]}",
        "atddr_no": "D99010000001",
        "chfpdr_name": "测试医师",
        "adm_diag_dscr": "择期手术",
        "dscg_maindiag_code": "Z98.800",
        "dscg_maindiag_name": "手术后状态",
        "adm_dept_codg": "B01",
        "adm_dept_name": "外科",
        "adm_bed": "12",
    }
    return {"mdtrtinfo": stay, "diseinfo": []}


def discharge(patient: Patient, mdtrt_id: str) -> dict[str, object]:
    """2402."""
    leaving = {
        "mdtrt_id": mdtrt_id,
        "psn_no": patient.psn_no,
        "insutype": patient.insutype,
        "endtime": f"{DAY} 17:00:00",
        "dscg_dept_codg": "B01",
        "dscg_dept_name": "外科",
        "dscg_way": "1",
    }
    return {"dscginfo": leaving, "diseinfo": []}


def visit_bill(patient: Patient, mdtrt_id: str, rows: Sequence[Row]) -> dict[str, object]:
    """Of a visit: 2206 and 2207."""
    return {**_common_bill(patient, mdtrt_id, rows), "med_type": "11", "chrg_bchno": "B0001"}


def stay_bill(patient: Patient, mdtrt_id: str, rows: Sequence[Row]) -> dict[str, object]:
    """Of a stay: 2303 and 2304."""
    return {**_common_bill(patient, mdtrt_id, rows), "mid_setl_flag": "0"}


def _common_bill(patient: Patient, mdtrt_id: str, rows: Sequence[Row]) -> dict[str, object]:
    return {
        "psn_no": patient.psn_no,
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": patient.certno,
        "medfee_sumamt": yuan_text(total_fen(rows)),
        "psn_setlway": "01",
        "mdtrt_id": mdtrt_id,
        "acct_used_flag": "1",
        "insutype": patient.insutype,
    }
