"""The scenes: what hospitals send on one day each, so that every served transaction is answered in one of them.

A scene has people of its own, so that none depends on what another one settled. It only plays; the goldens say what is answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tests.goldens.town import Money, Town
from tests.mesh import journeys, paying, statements
from tests.mesh.hospital import DRUG, SECOND_DRUG, Hospital
from tests.mesh.journeys import BILL
from tools.played.messages import Patient, Row

Scene = Callable[[Town], Awaitable[None]]

NANCHANG: Final = ("H36010200901", "洪城示范医院", "360102")
HANGZHOU: Final = ("H33010600902", "杭州测试医院", "330106")
BEIJING: Final = ("H11010100901", "京华示范医院", "110101")
DECODER: Final = "/localcfc/api/hsecfc/localQrCodeQuery"
DIALYSIS: Final = {"dise_codg": "M07803", "dise_name": "慢性肾功能不全(血透治疗)"}
HYPERTENSION: Final = {"dise_codg": "M03900", "dise_name": "高血压病"}
DOSES: Final = [Row(DRUG, 2, 300_000), Row(SECOND_DRUG, 1, 100_000)]


async def visit(town: Town) -> None:
    """A visit from sign-in to sign-out, settled, looked up and undone step by step."""
    who = await town.person(1)
    await journeys.out_patient(town.desk(who), who)


async def stay(town: Town) -> None:
    """A stay with a return, settled and undone until nothing is left of it."""
    who = await town.person(2)
    await journeys.in_patient(town.desk(who), who)


async def interim(town: Town) -> None:
    """A stay settled before its end and at its end; what was settled last is undone first."""
    who = await town.person(3)
    hospital = town.desk(who)
    mdtrt_id, first, second = await hospital.admit(who), [Row(DRUG, 4, 500_000)], [Row(DRUG, 2, 500_000)]
    await hospital.done("2301", hospital.lines(who, mdtrt_id, first, med_type="21"))
    before = await hospital.settle(hospital.bill(who, mdtrt_id, first, mid_setl_flag="1"), "2304")
    await hospital.done("2301", hospital.lines(who, mdtrt_id, second, first=5, med_type="21"))
    await hospital.refused("2304", {"data": hospital.bill(who, mdtrt_id, second)})
    await hospital.discharge(who, mdtrt_id)
    last = await hospital.settle(hospital.bill(who, mdtrt_id, second), "2304")
    await hospital.done("5203", {"data": last.reference})
    await hospital.refused("2305", {"data": before.reference})
    for each in (last, before):
        await hospital.done("2305", {"data": each.reference})


async def family(town: Town) -> None:
    """A visit and a stay that the account of a relative pays after the own one, each undone again."""
    owner = await town.person(4, "330100", money=Money(1_000_000, 30_000))
    who = await town.person(5, "330100", owner=owner, money=Money(30_050))
    hospital = town.desk(who, *HANGZHOU)
    done = await hospital.visit(who, [Row(DRUG, 2, 100_000)])
    await hospital.done("1101", {"data": owner.id_card})
    await hospital.done("2208", {"data": done.reference})
    await hospital.done("1101", {"data": owner.id_card})
    mdtrt_id = await hospital.admit(who)
    await hospital.done("2301", hospital.lines(who, mdtrt_id, DOSES, med_type="21"))
    await hospital.discharge(who, mdtrt_id)
    bill = hospital.bill(who, mdtrt_id, DOSES)
    await hospital.done("2303", {"data": bill})
    settled = await hospital.settle(bill, "2304")
    await hospital.done("5203", {"data": settled.reference})
    await hospital.done("2305", {"data": settled.reference})


async def chronic(town: Town) -> None:
    """Out-patient care of chronic and special diseases: one of class I, and one of class II up to what a year pays for it."""
    who = await town.person(6, "360100")
    hospital = town.desk(who, *NANCHANG)
    for disease in (DIALYSIS, HYPERTENSION, HYPERTENSION):
        await _special(hospital, who, disease)
    await hospital.done("5206", {"data": {"psn_no": who.psn_no}})


async def _special(hospital: Hospital, who: Patient, disease: Mapping[str, str]) -> None:
    """A visit for a disease, tried and settled."""
    visitor = await hospital.done("2201", {"data": hospital.visitor(who)})
    mdtrt_id = str(visitor.output["data"]["mdtrt_id"])
    nodes: dict[str, Any] = hospital.visit_nodes(who, mdtrt_id, "14")
    nodes["mdtrtinfo"] |= disease
    await hospital.done("2203", nodes)
    await hospital.done("2204", hospital.lines(who, mdtrt_id, DOSES, dise_codg=disease["dise_codg"]))
    bill = hospital.bill(who, mdtrt_id, DOSES, med_type="14")
    await hospital.done("2206", {"data": bill})
    await hospital.settle(bill)


async def reversal(town: Town) -> None:
    """The last of two bills goes first; afterwards both, and the messages that made them, tell what became of them."""
    who = await town.person(7)
    hospital = town.desk(who)
    first, second = [await hospital.visit(who, BILL) for _ in range(2)]
    await hospital.refused("2208", {"data": first.reference})
    for each in (second, first):
        counter = await hospital.done("2208", {"data": each.reference})
        await hospital.done("2208", {"data": each.reference})
        info = counter.output["setlinfo"]
        for asked in (each.reference, each.reference | {"setl_id": info["setl_id"]}):
            await hospital.done("5203", {"data": asked})
        await hospital.settle(each.node, msgid=each.msgid)
    await hospital.done("5204", {"data": first.reference | {"setl_id": ""}})
    await hospital.done("5206", {"data": {"psn_no": who.psn_no}})


async def taken_back(town: Town) -> None:
    """The provincial numbers of a trial and a settlement; a message is taken back, and one that never came is void."""
    who = await town.person(8)
    hospital = town.desk(who)
    node = await hospital.open_visit(who, BILL)
    await hospital.done("2206A", {"data": node})
    settled = await hospital.settle(node, "2207A")
    name = {"psn_no": who.psn_no, "oinfno": "2207A"}
    for _ in range(2):
        await hospital.done("2601", {"data": name | {"omsgid": settled.msgid}})
    lost = hospital.next_msgid()
    await hospital.refused("2601", {"data": name | {"omsgid": lost}})
    await hospital.refused("2207A", {"data": node}, msgid=lost)
    await hospital.settle(node)


async def remote_visit(town: Town) -> None:
    """A visit of somebody whom another cell insures."""
    who = await town.resident(21)
    await journeys.out_patient(town.desk(who), who)


async def remote_stay(town: Town) -> None:
    """A stay of somebody whom another cell insures."""
    who = await town.resident(22)
    await journeys.in_patient(town.desk(who), who)


async def referred(town: Town) -> None:
    """Somebody of another pooling area of the own cell: unfiled, then referred there, and the referral taken back."""
    who = await town.person(9, "360100")
    home, away = town.desk(who, *NANCHANG), town.desk(who, *HANGZHOU)
    bill = await away.open_visit(who, BILL)
    await away.done("2206", {"data": bill})
    day = home.moment()[:10]
    referral = {
        "psn_no": who.psn_no,
        "insutype": who.insutype,
        "diag_code": "I21.900",
        "diag_name": "急性心肌梗死",
        "reflin_medins_no": away.code,
        "reflin_medins_name": away.name,
        "mdtrtarea_admdvs": away.place,
        "hosp_agre_refl_flag": "1",
        "refl_type": "3",
        "refl_date": day,
        "refl_rea": "病情需要",
        "refl_opnn": "同意转院",
        "begndate": day,
        "enddate": day,
    }
    filed = await home.done("2501", {"refmedin": referral})
    asked = {"psn_no": who.psn_no, "begntime": f"{day} 00:00:00", "endtime": f"{day} 23:59:59"}
    await home.done("5304", {"data": asked})
    settled = await away.settle(bill)
    await away.done("2208", {"data": settled.reference})
    number = filed.output["result"]["trt_dcla_detl_sn"]
    await home.done("2502", {"data": {"trt_dcla_detl_sn": number, "psn_no": who.psn_no, "memo": "患者要求"}})
    await home.done("5304", {"data": asked})


async def clearing(town: Town) -> None:
    """A bill of remote care is looked up, left out of its month, and that taken back."""
    who = await town.person(10)
    await journeys.clearing(town.desk(who, *BEIJING), who)


async def orders(town: Town) -> None:
    """An order from its bill to its refund, one that is revoked, and one that is paid and not to be revoked."""
    who = await town.person(11)
    hospital = town.desk(who)
    await paying.has_a_key(hospital)
    await paying.journey(hospital, who)
    saved, split = await paying.placed(hospital, who)
    await hospital.done("6301", {"data": paying.named(hospital, saved, who)})
    await paying.paid(hospital, saved)
    await hospital.done("6203", {"data": paying.refund_of(saved, split, "R2", "CASH", "1.00")})
    await hospital.refused("6401", {"data": paying.named(hospital, saved, who)})


async def credential(town: Town) -> None:
    """An electronic credential is scanned by both decoders, shown, and spent by a settlement."""
    who = await town.person(12)
    hospital = town.desk(who)
    scanned = journeys.scan(hospital, await journeys.ec_code(hospital, who))
    await hospital.post({"orgId": scanned.pop("orgId"), "transType": "ec.query", "data": scanned, "extra": {}}, DECODER)
    await journeys.credential(hospital, who)
    shown = journeys.with_token(await journeys.ec_token(hospital, who))
    await hospital.visit(who, BILL[:1], shown)
    await hospital.refused("1101", {"data": shown})


async def recognition(town: Town) -> None:
    """A report is told and recognised."""
    who = await town.person(13)
    await town.told_to_routing()
    hospital = town.desk(who)
    await journeys.recognition(hospital, who, await journeys.ec_code(hospital, who))


async def reconciliation(town: Town) -> None:
    """Totals of a day that are equal and that are not, details line by line, and the file of what they come to."""
    who = await town.person(14, "110000")
    hospital = town.desk(who, *BEIJING)
    settled, lost = [await hospital.visit(who, rows) for rows in (BILL, BILL[:1])]
    counter = (await hospital.done("2208", {"data": lost.reference})).output["setlinfo"]
    days = dict.fromkeys(("stmt_begndate", "stmt_enddate"), hospital.moment()[:10])
    totals = statements.totals_of(settled.info, 3) | days
    await hospital.done("3201", {"data": totals})
    await hospital.done("3201", {"data": totals | {"fixmedins_setl_cnt": 2}})
    kept = await statements.uploaded(hospital, [(settled.info, "0"), (counter, "1")])
    asked = {**days, "file_qury_no": kept["file_qury_no"], "cash_payamt": 0, "fixmedins_setl_cnt": 2}
    asked |= {name: totals[name] for name in ("setl_optins", "clr_type", "medfee_sumamt", "fund_pay_sumamt")}
    result = (await hospital.done("3202", {"data": asked})).output["fileinfo"]
    file = {"file_qury_no": result["file_qury_no"], "filename": result["filename"], "fixmedins_code": "plc"}
    await hospital.post(hospital.envelope("9102", {"fsDownloadIn": file}))
    await hospital.refused("9102", {"fsDownloadIn": file | {"file_qury_no": "F0"}})


async def refusals(town: Town) -> None:
    """Messages that are refused on their way: by the gateway, by settlement, by identity."""
    who = await town.person(15)
    await journeys.refusals(town.desk(who), who)


SCENES: Final[Mapping[str, Scene]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            *(visit, stay, interim, family, chronic, reversal, taken_back, remote_visit, remote_stay, referred),
            *(clearing, orders, credential, recognition, reconciliation, refusals),
        )
    }
)
"""In the order of their days; one that is added stands last, so that no other's day changes."""
