"""Files of institutions: taken in once, compared line by line with what is booked, handed out to nobody else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import process_time

import pytest

from services.kernel.clock import to_micros
from services.kernel.errors import Fault
from services.kernel.money import fen_of_yuan
from services.settlement.domain.books.detail_files import MOST_ROWS, ONLY_HERE, ONLY_THERE, OTHERWISE, read_listed
from services.settlement.domain.books.files import COMPARED_FOR, KEPT_FOR, MOST_FILES
from services.settlement.operations.books.archives import text_of
from services.settlement.operations.books.statements import AskedTotals
from services.settlement.servicer.statements import bytes_of
from services.settlement.store import files
from tests.plans import scanned, statements_in
from tests.settlement.ordering import confirm, insured, open_bill, reverse_order, stamp_of
from tests.settlement.world import HOSPITAL, Still, World, sqlite_url, world_on

ALL = AskedTotals(HOSPITAL, (0, 1 << 60), "", "", "", "")


@pytest.fixture
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    sqlite = getattr(request, "param", "sqlite") == "sqlite"
    url = sqlite_url(tmp_path) if sqlite else str(request.getfixturevalue("postgres_database"))
    async with world_on(url, clock=Still()) as made:
        yield made


both = pytest.mark.parametrize(
    "world", ["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)], indirect=True
)


def zipped(text: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        made.writestr("detail.txt", text)
    return held.getvalue()


def result_of(content: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        return [line.split("\t") for line in made.read("result.txt").decode().splitlines()]


def line_of(row: Sequence[str], medfee: str = "") -> str:
    """A result's line as the institution would have uploaded it."""
    psn_no, mdtrt_id, setl_id, _, _, back, _, fee, fund, acct = row
    return "\t".join((setl_id, mdtrt_id, psn_no, medfee or fee, fund, acct, back))


@both
async def test_details_are_compared_and_every_line_says_what_it_is(world: World) -> None:
    for number, psn_no in (("O1-1", "P1"), ("O2-1", "P2"), ("O3-1", "P3"), ("O4-1", "P4")):
        one = await insured(world, psn_no)
        bill = world.order(one, await world.visit_with_fees(one, 20_000), 20_000, f"2207:{psn_no}")
        await open_bill(world, bill, number, opener="payment")
        await confirm(world, number, opener="payment")
    await reverse_order(world, "O4-1", opener="payment")
    desk, now = world.operations.files, world.clock()
    empty = await desk.upload(stamp_of("u0"), HOSPITAL, "none.txt", b"", now)
    whole = result_of((await desk.compare(stamp_of("c0"), ALL, empty.file_qury_no, now)).content)
    assert [(row[4], row[6]) for row in whole] == [("1", ONLY_HERE)] * 5
    assert sorted(row[5] for row in whole) == ["0", "0", "0", "0", "1"]
    assert {row[3] for row in whole[:4]} == {"P1", "P2", "P3", "P4"}
    # One equal, one with another sum, one left out; the counter-entry with sums above 0; one that is unknown here.
    back = [*whole[4]]
    back[7:] = [value.removeprefix("-") for value in back[7:]]
    lines = [
        line_of(whole[0]),
        line_of(whole[1], "1.00"),
        line_of(whole[3]),
        line_of(back),
        "S404\tM\tP\t1\t0\t0\t0",
        "",
    ]
    uploaded = await desk.upload(stamp_of("u1"), HOSPITAL, "d.zip", zipped("\r\n".join(lines).encode()), now)
    result = await desk.compare(stamp_of("c1"), ALL, uploaded.file_qury_no, now)
    told = {row[2]: (row[4], row[6]) for row in result_of(result.content)}
    assert told == {
        whole[0][2]: ("0", "null"),
        whole[1][2]: ("1", OTHERWISE),
        whole[2][2]: ("1", ONLY_HERE),
        whole[3][2]: ("0", "null"),
        whole[4][2]: ("0", "null"),
        "S404": ("1", ONLY_THERE),
    }
    settled = await desk.compare(stamp_of("c2"), replace(ALL, kind="settle", clr_type="21"), empty.file_qury_no, now)
    assert result_of(settled.content) == []
    # Of the first question, which was asked twice, the last answer stands: 3 equal, and the sums of the others.
    fen = [fen_of_yuan(row[7]) for row in whole]
    first, second = (await desk.comparisons((0, 1 << 60), None, 10)).entries
    assert (first.file_qury_no, first[8:]) == (result.file_qury_no, (3, 1, 1, 1, fen[1] + fen[2], 100 + 100))
    assert (second.file_qury_no, second.clr_type, second.refd_setl_flag, second[8:]) == (
        settled.file_qury_no,
        "21",
        "0",
        (0, 0, 0, 0, 0, 0),
    )


@both
async def test_comparisons_are_told_in_their_order_and_old_ones_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_COMPARED", 3)
    desk, now = world.operations.files, world.clock()
    for number in range(5):
        at = now + timedelta(seconds=number)
        empty = await desk.upload(stamp_of(f"u{number}"), HOSPITAL, "none.txt", b"", at)
        days = replace(ALL, days=(f"2026-11-0{number + 1}", "2026-11-30"))
        await desk.compare(stamp_of(f"c{number}"), days, empty.file_qury_no, at)
    span = (0, 1 << 60)
    page = await desk.comparisons(span, None, 2)
    assert page.end is not None
    rest = await desk.comparisons(span, (int(page.end[0]), str(page.end[1])), 2)
    assert [each.first_day[-1] for each in (*page.entries, *rest.entries)] == ["3", "4", "5"]
    assert rest.end is None
    late = to_micros(now + timedelta(seconds=4))
    assert [each.first_day[-1] for each in (await desk.comparisons((0, late), None, 9)).entries] == ["3", "4"]
    after = now + COMPARED_FOR + timedelta(seconds=4)
    empty = await desk.upload(stamp_of("late"), HOSPITAL, "none.txt", b"", after)
    await desk.compare(stamp_of("later"), ALL, empty.file_qury_no, after)
    assert [each.first_day for each in (await desk.comparisons(span, None, 9)).entries] == [""]


async def test_a_file_is_kept_once_for_a_week_and_for_its_institution(world: World) -> None:
    desk, now = world.operations.files, world.clock()
    first = await desk.upload(stamp_of("u1", "a"), HOSPITAL, "a.txt", b"x", now)
    assert await desk.upload(stamp_of("u1", "a"), HOSPITAL, "a.txt", b"x", now) == first
    with pytest.raises(Fault, match="REQUEST_ID_REUSED"):
        await desk.upload(stamp_of("u1", "b"), HOSPITAL, "a.txt", b"y", now)
    assert (await desk.find(HOSPITAL, first.file_qury_no, now)).content == b"x"
    for institution, moment in (("H99", now), (HOSPITAL, now + KEPT_FOR + timedelta(seconds=1))):
        with pytest.raises(Fault, match="FILE_NOT_FOUND"):
            await desk.find(institution, first.file_qury_no, moment)


@both
async def test_of_too_many_files_an_institution_loses_its_own_oldest(world: World) -> None:
    desk, now = world.operations.files, world.clock()
    others = await desk.upload(stamp_of("u"), "H99", "a.txt", b"x", now)
    kept = [
        await desk.upload(stamp_of(f"u{each}"), HOSPITAL, "a.txt", b"x", now + timedelta(seconds=each))
        for each in range(MOST_FILES + 2)
    ]
    for lost in kept[:2]:
        with pytest.raises(Fault, match="FILE_NOT_FOUND"):
            await desk.find(HOSPITAL, lost.file_qury_no, now)
    for each, institution in ((kept[2], HOSPITAL), (kept[-1], HOSPITAL), (others, "H99")):
        assert await desk.find(institution, each.file_qury_no, now) == each


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"PK\x03\x04no zip", "file.zip"),
        (b"S1\tM1\tP1\t1.00\t0.00\t0.00", "file.line"),
        (b"S1\tM1\tP1\t1.001\t0.00\t0.00\t0", "file.line"),
        (b"S1\tM1\tP1\t1.00\t0.00\t0.00\t2", "file.line"),
        (b"\xff\xff\xff", "file.text"),
        # A bomb of bzip2 or LZMA is unpacked whole, and what is damaged in one is an error of another kind.
        (zipped(b"x" * 1000, zipfile.ZIP_BZIP2), "file.zip"),
        (zipped(b"x" * 1000, zipfile.ZIP_LZMA), "file.zip"),
        (b"\n" * MOST_ROWS + b"x", "file.rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(content: bytes, rule: str) -> None:
    with pytest.raises(Fault) as refused:
        read_listed(text_of(content))
    assert (refused.value.reason, refused.value.violations[0].rule) == ("FILE_MALFORMED", rule)


def test_empty_lines_and_values_without_end_take_no_time() -> None:
    begun = process_time()
    assert read_listed("\n" * 10_000_000) == []
    with pytest.raises(Fault, match="FILE_MALFORMED"):
        read_listed("\t" * 10_000_000)
    assert process_time() - begun < 0.5


def test_what_is_uploaded_is_base64() -> None:
    assert bytes_of("YQ ==\n") == b"a"
    with pytest.raises(Fault, match="FILE_MALFORMED"):
        bytes_of("no base64!")
    assert read_listed(text_of("S1\tnull\tP1\t-1.00\t0\t0\t1\n".encode("gbk")))[0].mdtrt_id == ""


async def test_no_statement_reads_a_whole_table(world: World) -> None:
    assert await scanned(world.database, statements_in(files)) == []
