"""Every case at every channel. A new channel costs one line here; where a case means nothing, data say why (`cases.LACKS`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.payment.suite import cases_ending, cases_notifying, cases_paying, cases_proving, cases_refunding
from tests.payment.suite.cases import CASES, Case, Subject
from tests.payment.suite.party import (
    APP,
    CODE,
    MIXED,
    NATIVE,
    AlipayParty,
    BankParty,
    CashParty,
    NationalParty,
    WeChatParty,
)
from tests.payment.suite.shop import opened
from tests.payment.suite.stage import Stage, stage
from tests.torture.victim import show

SUBJECTS: Final = (
    Subject(WeChatParty, MIXED),
    Subject(AlipayParty, MIXED),
    Subject(BankParty),
    Subject(NationalParty, APP),
    Subject(CashParty, twin=False),
)
OTHER_FORMS: Final = tuple(Subject(party, form) for party in (WeChatParty, AlipayParty) for form in (CODE, NATIVE, APP))
LEAST: Final = 40
"""Cases of a channel with a provider."""
OF_DRAWER: Final = 25
ROOMS: Final = (cases_paying, cases_notifying, cases_ending, cases_refunding, cases_proving)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stages(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[Subject, Stage]]:
    """The stages that were asked for, each set once."""
    async with AsyncExitStack() as open_:
        made = Stages(tmp_path_factory.mktemp("suite"), open_)
        yield made


class Stages(dict[Subject, Stage]):
    """Stages by subject."""

    def __init__(self, folder: Path, open_: AsyncExitStack) -> None:
        super().__init__()
        self._folder, self._open = folder, open_

    async def of(self, subject: Subject) -> Stage:
        """The stage of a channel."""
        if subject not in self:
            folder = self._folder / str(subject)
            folder.mkdir()
            program = subject.party.name if subject.twin else ""
            self[subject] = await self._open.enter_async_context(
                stage(subject.party, subject.form, folder, program=program)
            )
        return self[subject]


def chosen(number: int, case: Case) -> Subject:
    """The channel at which `make test` plays a case: by turns, so that each channel has some of them."""
    able = [each for each in SUBJECTS if not each.why_not(case) and case.at in ("", each.party.name)]
    return able[number % len(able)]


def played() -> Iterator[object]:
    """Every case at every channel that it means something for; all but one of each are left to `make torture`."""
    for subject in (*SUBJECTS, *OTHER_FORMS):
        for number, case in enumerate(CASES):
            if not subject.why_not(case):
                marks = () if subject == chosen(number, case) else pytest.mark.torture
                yield pytest.param(subject, case, marks=marks, id=f"{subject}-{case.name}")


def test_every_channel_plays_the_suite_or_says_why_not() -> None:
    assert len(CASES) >= LEAST
    assert len({case.name for case in CASES}) == len(CASES)
    for subject in (*SUBJECTS, *OTHER_FORMS):
        told = Counter(subject.why_not(case) for case in CASES)
        lines = [f"{many:3} {why or 'played'}" for why, many in told.most_common()]
        show(f"{subject}: " + "; ".join(lines))
        assert told[""] >= (LEAST if subject.twin else OF_DRAWER)


@pytest.mark.parametrize(("subject", "case"), [*played()])
async def test_a_case_at_a_channel(stages: Stages, subject: Subject, case: Case) -> None:
    set_ = await stages.of(subject)
    async with set_.case():
        await case.play(opened(set_))
