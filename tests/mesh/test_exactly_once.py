"""A message settles once, however often it comes: repeated, at the same moment, after a restart, after the mesh was killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx
import pytest
import pytest_asyncio

from gateway.national.transactions import Transactions, known_titles
from services.kernel.clock import system_clock
from services.runtime.contract import Contract
from services.runtime.forms import Effect
from tests.mesh import journeys
from tests.mesh.hospital import DRUG, Exchange, Hospital, fen, hospital_at
from tests.mesh.seeds import seed_requests
from tests.mesh.world import Sandbox, small_sandbox
from tools.cli.mesh_client import MeshClient, NationalAnswer
from tools.played.messages import Row, patient_of
from tools.played.people import person
from tools.running import HOST, RunningMesh, settings, start, stop
from yibao.settlement.v1 import ledger_pb2

BILL: Final = [Row(DRUG, 1, 50_000)]
"""500.00 yuan of class A."""

BILLS: Final = 24
PEOPLE: Final = 6
KEY: Final = "the key of a mesh that will be killed"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    async with small_sandbox(tmp_path_factory.mktemp("once")) as made:
        yield made


def one_output(answers: Sequence[NationalAnswer]) -> str:
    """The output that all answers share, byte for byte."""
    assert [each.message for each in answers] == [""] * len(answers)
    (output,) = {each.output_text for each in answers}
    return output


def writes(journal: Sequence[Exchange]) -> list[Exchange]:
    """Those messages of the national interface that changed something."""
    table = Transactions(Contract.of_mesh(), known_titles())
    return [
        each
        for each in journal
        if not each.name.startswith("/") and table.find(each.name, "INFNO").method.effect is not Effect.READ
    ]


async def same_again(hospital: Hospital, journal: Sequence[Exchange], **decoration: str) -> list[str]:
    """Sends messages as they were sent before, in this decoration; the numbers of those whose output is another now."""
    changed = []
    for each in journal:
        repeated = await hospital.http.post("/fsi", json=each.sent | decoration)
        if Exchange(each.name, each.sent, repeated.text).answer.output_text != each.answer.output_text:
            changed.append(each.name)
    return changed


class TestRepeat:
    async def test_every_message_that_wrote_is_answered_the_same_however_the_story_went_on(self, town: Sandbox) -> None:
        hospital = town.hospital.at(town.hospital.code, town.hospital.name, town.hospital.place)
        hospital.journal = []
        visitor, guest = await town.newcomers.many(2)
        await journeys.out_patient(hospital, visitor)
        await journeys.in_patient(hospital, guest)
        told = writes(hospital.journal)
        written = {"2201", "2203", "2203A", "2204", "2205", "2207", "2208", "2202", "9001", "9002"}
        assert {each.name for each in told} >= written | {
            "2301",
            "2302",
            "2304",
            "2305",
            "2401",
            "2402",
            "2404",
            "2405",
        }
        assert await same_again(hospital, told) == []
        of_the_next_shift = {"opter": "99", "opter_name": "夜班", "opter_type": "2"}
        assert await same_again(hospital, told, **of_the_next_shift, insuplc_admdvs="", mdtrtarea_admvs="") == []

    async def test_the_operator_who_is_kept_is_the_first(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, BILL)
        await hospital.send("2207", {"data": done.node}, msgid=done.msgid, home=who.home, decoration={"opter": "99"})
        query = {"data": done.reference}
        assert (await hospital.done("5203", query)).output["setlinfo"]["opter_id"] != "99"

    @pytest.mark.parametrize("region", ["insuplc_admdvs", "mdtrtarea_admvs"])
    async def test_a_region_left_out_says_what_it_resolves_to_and_another_one_is_other_content(
        self, town: Sandbox, region: str
    ) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node, msgid = await hospital.open_visit(who, BILL), hospital.next_msgid()
        told = []
        for said in ("", "990100", "", "110100"):
            decoration = {region: said}
            told.append(await hospital.send("2207", {"data": node}, msgid=msgid, decoration=decoration))
        assert told[3].message.startswith("[REQUEST_ID_REUSED]")
        one_output(told[:3])

    async def test_decoration_of_the_envelope_is_not_content(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, BILL)
        dressed = {"inf_time": "2030-01-01 00:00:00", "sign_no": "4711", "dev_no": "9", "infver": "1.0.0"}
        bill = {"data": done.node}
        again = await hospital.send("2207", bill, msgid=done.msgid, home=who.home, decoration=dressed)
        assert again.output_text == done.answer.output_text

    @pytest.mark.parametrize("change", [{"medfee_sumamt": "500.01"}, {"acct_used_flag": "0"}, {"invono": "1"}])
    async def test_other_content_under_the_same_number_is_a_conflict(
        self, town: Sandbox, change: dict[str, str]
    ) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, BILL)
        reason = await hospital.refused("2207", {"data": {**done.node, **change}}, msgid=done.msgid, home=who.home)
        assert reason == "REQUEST_ID_REUSED"

    async def test_a_refused_message_may_be_corrected_under_its_number(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node, msgid = await hospital.open_visit(who, BILL), hospital.next_msgid()
        assert (
            await hospital.refused("2207", {"data": node | {"medfee_sumamt": "1"}}, msgid=msgid) == "FEE_SUM_MISMATCH"
        )
        await hospital.done("2207", {"data": node}, msgid=msgid)

    async def test_the_same_number_at_another_hospital_is_another_message(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        other = hospital.at("H99010000002", "测试二医院", "990100")
        msgid = hospital.next_msgid()
        settled = []
        for each in (hospital, other):
            node = await each.open_visit(who, BILL)
            settled.append(await each.settle(node, msgid=msgid))
        assert settled[0].info["setl_id"] != settled[1].info["setl_id"]


class TestAtTheSameMoment:
    async def test_identical_messages_settle_once_and_are_answered_alike(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node, msgid = await hospital.open_visit(who, BILL), hospital.next_msgid()
        one_output(await hospital.at_once("2207", [{"data": node}] * 30, msgid, who.home))
        assert await balance(town, who.psn_no) == 100_000 - 50_000

    @pytest.mark.parametrize("infno", ["2201", "2204", "2401", "2208"])
    async def test_so_it_is_with_every_other_message(self, town: Sandbox, infno: str) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        done = await hospital.visit(who, BILL)
        visit = {"psn_no": who.psn_no, "insutype": "310", "begntime": hospital.moment(), "ipt_otp_no": "SAME"}
        nodes = {
            "2201": {"data": visit | who.id_card},
            "2204": hospital.lines(who, done.info["mdtrt_id"], BILL, "B0002", first=2),
            "2401": hospital.admission(who),
            "2208": {"data": done.reference},
        }
        one_output(await hospital.at_once(infno, [nodes[infno]] * 12, hospital.next_msgid()))

    async def test_of_two_contents_under_one_number_one_settles(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node, msgid = await hospital.open_visit(who, BILL), hospital.next_msgid()
        nodes = [{"data": node | {"invono": str(number % 2)}} for number in range(10)]
        answers = await hospital.at_once("2207", nodes, msgid)
        settled = [each for each in answers if each.succeeded]
        assert len(settled) == 5
        one_output(settled)
        assert {each.message[:20] for each in answers if not each.succeeded} == {"[REQUEST_ID_REUSED] "}

    async def test_a_bill_sent_under_many_numbers_settles_once(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node = await hospital.open_visit(who, BILL)
        answers = await hospital.at_once("2207", [{"data": node}] * 10)
        assert len([each for each in answers if each.succeeded]) == 1
        assert {each.message[:15] for each in answers if not each.succeeded} == {"[BATCH_SETTLED]"}

    async def test_bills_of_one_person_are_decided_one_after_the_other(self, town: Sandbox) -> None:
        await bills_of_one_person(town)

    async def test_a_bill_settled_and_taken_back_at_once_ends_in_one_of_both(self, town: Sandbox) -> None:
        hospital, who = town.hospital, await town.newcomers.one()
        node, msgid = await hospital.open_visit(who, BILL), hospital.next_msgid()
        name = {"psn_no": who.psn_no, "omsgid": msgid, "oinfno": "2207"}
        settled, taken_back = await asyncio.gather(
            hospital.send("2207", {"data": node}, msgid=msgid), hospital.send("2601", {"data": name})
        )
        voided = settled.message.startswith("[MESSAGE_VOIDED]")
        assert voided == taken_back.message.startswith("[MESSAGE_NOT_ARRIVED]")
        assert settled.succeeded == taken_back.succeeded == (not voided)
        assert await balance(town, who.psn_no) == 100_000


async def bills_of_one_person(town: Sandbox) -> None:
    """Twelve bills at the same moment: deductible, pool and account as if they had come one by one."""
    hospital, who = town.hospital, await town.newcomers.one()
    nodes = [{"data": await hospital.open_visit(who, BILL)} for _ in range(12)]
    answers = await hospital.at_once("2207", nodes, home=who.home)
    assert [each.message for each in answers] == [""] * 12
    told = [each.output["setlinfo"] for each in answers]
    assert sum(fen(each["act_pay_dedc"]) for each in told) == 180_000
    assert sum(fen(each["hifp_pay"]) for each in told) == (12 * 50_000 - 180_000) * 7 // 10
    assert sum(fen(each["acct_pay"]) for each in told) == 100_000
    assert len({each["setl_id"] for each in told}) == 12
    assert await balance(town, who.psn_no) == 0


async def balance(town: Sandbox, psn_no: str) -> int:
    """What stands in the person's account, in fen."""
    request = ledger_pb2.GetAccountRequest(psn_no=psn_no, insutype="310")
    answer = await town.mesh.call("yibao.settlement.v1.LedgerService.GetAccount", request)
    return int(answer.balance_fen)


async def test_the_ledger_holds_together_after_all_this(town: Sandbox) -> None:
    assert await town.ledger_findings() == []


async def outlived(folder: Path, overrides: Mapping[str, str]) -> None:
    """A mesh that is stopped and started again answers every message as it did."""
    async with small_sandbox(folder, overrides) as town:
        visitor, guest = await town.newcomers.many(2)
        await journeys.out_patient(town.hospital, visitor)
        await journeys.in_patient(town.hospital, guest)
        await bills_of_one_person(town)
        node, msgid = await town.hospital.open_visit(visitor, BILL), town.hospital.next_msgid()
        one_output(await town.hospital.at_once("2207", [{"data": node}] * 30, msgid, visitor.home))
        told = writes(town.hospital.journal)
    async with small_sandbox(folder, overrides, seeded=False) as town:
        assert await same_again(town.hospital, told) == []
        again = await town.hospital.settle(node, msgid=msgid, home=visitor.home)
        counter = await town.hospital.done("2208", {"data": again.reference})
        assert fen(counter.output["setlinfo"]["balc"]) == 100_000
        assert await town.ledger_findings() == []


async def test_after_a_restart_every_message_is_answered_the_same(tmp_path: Path) -> None:
    await outlived(tmp_path, {})


async def test_so_it_is_on_postgresql_with_several_commits_at_the_same_moment(
    tmp_path: Path, postgres_database: str
) -> None:
    several = {"YIBAO_COMMIT_WORKERS": "3", "YIBAO_MAX_BATCH": "4"}
    await outlived(tmp_path, several | {"YIBAO_DATABASE_URL": postgres_database})


class TestKilled:
    """The members' process is killed in the middle of its work, and the mesh started again on what it left."""

    async def test_what_was_answered_stands_once_and_what_was_not_may_be_sent_again(self, tmp_path: Path) -> None:
        await killed_in_the_middle(tmp_path, {})

    @pytest.mark.torture
    @pytest.mark.parametrize("kill", range(3))
    async def test_so_it_is_on_postgresql(self, tmp_path: Path, postgres_database: str, kill: int) -> None:
        await killed_in_the_middle(tmp_path, {"YIBAO_DATABASE_URL": postgres_database})


async def killed_in_the_middle(folder: Path, overrides: Mapping[str, str]) -> None:
    """Kills the members while bills are settled, and settles all of them again."""
    values = settings(folder, KEY, own_ports=True) | {"YIBAO_MAX_BATCH": "4"} | dict(overrides)
    mesh = await asyncio.to_thread(start, values)
    try:
        await asyncio.to_thread(seed_small_world, mesh.url)
        async with hospital_at(mesh.url, system_clock) as hospital:
            bills = await prepared(hospital)
            answered = await settled_until_killed(hospital, bills, mesh)
        await asyncio.to_thread(wait_until_gone, mesh.url, f"http://{HOST}:{values['YIBAO_OPERATIONS_PORT']}")
    finally:
        stop(mesh.process)
    assert 0 < len(answered) < BILLS
    mesh = await asyncio.to_thread(start, values)
    try:
        async with hospital_at(mesh.url, system_clock) as hospital:
            again = await asyncio.gather(*(hospital.done("2207", node, msgid=msgid) for msgid, node in bills.items()))
            outputs = {msgid: each.output_text for msgid, each in zip(bills, again, strict=True)}
        assert {msgid: outputs[msgid] for msgid in answered} == answered
        assert len({each.output["setlinfo"]["setl_id"] for each in again}) == BILLS
        with MeshClient(mesh.url, KEY) as client:
            checked = client.call("yibao.settlement.v1.LedgerService.VerifyLedger", ledger_pb2.VerifyLedgerRequest())
        assert (list(checked.findings), checked.settlements_checked) == ([], BILLS)
    finally:
        stop(mesh.process)


def wait_until_gone(*urls: str) -> None:
    """Until the gateway of killed members has ended too, and left both of its ports."""
    with httpx.Client(timeout=1.0, trust_env=False) as client:
        for _ in range(200):
            if not any(answers(client, url) for url in urls):
                return
            time.sleep(0.05)
    pytest.fail("the gateway outlives its members")


def answers(client: httpx.Client, url: str) -> bool:
    """Whether anybody listens there."""
    try:
        client.get(f"{url}/livez")
    except httpx.HTTPError:
        return False
    return True


def seed_small_world(url: str) -> None:
    """The small world, by REST."""
    with MeshClient(url, KEY) as client:
        for method, request in seed_requests(PEOPLE):
            client.call(method, request)


async def prepared(hospital: Hospital) -> dict[str, dict[str, object]]:
    """Nodes of bills ready to be settled, by the message number under which each will be."""
    people = [patient_of(person(number + 1)) for number in range(PEOPLE)]
    nodes = await asyncio.gather(*(hospital.open_visit(people[number % PEOPLE], BILL) for number in range(BILLS)))
    return {hospital.next_msgid(): {"data": node} for node in nodes}


async def settled_until_killed(
    hospital: Hospital, bills: dict[str, dict[str, object]], mesh: RunningMesh
) -> dict[str, str]:
    """Sends all bills, kills the members at the first answer; the outputs of those that were answered nevertheless."""
    answered: dict[str, str] = {}

    async def settle(msgid: str, node: dict[str, object]) -> None:
        try:
            answer = await hospital.send("2207", node, msgid=msgid)
        except httpx.HTTPError:
            return
        if answer.succeeded:
            mesh.process.kill()
            answered[msgid] = answer.output_text
        else:
            # The gateway outlives the members by a moment, and says that they are gone.
            assert "PEER_UNAVAILABLE" in answer.message

    await asyncio.gather(*(settle(msgid, node) for msgid, node in bills.items()))
    return answered
