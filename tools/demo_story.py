"""The bills that the demo plays, as hospitals would send them: rows of items of the shipped sample catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.kernel.money import yuan_text

DAY = date(2026, 11, 20)
"""Business date of the demo: figures stay the same whenever it is run."""


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
