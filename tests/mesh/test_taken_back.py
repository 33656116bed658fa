"""What was taken back never looks as if it stood: late messages, queries and cancellations at the national and the REST face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.mesh import journeys
from tests.mesh.hospital import DRUG, Hospital, Settled, rest
from tests.mesh.world import Sandbox
from tools.cli.mesh_client import NationalAnswer
from tools.played.messages import Patient, Row
from tools.sandbox_keys import key_of

BILL = [Row(DRUG, 1, 50_000)]


async def counter_of(town: Sandbox) -> Hospital:
    """A counter of the hospital with an operator signed in and a journal of its own."""
    hospital = town.hospital.at(town.hospital.code, town.hospital.name, town.hospital.place)
    await hospital.sign_in()
    hospital.journal = []
    return hospital


async def settled_stay(hospital: Hospital, who: Patient) -> Settled:
    """A stay from admission to its settlement."""
    mdtrt_id = await hospital.admit(who)
    await hospital.done("2301", hospital.lines(who, mdtrt_id, BILL), home=who.home)
    await hospital.discharge(who, mdtrt_id)
    return await hospital.settle(hospital.bill(who, mdtrt_id, BILL), "2304", who.home)


async def taken_back(hospital: Hospital, who: Patient, how: str) -> tuple[Settled, str]:
    """A settlement and the number of the counter-entry that took it back by 2208, 2305 or 2601."""
    stay = how.startswith("stay")
    done = await (settled_stay(hospital, who) if stay else hospital.visit(who, BILL))
    infno = how.rsplit(maxsplit=1)[-1]
    if infno == "2601":
        name = {"psn_no": who.psn_no, "omsgid": done.msgid, "oinfno": "2304" if stay else "2207"}
        await hospital.done("2601", {"data": name}, home=who.home)
    counter = await hospital.done("2305" if stay else "2208", {"data": done.reference}, home=who.home)
    return done, str(counter.output["setlinfo"]["setl_id"])


def warned(answer: NationalAnswer) -> str:
    """The warning of an answer that succeeded."""
    assert answer.succeeded, answer.message
    return str(answer.body["warn_msg"] or "")


class TestSettlements:
    @pytest.mark.parametrize("how", ["visit 2208", "visit 2601", "stay 2305", "stay 2601"])
    async def test_a_late_duplicate_is_answered_as_before_and_says_that_it_was_reversed(
        self, town: Sandbox, how: str
    ) -> None:
        hospital, who = await counter_of(town), await town.newcomers.one()
        done, counter = await taken_back(hospital, who, how)
        infno = "2304" if how.startswith("stay") else "2207"
        late = await hospital.send(
            infno, {"data": done.node}, msgid=done.msgid, home=who.home, decoration={"sign_no": "S404"}
        )
        assert late.output_text == done.answer.output_text
        reversal, sign_in = warned(late).split("；")[:2]
        assert reversal.startswith("[SETTLEMENT_REVERSED] ")
        assert counter in reversal
        assert sign_in.startswith("[SIGN_NO_UNKNOWN]")

    async def test_every_query_agrees_after_a_reversal(self, town: Sandbox) -> None:
        hospital, who = await counter_of(town), await town.newcomers.one()
        cumulations = {"data": {"psn_no": who.psn_no, "cum_ym": ""}}
        before = [
            (await hospital.done("5206", cumulations, home=who.home)).output_text,
            (await hospital.done("1101", {"data": who.id_card}, home=who.home)).output_text,
        ]
        done = await hospital.visit(who, BILL)
        encounters = {"data": journeys.encounter_query(hospital, who)}
        listed = (await hospital.done("5201", encounters, home=who.home)).output["mdtrtinfo"]
        counter = (await hospital.done("2208", {"data": done.reference}, home=who.home)).output["setlinfo"]
        original = await hospital.done("5203", {"data": done.reference}, home=who.home)
        assert warned(original).startswith("[SETTLEMENT_REVERSED] ")
        assert counter["setl_id"] in warned(original)
        told = original.output["setlinfo"]
        assert told["refd_setl_flag"] == "1"
        assert {name: told[name] for name in done.info} == done.info
        negative = await hospital.done(
            "5203", {"data": done.reference | {"setl_id": counter["setl_id"]}}, home=who.home
        )
        assert warned(negative).startswith("[SETTLEMENT_REVERSES] ")
        assert done.info["setl_id"] in warned(negative)
        assert negative.output["setlinfo"]["refd_setl_flag"] == "1"
        assert negative.output["setlinfo"]["medfee_sumamt"] == -told["medfee_sumamt"] < 0
        lines = await hospital.done("5204", {"data": done.reference}, home=who.home)
        assert (len(lines.output["data"]), counter["setl_id"] in warned(lines)) == (1, True)
        unsettled = await hospital.done("5204", {"data": done.reference | {"setl_id": ""}}, home=who.home)
        assert ([row["setl_id"] for row in unsettled.output["data"]], warned(unsettled)) == ([None], "")
        assert len((await hospital.done("5201", encounters, home=who.home)).output["mdtrtinfo"]) == len(listed) == 1
        assert before == [
            (await hospital.done("5206", cumulations, home=who.home)).output_text,
            (await hospital.done("1101", {"data": who.id_card}, home=who.home)).output_text,
        ]
        by_rest = await rest(hospital, "/v1/settlements:get", asked(hospital, done.reference), institution(hospital))
        assert (by_rest["reversedBy"], by_rest.get("reverses", "")) == (counter["setl_id"], "")
        of_counter = asked(hospital, done.reference | {"setl_id": counter["setl_id"]})
        by_rest = await rest(hospital, "/v1/settlements:get", of_counter, institution(hospital))
        assert (by_rest.get("reversedBy", ""), by_rest["reverses"]) == ("", done.info["setl_id"])

    async def test_a_settlement_that_stands_has_no_flag_and_no_warning(self, town: Sandbox) -> None:
        hospital, who = await counter_of(town), await town.newcomers.one()
        done = await hospital.visit(who, BILL)
        found = await hospital.done("5203", {"data": done.reference}, home=who.home)
        assert (found.output["setlinfo"]["refd_setl_flag"], warned(found)) == ("0", "")
        late = await hospital.settle(done.node, home=who.home, msgid=done.msgid)
        assert warned(late.answer) == ""


def asked(hospital: Hospital, reference: Mapping[str, Any]) -> dict[str, Any]:
    """The REST request for a settlement."""
    return {"desk": {"fixmedinsCode": hospital.code}, "data": dict(reference)}


def institution(hospital: Hospital) -> str:
    """The key by which the hospital calls REST."""
    return key_of("institution", hospital.code)


class TestMessages:
    async def test_2601_of_what_never_came_fails_under_any_number_and_rest_says_it_in_a_field(
        self, town: Sandbox
    ) -> None:
        hospital, who = await counter_of(town), await town.newcomers.one()
        name = {"psn_no": who.psn_no, "omsgid": hospital.next_msgid(), "oinfno": "2304"}
        msgid = hospital.next_msgid()
        for number in (msgid, msgid, hospital.next_msgid()):
            assert await hospital.refused("2601", {"data": name}, msgid=number, home=who.home) == "MESSAGE_NOT_ARRIVED"
        told = []
        for request_id in ("back 1", "back 1", "back 2"):
            body = {"requestId": request_id + name["omsgid"], "desk": {"fixmedinsCode": hospital.code}, "data": name}
            told.append(await rest(hospital, "/v1/messages:reverse", body, institution(hospital)))
        assert {each["outcome"] for each in told} == {"MESSAGE_OUTCOME_NOT_ARRIVED"}

    async def test_2601_of_a_wrong_name_tells_the_right_one_and_the_settlement_stands(self, town: Sandbox) -> None:
        hospital, who = await counter_of(town), await town.newcomers.one()
        done = await hospital.visit(who, BILL)
        wrong = ({"omsgid": done.msgid, "oinfno": "2304"}, {"omsgid": done.info["setl_id"], "oinfno": "2207"})
        for name in wrong:
            answer = await hospital.send("2601", {"data": {"psn_no": who.psn_no, **name}}, home=who.home)
            assert answer.message.startswith("[MESSAGE_MISNAMED] ")
            assert f"交易2207的{done.msgid}" in answer.message
        found = await hospital.done("5203", {"data": done.reference}, home=who.home)
        assert (found.output["setlinfo"]["refd_setl_flag"], warned(found)) == ("0", "")
        name = {"psn_no": who.psn_no, "omsgid": done.msgid, "oinfno": "2207"}
        counters = {warned(await hospital.done("2601", {"data": name}, home=who.home)) for _ in range(2)}
        (told,) = counters
        counter = await hospital.done("2208", {"data": done.reference}, home=who.home)
        assert done.info["setl_id"] in told
        assert counter.output["setlinfo"]["setl_id"] in told


class TestCancellations:
    async def test_each_succeeds_a_second_time_and_what_it_undid_says_so(self, town: Sandbox) -> None:
        hospital, (visitor, guest) = await counter_of(town), await town.newcomers.many(2)
        await journeys.out_patient(hospital, visitor)
        await journeys.in_patient(hospital, guest)
        sent: dict[str, Any] = {}
        for each in hospital.journal:
            sent.setdefault(each.name, each)
        for infno in ("2202", "2205", "2302", "2404", "9002"):
            await hospital.done(infno, sent[infno].sent["input"])
        warnings = {}
        for infno in ("2201", "2203", "2204", "2301", "2401", "2402", "2405", "9001", "2202", "2208"):
            again = await hospital.send(infno, {}, decoration=sent[infno].sent)
            assert again.output_text == sent[infno].answer.output_text
            warnings[infno] = warned(again)[1:].partition("]")[0]
        assert warnings == {
            **dict.fromkeys(("2201", "2203", "2401", "2405"), "ENCOUNTER_CANCELLED"),
            **dict.fromkeys(("2204", "2301"), "FEES_CANCELLED"),
            "2402": "DISCHARGE_UNDONE",
            "9001": "SIGNED_OUT",
            **dict.fromkeys(("2202", "2208"), ""),
        }

    async def test_an_undone_discharge_is_undone_again_without_harm(self, town: Sandbox) -> None:
        hospital, who = await counter_of(town), await town.newcomers.one()
        stay = {"mdtrt_id": await hospital.admit(who), "psn_no": who.psn_no}
        await hospital.discharge(who, stay["mdtrt_id"])
        for _ in range(2):
            await hospital.done("2405", {"data": stay}, home=who.home)
        await hospital.discharge(who, stay["mdtrt_id"])
