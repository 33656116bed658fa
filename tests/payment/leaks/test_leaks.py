"""No word of a bill leaves to a channel: every journey is played at every channel with planted bills, and all that was sent, and
all that the channel's twin received and decrypted, is searched.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from services.kernel.clock import beijing_day
from services.payment.channels import wechat_gateway, wechat_words
from services.payment.domain.orders import RefundKind
from services.payment.domain.phases import Phase
from services.runtime.masking import Sealed
from services.runtime.outgoing import SentRequest
from tests.payment.leaks.planting import WHO, PlantedShop, fields_to_plant, opened
from tests.payment.leaks.searching import Searcher
from tests.payment.suite.cases import CASES, Case, Subject, paid, placed
from tests.payment.suite.party import CODE, MIXED
from tests.payment.suite.shop import CASH
from tests.payment.suite.stage import Stage
from tests.payment.suite.test_suite import OTHER_FORMS, SUBJECTS, Stages
from yibao.payment.v1 import fee_upload_pb2

EVERYWHERE = (*SUBJECTS, *OTHER_FORMS)
APART_S = 5.0
"""Some channels want seconds between two refunds of a charge."""
ANSWERS = ("", "OUTCOME_UNKNOWN")
LEAST_CALLS = 4
"""Kinds of requests of a journey: a POS has the fewest."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stages]:
    async with AsyncExitStack() as open_:
        yield Stages(tmp_path_factory.mktemp("leaks"), open_)


@dataclass
class Told:
    """All that a channel was told of one case: as bytes that were sent or received, and what was sealed in them."""

    sent: list[bytes] = field(default_factory=list)
    inside: list[bytes] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)

    @staticmethod
    def of(stage: Stage, before: int) -> Told:
        """What the stage has sent, and what its twin has kept since it had kept so many."""
        told = Told()
        for each in stage.sent:
            told.sent += _bytes_of(each)
            told.inside.append(json.dumps(_plain(each.plain), ensure_ascii=False, default=str).encode())
            told.calls.add(f"{each.method} {each.url.partition('?')[0]} {(each.plain or {}).get('method', '')}")
        for line in () if stage.twin is None else stage.twin.stand.records.kept()[before:]:
            (told.inside if "opened" in line else told.sent).append(json.dumps(line, ensure_ascii=False).encode())
        return told

    def found(self, words: set[str]) -> tuple[set[str], set[str]]:
        """The words that stand in what anybody on the way could read, and those that stand inside of what was sealed, too."""
        searcher = Searcher(words)
        clear = {word for each in set(self.sent) for word in searcher.found(each)}
        return clear, clear | {word for each in set(self.inside) for word in searcher.found(each)}


def _bytes_of(sent: SentRequest) -> Iterator[bytes]:
    yield f"{sent.method} {sent.url}\n{dict(sent.headers)}".encode()
    yield sent.body


def _plain(told: Any) -> Any:
    """What a request says, what is sealed in it too."""
    match told:
        case Sealed():
            return told.plain
        case dict():
            return {name: _plain(value) for name, value in told.items()}
        case list() | tuple():
            return [_plain(value) for value in told]
    return told


async def journeys(shop: PlantedShop) -> None:
    """Paid and given back in parts, paid and given back whole, revoked before anybody paid; and the bill of the day."""
    await paid(shop)
    for kind, cash, number in (
        (RefundKind.CASH, 1_000, "A1"),
        (RefundKind.INSURED, 0, "A2"),
        (RefundKind.CASH, CASH - 1_000, "A3"),
    ):
        assert await shop.refund(kind, cash, number) in ANSWERS
        await shop.ended(Phase.PAID)
        shop.on(APART_S)
    await paid(shop)
    assert await shop.refund(RefundKind.ALL, CASH) in ANSWERS
    await shop.ended(Phase.PAID)
    if shop.form != CODE:
        await placed(shop)
        assert await shop.revoke() in ANSWERS
        await shop.ended(Phase.REVOKED)
    merchant, today = shop.merchant_of(await shop.charge()), beijing_day(shop.clock())
    shop.stage.next_day()
    await shop.channel.bill(merchant, today)


async def told_of(stage: Stage, case: Any) -> tuple[Told, PlantedShop]:
    """What a channel is told while a case is played with planted bills."""
    before = 0 if stage.twin is None else len(stage.twin.stand.records.kept())
    async with stage.case():
        shop = opened(stage)
        await case(shop)
        order = await shop.books.order(shop.order_no)
        shop.last_no = order.charge_no if order is not None else ""
        told = Told.of(stage, before)
        told.sent += shop.answers
        return told, shop


def everywhere() -> Iterator[object]:
    """Every channel in each of its forms; those of a plain trade are left to `make torture`."""
    for subject in EVERYWHERE:
        yield pytest.param(subject, marks=pytest.mark.torture if subject in OTHER_FORMS else (), id=str(subject))


@pytest.mark.parametrize("subject", [*everywhere()])
async def test_no_word_of_a_bill_is_told_on_any_journey(stages: Stages, subject: Subject) -> None:
    told, shop = await told_of(await stages.of(subject), journeys)
    number = shop.last_no
    assert len(shop.words) >= 2 * len(fields_to_plant(fee_upload_pb2.FeeUpload.DESCRIPTOR))
    clear, anywhere = told.found({*shop.words, *WHO, number})
    assert anywhere & shop.words == set()
    # Who it is leaves sealed to the channel that settles with the bureau, or not at all.
    assert clear & set(WHO) == set()
    assert bool(anywhere & set(WHO)) == (subject.party.name == "wechat" and subject.form == MIXED)
    # Our own number, which each channel is told, is found there: what is searched is what was told.
    assert number in anywhere if subject.twin else told.sent == []
    if subject.party.name == "national":
        assert number not in clear  # All of its envelope is sealed by SM4.
    assert len(told.calls) >= (LEAST_CALLS if subject.twin else 0), told.calls


def all_of_the_suite() -> Iterator[object]:
    """Every case at every channel that is told something."""
    for subject in EVERYWHERE:
        for case in CASES if subject.twin else ():
            if not subject.why_not(case):
                yield pytest.param(subject, case, id=f"{subject}-{case.name}")


@pytest.mark.torture
@pytest.mark.parametrize(("subject", "case"), [*all_of_the_suite()])
async def test_no_word_of_a_bill_is_told_in_any_case_of_the_suite(stages: Stages, subject: Subject, case: Case) -> None:
    told, shop = await told_of(await stages.of(subject), case.play)
    clear, anywhere = told.found({*shop.words, *WHO})
    assert anywhere & shop.words == set()
    assert clear & set(WHO) == set()


@pytest.mark.parametrize("way", ["subject", "name", "header", "sealed"])
async def test_a_word_that_does_leave_is_found(stages: Stages, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    stage = await stages.of(SUBJECTS[0])
    before = len(stage.twin.stand.records.kept()) if stage.twin is not None else 0
    async with stage.case():
        shop = opened(stage)
        order = await shop.tried()
        word = min(shop.words)
        match way:
            case "subject":
                monkeypatch.setattr(wechat_words, "_SUBJECT", f"费用 {word}")
            case "name":
                shop.begin(replace(shop.party.account(stage.notify_url(), 1), fixmedins_name=word))
            case "header":
                monkeypatch.setattr(wechat_gateway, "SCHEME", f"WECHATPAY2-SHA256-RSA2048 {quote(word)}")
            case "sealed":
                monkeypatch.setattr(wechat_words, "digest_of", lambda _: word)
        await shop.pay()
        clear, anywhere = Told.of(stage, before).found({word})
        assert anywhere == {word}, order.phase
        assert clear == (set() if way == "sealed" else {word})
