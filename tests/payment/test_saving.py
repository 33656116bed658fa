"""A bill that is being saved when its process dies leaves no visit open, and takes back none of the window's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.kernel.clock import to_micros
from services.kernel.errors import Fault, FaultKind
from services.payment.domain.orders import Bill, PayOrder
from services.payment.domain.phases import Phase
from services.payment.operations.books import Write
from services.payment.operations.saving import AskedBill
from services.payment.peers.bills import Bills
from services.payment.peers.catalogue import KnownInstitutions
from tests.payment.order_fakes import Crash, House
from yibao.catalogue.v1 import catalogue_pb2
from yibao.settlement.v1 import encounter_pb2

SAVED = datetime(2026, 11, 30, 4, tzinfo=UTC)
BILL = Bill("P1", "310", "", "B1", 11, "11", "01", 1, 10_000, stay=False, ipt_otp_no="OP1")


def order() -> PayOrder:
    moment = to_micros(SAVED)
    place = ("O1", "H11010000001", "HIS1", "digest", 1, "01", "110100")
    return PayOrder(*place, BILL, True, Phase.SAVING, moment, moment, moment)


async def test_a_visit_whose_number_was_not_written_down_is_taken_back(house: House) -> None:
    asked = AskedBill("H11010000001", "HIS1", "digest", 1, "01", "110100", BILL, "", True, None)
    submit, writes = house.books.submit, list[Write]()

    async def dies(write: Write) -> bool:
        writes.append(write)
        if len(writes) > 1:
            raise Crash
        return await submit(write)

    house.books.submit = dies
    with pytest.raises(Crash):
        await house.saving.save(house.stamp(), asked)
    house.books.submit = submit
    (number,) = house.bills.visits
    saving = await house.books.order(number)
    assert saving is not None
    assert (saving.phase, saving.bill.mdtrt_id) == (Phase.SAVING, "")
    assert (saving.charged_fen, saving.refunded_fen, saving.paid_at) == (0, 0, 0)
    after = await house.rests(saving)
    assert (after.phase, after.bill.mdtrt_id) == (Phase.REVOKED, f"M-{number}")
    assert house.bills.cancelled == [f"M-{number}"]


class Encounters:
    """Settlement as a test has it: the encounters that it lists."""

    def __init__(self, *told: tuple[str, str, timedelta]) -> None:
        self.listed = encounter_pb2.ListEncountersResponse()
        self.asked: list[Any] = []
        for mdtrt_id, ipt_otp_no, after in told:
            each = self.listed.mdtrtinfo.add(mdtrt_id=mdtrt_id, ipt_otp_no=ipt_otp_no)
            each.opt_time.FromDatetime(SAVED + after)

    def stub(self, stub_class: object, member: str) -> Any:
        class Stub:
            def __getattr__(self, name: str) -> str:
                return name

        return Stub()

    async def call(self, method: str, request: Any) -> Any:
        assert method == "ListEncounters"
        self.asked.append(request)
        return self.listed


async def test_only_the_visit_that_was_registered_meanwhile_under_the_number_is_the_orders() -> None:
    second = timedelta(seconds=1)
    told = [("V1", "OP1", -60 * second), ("V2", "OP2", second), ("V3", "OP1", second), ("V4", "OP1", 3_600 * second)]
    peers: Any = Encounters(*told)
    assert await Bills(peers, None).find_visit(order()) == "V3"  # type: ignore[arg-type]  # nobody is asked elsewhere
    assert peers.asked[0].data.psn_no == "P1"
    assert peers.asked[0].desk.fixmedins_code == "H11010000001"
    peers = Encounters(*told[:2], told[3])
    assert await Bills(peers, None).find_visit(order()) == ""  # type: ignore[arg-type]  # as above


class Catalogue(Encounters):
    """A catalogue as a test has it: institutions that it knows, or the fault that it answers with."""

    def __init__(self, *known: str) -> None:
        super().__init__()
        self.known, self.fault = known, ""

    async def call(self, method: str, request: Any, timeout_s: float | None = None) -> Any:
        self.asked.append([*request.fixmedins_codes])
        if self.fault:
            raise Fault(FaultKind.UNAVAILABLE, self.fault)
        told = catalogue_pb2.BatchGetInstitutionsResponse()
        for each in request.fixmedins_codes:
            outcome = told.outcomes.add()
            if each in self.known:
                outcome.institution.fixmedins_code = each
        return told


async def refused(check: Callable[[str], Awaitable[None]], code: str) -> str:
    try:
        await check(code)
    except Fault as fault:
        return fault.reason
    return ""


async def test_an_institution_that_the_catalogue_does_not_have_is_refused_and_one_that_is_published_is_found() -> None:
    passed, catalogue = [0.0], Catalogue("H11010000001")
    peers: Any = catalogue
    check = KnownInstitutions(peers, lambda: SAVED, lambda: passed[0]).check
    assert [await refused(check, each) for each in ("H11010000001", "H11010000001", "H1", "H1")] == [
        "",
        "",
        "INSTITUTION_UNKNOWN",
        "INSTITUTION_UNKNOWN",
    ]
    assert catalogue.asked == [["H11010000001"], ["H1"]], "each is asked for once"
    catalogue.known, passed[0] = ("H1",), 3.0
    assert [await refused(check, each) for each in ("H1", "H11010000001")] == ["", ""]
    catalogue.fault = "PEER_UNAVAILABLE"
    assert await refused(check, "H2") == "", "a catalogue that is away refuses nobody"
    catalogue.fault = "UNAUTHENTICATED"
    assert await refused(check, "H2") == "UNAUTHENTICATED"


async def test_an_authorisation_for_an_institution_that_does_not_exist_is_not_kept(house: House) -> None:
    stamp = house.stamp()
    with pytest.raises(Fault) as unknown:
        await house.saving.authorise(stamp, "P1", "X11010000001", "AUTH1")
    assert unknown.value.reason == "INSTITUTION_UNKNOWN"
    assert await house.books.standing(stamp) is None
    assert (await house.saving.authorise(stamp, "P1", "H11010000001", "AUTH1")).fixmedins_code == "H11010000001"
