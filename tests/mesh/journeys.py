"""Journeys through the mesh as hospitals, channels and operators make them; each returns what was answered, by transaction.

They only play: what an answer must be is said by the tests that play them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from services.kernel.clock import BEIJING
from tests.mesh.hospital import DRUG, SECOND_DRUG, Hospital, rest
from tools.cli.mesh_client import NationalAnswer
from tools.played.messages import Patient, Row
from tools.sandbox_keys import CHANNEL, key_of

Answers = dict[str, NationalAnswer]

BILL: Final = (Row(DRUG, 2, 300_000), Row(SECOND_DRUG, 3, 1_000))
"""6,030.00 yuan: 6,000.00 of class A; 30.00 of class B, a tenth of which is paid in advance."""

CHEST_CT: Final = "002103009010000"
"""Item of a plain CT in the insurance catalogue."""


async def out_patient(hospital: Hospital, who: Patient) -> Answers:
    """From sign-in to sign-out: a visit settled, looked up, and undone step by step."""
    answers: Answers = {}

    async def step(infno: str, nodes: Mapping[str, Any]) -> NationalAnswer:
        answers[infno] = await hospital.done(infno, nodes, home=who.home)
        return answers[infno]

    signed = await step("9001", {"signIn": {"opter_no": "0001", "mac": "00-00-00-00-00-00", "ip": "127.0.0.1"}})
    hospital.sign_no = sign_no = signed.output["signinoutb"]["sign_no"]
    await step("1201", {"medinsinfo": {"fixmedins_type": "1", "fixmedins_code": hospital.code}})
    await step("1101", {"data": who.id_card | {"psn_cert_type": "01", "certno": who.certno, "psn_name": who.name}})
    await step("2001", {"data": benefit_query(hospital, who)})
    mdtrt_id = await hospital.register(who)
    await step("2203A", hospital.visit_nodes(who, mdtrt_id))
    await step("2204", hospital.lines(who, mdtrt_id, BILL))
    node = hospital.bill(who, mdtrt_id, BILL)
    await step("2206", {"data": node})
    info = (await step("2207", {"data": node})).output["setlinfo"]
    reference = {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
    listed = await step("5201", {"data": encounter_query(hospital, who)})
    await step("5202", {"data": {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}})
    await step("5203", {"data": reference})
    await step("5204", {"data": reference})
    await step("5206", {"data": {"psn_no": who.psn_no, "cum_ym": ""}})
    await step("2208", {"data": reference})
    visit = {"mdtrt_id": mdtrt_id, "psn_no": who.psn_no}
    await step("2205", {"data": visit | {"chrg_bchno": "0000"}})
    await step("2202", {"data": visit | {"ipt_otp_no": listed.output["mdtrtinfo"][0]["ipt_otp_no"]}})
    await step("9002", {"signOut": {"sign_no": sign_no, "opter_no": "0001"}})
    hospital.sign_no = ""
    return answers


async def in_patient(hospital: Hospital, who: Patient) -> Answers:
    """A stay from admission to its settlement, which is undone until nothing is left of it."""
    answers: Answers = {}

    async def step(infno: str, nodes: Mapping[str, Any], name: str = "") -> NationalAnswer:
        answers[name or infno] = await hospital.done(infno, nodes, home=who.home)
        return answers[name or infno]

    await hospital.sign_in()
    key = await step("2401", hospital.admission(who))
    stay = {"mdtrt_id": key.output["result"]["mdtrt_id"], "psn_no": who.psn_no}
    mdtrt_id = stay["mdtrt_id"]
    await step(
        "2301", hospital.lines(who, mdtrt_id, [Row(DRUG, 10, 300_000), Row(SECOND_DRUG, 5, 1_000)], med_type="21")
    )
    await step("2301", taken_back(hospital, who, mdtrt_id, Row(DRUG, -2, 300_000), "3", "1"), "2301 return")
    await step("2302", {"data": [{"feedetl_sn": "2", **stay}]})
    bill = stay_bill(hospital, who, mdtrt_id, [Row(DRUG, 8, 300_000)])
    await step("2303", {"data": bill | {"mid_setl_flag": "1"}}, "2303 before discharge")
    await hospital.discharge(who, mdtrt_id)
    await step("5202", {"data": stay})
    await step("2303", {"data": bill})
    info = (await step("2304", {"data": bill})).output["setlinfo"]
    await step("5203", {"data": {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}})
    await step("2305", {"data": {name: info[name] for name in ("setl_id", "mdtrt_id", "psn_no")}})
    await step("2405", {"data": stay})
    await step("2302", {"data": [{"feedetl_sn": "0000", **stay}]}, "2302 all")
    await step("2404", {"data": stay})
    return answers


async def clearing(hospital: Hospital, who: Patient) -> Answers:
    """A bill of remote care is looked up, left out of its month, and that taken back."""
    answers: Answers = {}
    setl_id, today = f"C{hospital.clock():%H%M%S%f}", hospital.clock().astimezone(BEIJING)
    journal = {
        "setlId": setl_id,
        "kind": "JOURNAL_KIND_SETTLE",
        "orderNo": f"O{setl_id}",
        "mdtrtId": f"M{setl_id}",
        "fixmedinsCode": hospital.code,
        "insuredArea": "370100",
        "careArea": "110000",
        "insutype": who.insutype,
        "clrType": "11",
        "setlTime": today.isoformat(),
        "setlDay": {"year": today.year, "month": today.month, "day": today.day},
        "billTotalFen": 100_000,
        "parts": [{"fundPayType": "310100", "amountFen": 70_000}, {"fundPayType": "310200", "amountFen": 5_000}],
    }
    await rest(hospital, "/v1/clearing/journals:collect", {"requestId": f"collect-{setl_id}", "journals": [journal]})
    month = {"trt_year": f"{today.year}", "trt_month": f"{today.month:02}"}
    answers["3260"] = await hospital.done("3260", {"data": month | {"startrow": 1}})
    said = {"mdtrt_id": f"M{setl_id}", "setl_sn": setl_id, "medfee_sumamt": 1000, "optins_pay_sumamt": 750}
    rows = {"data": month | {"totalrow": 1}, "detail": [said | {"cnfm_flag": "0"}]}
    answers["3261"] = await hospital.done("3261", rows)
    answers["3260 left out"] = await hospital.done("3260", {"data": month | {"startrow": 1}})
    otransid = answers["3261"].output["result"]["otransid"]
    answers["3262"] = await hospital.done("3262", {"data": month | {"otransid": otransid}})
    return answers


async def filings(hospital: Hospital, who: Patient) -> Answers:
    """A hospital sends somebody to Beijing, looks that up and takes it back; an operator files a move there instead."""
    answers: Answers = {}
    today = hospital.clock().astimezone(BEIJING).date()
    refmedin = {
        "psn_no": who.psn_no,
        "insutype": who.insutype,
        "tel": "13900000000",
        "diag_code": "I21.900",
        "diag_name": "急性心肌梗死",
        "reflin_medins_no": "H11010500901",
        "reflin_medins_name": "测试医院",
        "mdtrtarea_admdvs": "110105",
        "hosp_agre_refl_flag": "1",
        "refl_type": "3",
        "refl_date": f"{today}",
        "refl_rea": "病情需要",
        "refl_opnn": "同意转院",
        "begndate": f"{today}",
        "enddate": f"{today + timedelta(30)}",
    }
    answers["2501"] = await hospital.done("2501", {"refmedin": refmedin}, home=who.home)
    asked = {"psn_no": who.psn_no, "begntime": f"{today} 00:00:00", "endtime": f"{today} 23:59:59"}
    answers["5304"] = await hospital.done("5304", {"data": asked}, home=who.home)
    number = answers["2501"].output["result"]["trt_dcla_detl_sn"]
    taken_back = {"trt_dcla_detl_sn": number, "psn_no": who.psn_no, "memo": "患者要求"}
    answers["2502"] = await hospital.done("2502", {"data": taken_back}, home=who.home)
    answers["5304 after"] = await hospital.done("5304", {"data": asked}, home=who.home)
    filed = {"psnNo": who.psn_no, "kind": "FILING_KIND_LONG_TERM", "careAdmdvs": "110105"}
    made = await rest(hospital, "/v1/filings", {"requestId": f"file-{number}", **filed})
    await rest(hospital, "/v1/filings:list", {"psnNo": who.psn_no})
    await rest(hospital, "/v1/filings:find", {"psnNo": who.psn_no, "careAdmdvs": "110101"})
    gone = {"requestId": f"withdraw-{number}", "psnNo": who.psn_no, "filingNo": made["filing"]["filingNo"]}
    await rest(hospital, "/v1/filings:withdraw", gone)
    await rest(hospital, "/v1/insured-place:explain", {"query": {"psnNo": who.psn_no, "careAdmdvs": "110105"}})
    return answers


async def credential(hospital: Hospital, who: Patient) -> Answers:
    """An electronic credential from its activation to the settlement that spends it."""
    token = await ec_token(hospital, who)
    answers: Answers = {}
    shown = with_token(token)
    answers["1101"] = await hospital.done("1101", {"data": shown})
    node = await hospital.open_visit(who, BILL[:1], shown)
    answers["2206"] = await hospital.done("2206", {"data": node}, home=who.home)
    answers["2207"] = await hospital.done("2207", {"data": node}, home=who.home)
    return answers


async def refusals(hospital: Hospital, who: Patient) -> list[str]:
    """Messages that are refused on their way: by the gateway, by settlement, by identity."""
    node = await hospital.open_visit(who, BILL[:1])
    return [
        await hospital.refused("3101", {"data": {"psn_no": who.psn_no}}),
        await hospital.refused("1101", {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990000188001011235"}}),
        await hospital.refused("1101", {"data": {"mdtrt_cert_type": "02"}}),
        await hospital.refused("2207", {"data": node | {"medfee_sumamt": "1.00"}}, home=who.home),
        await hospital.refused("2207", {"data": node | {"mdtrt_cert_no": "990000188001011235"}}, home=who.home),
        await hospital.refused("2206", {"data": node | {"mdtrt_id": "0000"}}, home=who.home),
    ]


async def operator(hospital: Hospital, who: Patient) -> dict[str, Any]:
    """What an operator and the person look up over REST."""
    place = {"insuplcAdmdvs": who.home, "benefitYear": "2026"}
    own = {"psnNo": who.psn_no, "insutype": who.insutype}
    return {
        "account": await rest(hospital, "/v1/accounts:get", own),
        "accumulators": await rest(hospital, "/v1/accumulators:list", own | place),
        "ledger": await rest(hospital, "/v1/ledgers:verify", {}),
    }


async def ec_token(hospital: Hospital, who: Patient) -> str:
    """Activates the credential, shows a code and has the hospital decode it (6101)."""
    return decoded(await hospital.done("6101", {"InData": scan(hospital, await ec_code(hospital, who))}))


def decoded(answer: NationalAnswer) -> str:
    """The token in an answer of 6101."""
    return str(answer.output["OutData"]["ecToken"])


async def recognition(hospital: Hospital, who: Patient, code: str) -> Answers:
    """A report is told, the person agrees by showing a code, and what may be recognised is found with its report."""
    answers: Answers = {}

    async def step(infno: str, nodes: Mapping[str, Any]) -> NationalAnswer:
        answers[infno] = await hospital.done(infno, nodes, home=who.home)
        return answers[infno]

    number, day = f"BG{next(hospital.numbers):06}", hospital.moment()[:10]
    report = {
        "mdtrt_sn": number,
        "psn_no": who.psn_no,
        "rpotc_no": number,
        "rpotc_type_code": "01",
        "exam_part": "胸部",
        "exam_rpotc_name": "胸部CT平扫报告",
        "exam_date": day,
        "rpt_date": day,
        "exam_item_code": CHEST_CT,
        "exam_item_name": "X线计算机体层(CT)平扫",
        "exam_rslt_poit_flag": "1",
        "exam_rslt_abn": "1",
        "exam_ccls": "右肺上叶磨玻璃结节",
        "bilg_dr_name": "测试医师",
        "exe_org_name": "测试医院",
        "vali_flag": "1",
    }
    image = {
        "rpotc_no": number,
        "study_uid": f"2.25.{10**30 + next(hospital.numbers)}",
        "patient_id": number,
        "study_time": hospital.moment(),
        "modality": "CT",
        "series_count": 1,
        "image_count": 120,
    }
    item = {name: report[name] for name in ("rpotc_no", "exam_item_code", "exam_item_name")}
    await step("4501", {"examinfo": report, "iteminfo": [item], "sampleinfo": [], "imageinfo": [image]})
    await step("5461", {"data": {"psn_no": who.psn_no, **with_token(code)}})
    await step("5401", {"bilgiteminfo": {"psn_no": who.psn_no, "exam_item_code": CHEST_CT}})
    named = {"psn_no": who.psn_no, "rpotc_no": number, "fixmedins_code": hospital.code}
    await step("5402", {"rptdetailinfo": named})
    return answers


async def ec_code(hospital: Hospital, who: Patient) -> str:
    """A code on the person's phone, the credential being activated before if need be."""
    key = key_of("channel", CHANNEL)
    asked = {"channelCode": CHANNEL, "psnName": who.name, "psnCertType": "01", "certno": who.certno}
    await rest(hospital, "/v1/credentials:activate", asked | {"requestId": f"activate-{next(hospital.numbers)}"}, key)
    shown = await rest(hospital, "/v1/credentials:showCode", {"psnNo": who.psn_no}, key)
    return str(shown["ecQrCode"])


def scan(hospital: Hospital, code: str) -> dict[str, str]:
    """What a counter sends of a scanned code."""
    return {
        "orgId": hospital.code,
        "businessType": "01101",
        "operatorId": "0001",
        "operatorName": "测试操作员",
        "officeId": "A01",
        "officeName": "内科",
        "ecQrCode": code,
    }


def with_token(token: str) -> dict[str, str]:
    """The ecToken as a visit credential."""
    return {"mdtrt_cert_type": "01", "mdtrt_cert_no": token}


def benefit_query(hospital: Hospital, who: Patient, med_type: str = "11") -> dict[str, str]:
    """The node of 2001."""
    return {
        "psn_no": who.psn_no,
        "insutype": who.insutype,
        "fixmedins_code": hospital.code,
        "med_type": med_type,
        "begntime": hospital.moment(),
    }


def encounter_query(hospital: Hospital, who: Patient) -> dict[str, str]:
    """The node of 5201 around now."""
    times = {"begntime": hospital.moment(-2), "endtime": hospital.moment(2)}
    return {"psn_no": who.psn_no, **times, "med_type": "11", "mdtrt_id": ""}


def stay_bill(hospital: Hospital, who: Patient, mdtrt_id: str, rows: list[Row]) -> dict[str, Any]:
    """The data node of 2303 and 2304 as the national text has it."""
    node = hospital.bill(who, mdtrt_id, rows, mid_setl_flag="0")
    return {name: value for name, value in node.items() if name not in ("med_type", "chrg_bchno")}


def taken_back(hospital: Hospital, who: Patient, mdtrt_id: str, row: Row, number: str, of: str) -> dict[str, Any]:
    """The feedetail node of a return: a row with a negative count, and the line that it takes back."""
    nodes: dict[str, Any] = hospital.lines(who, mdtrt_id, [row], first=int(number), med_type="21")
    nodes["feedetail"][0] |= {"init_feedetl_sn": of, "medins_list_codg": f"Y{int(of):04d}"}
    return nodes
