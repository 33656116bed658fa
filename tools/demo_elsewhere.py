"""The part of the demo that crosses cells: somebody insured in Shandong is treated in Beijing, the same bill three ways, and
a month's clearing of it. The hospital sends what it sends for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from services.runtime.wire import day_message
from tools import demo_story as story
from tools.cli import clearing
from tools.cli.language import Words
from tools.cli.mesh_client import HospitalClient, MeshClient, NationalAnswer
from tools.demo_told import print_lines, print_split, same, send, signed_in, title
from tools.running import RunningMesh
from yibao.routing.v1 import clearing_notice_pb2, clearing_pb2, filing_pb2, registry_pb2

_FILINGS: Final = "yibao.routing.v1.FilingService"
_CLEARING: Final = "yibao.routing.v1.ClearingService"
_SERIAL: Final = 5000
"""The hospitals have sent messages in the sandbox's cell before, perhaps in this second."""
_SHOWN: Final = ("inscp_scp_amt", "act_pay_dedc", "fund_pay_sumamt", "psn_part_amt")


class Elsewhere:
    """One stay in Beijing of a person whom Shandong insures."""

    def __init__(self, mesh: RunningMesh, words: Words) -> None:
        self._mesh = mesh
        self._words = words

    def play(self) -> str:
        """Plays the stay and the clearing of its month; the msgid of the settlement that stands."""
        key, urls = self._mesh.operator_key, self._mesh.urls
        with MeshClient(urls[story.CARE_CELL], key) as care, MeshClient(urls[story.INSURED_CELL], key) as home:
            standing = self._stay(care, home)
            self._month(care, standing)
        return str(standing.output["setlinfo"]["medins_setl_id"])

    def _stay(self, care: MeshClient, home: MeshClient) -> NationalAnswer:
        """The settlement that stands in the end."""
        title(
            "6 · 济南职工在北京住院，同一张账单三种备案 · a Shandong resident in Beijing: one bill, filed in three ways"
        )
        patient, bill = story.TRAVELLER, story.STAY_ELSEWHERE
        hospital, at_home = (
            signed_in(care, story.BEIJING_HOSPITAL, _SERIAL),
            signed_in(home, story.JINAN_HOSPITAL, _SERIAL),
        )
        self._explain(care)
        admitted = _send(hospital, "2401", story.admission(patient))
        mdtrt_id = str(admitted.output["result"]["mdtrt_id"])
        uploaded = _send(hospital, "2301", {"feedetail": story.stay_rows(bill, mdtrt_id, patient, "B0001")})
        print_lines(bill, uploaded.output["result"])
        _send(hospital, "2402", story.discharge(patient, mdtrt_id))
        node = {"data": story.stay_bill(patient, mdtrt_id, bill)}
        print()
        unfiled = self._settle(care, hospital, node, story.NOT_FILED)
        _reverse(hospital, unfiled)
        _send(at_home, "2501", story.referral(patient))
        referred = self._settle(care, hospital, node, story.REFERRED)
        _reverse(hospital, referred)
        self._file(home)
        filed = self._settle(care, hospital, node, story.FILED)
        print_split(filed)
        _compare(((story.NOT_FILED, unfiled), (story.REFERRED, referred), (story.FILED, filed)))
        return filed

    def _explain(self, care: MeshClient) -> None:
        query = registry_pb2.InsuredQuery(
            psn_no=story.TRAVELLER.psn_no,
            care_admdvs=story.BEIJING_HOSPITAL.admdvs,
            day=day_message(story.DAY),
        )
        request = registry_pb2.ExplainRequest(query=query)
        told = care.call("yibao.routing.v1.RegistryService.Explain", request, story.DAY)
        print(f"  {story.TRAVELLER.name}: {told.text_zh}\n  {told.text_en}\n")

    def _file(self, home: MeshClient) -> None:
        request = filing_pb2.FileCareRequest(
            request_id="demo-filing",
            psn_no=story.TRAVELLER.psn_no,
            kind=filing_pb2.FILING_KIND_LONG_TERM,
            care_admdvs=story.BEIJING_HOSPITAL.admdvs,
            filed_from=day_message(story.DAY),
        )
        home.call(f"{_FILINGS}.FileCare", request, story.DAY)

    def _settle(
        self, care: MeshClient, hospital: HospitalClient, node: Mapping[str, object], way: story.Way
    ) -> NationalAnswer:
        found = care.call(
            f"{_FILINGS}.FindFiling",
            filing_pb2.FindFilingRequest(
                psn_no=story.TRAVELLER.psn_no,
                care_admdvs=story.BEIJING_HOSPITAL.admdvs,
                day=day_message(story.DAY),
            ),
            story.DAY,
        )
        number = f" {found.filing.filing_no}" if found.reason == "FILED" else ""
        print(f"  {way.name}: {found.reason}{number} → 2303, 2304")
        tried = _send(hospital, "2303", node)
        settled = _send(hospital, "2304", node)
        for name in _SHOWN:
            same(name, tried.output["setlinfo"][name], settled.output["setlinfo"][name])
        return settled

    def _month(self, care: MeshClient, standing: NationalAnswer) -> None:
        """What Shandong owes Beijing for the month: three settlements and two reversals, of which the last one stands."""
        title("7 · 当月清算 · the month's clearing of it")
        taken = clearing_notice_pb2.TakeNoticesRequest(request_id="demo-notices")
        care.call("yibao.routing.v1.ClearingNoticeService.TakeNotices", taken, story.DAY)
        run = clearing_pb2.RunClearingRequest(request_id="demo-clearing")
        care.call(f"{_CLEARING}.RunClearing", run, story.NETTING_DAY)
        month = f"{story.DAY:%Y-%m}"
        (pair,) = care.call(f"{_CLEARING}.GetMonth", clearing_pb2.GetMonthRequest(month=month)).statements
        info = standing.output["setlinfo"]
        same("settlements and reversals", (3, 2), (pair.settled_count, pair.reversed_count))
        same("what is cleared", info["fund_pay_sumamt"] + info["acct_pay"], Decimal(pair.amount_fen) / 100)
        print(f"  {pair.insured_region} → {pair.care_region}: 3 settlements 结算, 2 reversals 撤销")
        clearing.run(care, month, self._words)


def _send(hospital: HospitalClient, infno: str, nodes: Mapping[str, object]) -> NationalAnswer:
    return send(hospital, story.TRAVELLER.insuplc_admdvs, infno, nodes)


def _reverse(hospital: HospitalClient, settled: NationalAnswer) -> None:
    """Takes a settlement back, so that the next one begins with the same year."""
    info = settled.output["setlinfo"]
    names = ("setl_id", "mdtrt_id", "psn_no")
    counter = _send(hospital, "2305", {"data": {name: info[name] for name in names}}).output["setlinfo"]
    same("reversed fund_pay_sumamt", -info["fund_pay_sumamt"], counter["fund_pay_sumamt"])
    print(f"    2305 → {counter['fund_pay_sumamt']}")


def _compare(told: Sequence[tuple[story.Way, NationalAnswer]]) -> None:
    """The three settlements side by side, and why they differ: what of each ratio the policy of home leaves."""
    whole = told[-1][1].output["setlinfo"]
    print()
    for way, answer in told:
        info = answer.output["setlinfo"]
        funds, own = info["fund_pay_sumamt"], info["psn_part_amt"]
        print(f"  {way.name}: 基金 funds {funds}, 个人 person {own}\n    {way.why}")
        # The basic pool is the first; it alone is lessened here.
        print(f"    {answer.output['setldetail'][0]['setl_proc_info']}")
        for name in ("inscp_scp_amt", "act_pay_dedc"):
            same(f"{way.name} {name}", whole[name], info[name])
        same(way.name, whole["fund_pay_sumamt"] * way.left_percent / 100, Decimal(funds))
