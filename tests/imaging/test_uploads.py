"""What becomes of entries, on real stores."""

from __future__ import annotations

import pytest

from services.imaging.domain.entries import EntryResult
from services.kernel.errors import Fault
from tests.imaging.conftest import House, key_of
from tests.imaging.entries import HOSPITAL, OTHER_NODE, OTHER_PSN_NO, PSN_NO, move, uid, upsert, withdrawal


async def of_person(house: House, psn_no: str) -> list[str]:
    """UIDs of what is found of a person, the newest first."""
    async with house.store.read() as work:
        return [each.uid for each in await work.search.of_persons([key_of(psn_no)])]


async def test_a_batch_is_kept_and_found_by_person_and_a_repeat_changes_nothing(house: House) -> None:
    batch = (upsert(1), upsert(2, psn_no=OTHER_PSN_NO), upsert(3, study_date="20260302"))
    assert await house.results(*batch) == ["ACCEPTED"] * 3
    assert await house.results(*batch) == ["UNCHANGED"] * 3
    assert await of_person(house, PSN_NO) == [uid(3), uid(1)]
    assert await of_person(house, OTHER_PSN_NO) == [uid(2)]
    assert await house.uploads.watermark("SD01") == 3


async def test_what_is_read_back_is_what_was_told(house: House) -> None:
    await house.upload(upsert(1, study_id="S1", report_hash="ab" * 32))
    async with house.store.read() as work:
        (kept,) = await work.search.of_uids([uid(1)])
        series = (await work.search.series([kept.ref]))[kept.ref]
    study = kept.study
    assert study is not None
    assert (study.fixmedins_code, study.study_date, study.study_time) == (HOSPITAL, "20260301", "093015")
    assert (study.modalities, study.series_count, study.instance_count) == (("CT",), 1, 120)
    assert (study.study_id, study.report_hash, study.accession_no) == ("S1", "ab" * 32, "A1")
    assert [(each.series_instance_uid, each.modality, each.instance_count) for each in series] == [
        (f"{uid(1)}.1", "CT", 120)
    ]


async def test_a_sequence_that_jumps_is_refused_with_the_watermark_and_nothing_is_kept(house: House) -> None:
    await house.upload(upsert(1))
    for batch in ((upsert(3),), (upsert(2), upsert(4)), (upsert(2), upsert(2, 5)), (upsert(0),)):
        with pytest.raises(Fault, match="SEQUENCE_GAP") as refused:
            await house.upload(*batch)
        assert refused.value.metadata["watermark"] == "1"
    assert await of_person(house, PSN_NO) == [uid(1)]


async def test_a_poisoned_entry_does_not_hold_up_its_batch(house: House) -> None:
    bad = upsert(2, modalities=["ZZ"])
    assert await house.results(upsert(1), bad, upsert(3)) == ["ACCEPTED", "REJECTED entry.modality", "ACCEPTED"]
    assert await house.uploads.watermark("SD01") == 3
    assert set(await of_person(house, PSN_NO)) == {uid(1), uid(3)}


async def test_a_number_that_no_enumeration_has_is_told_by_its_own_field_and_rule(house: House) -> None:
    uploaded = await house.upload(upsert(1, availability=9), upsert(2, recognition=9), upsert(3, operation=9))
    assert [(each.refused.field, each.refused.rule) for each in uploaded.outcomes if each.refused] == [
        ("study.availability", "entry.known"),
        ("study.recognition", "entry.known"),
        ("operation", "entry.operation"),
    ]


async def test_what_no_answer_could_tell_again_is_refused(house: House) -> None:
    """A count that is none of 32 bits, and characters that are none of XML, would break every answer with the study."""
    large = upsert(1)
    large.series[0].instance_count = 2**31 - 1
    late = upsert(4)
    late.source_time.seconds = 2**62
    told = await house.results(large, upsert(2, description="a\ufffe"), upsert(3, patient_name="A^B\uffff"), late)
    assert told == [f"REJECTED entry.{rule}" for rule in ("instances", "text", "name", "moment")]


async def test_a_name_is_kept_as_its_node_tells_it(house: House) -> None:
    await house.upload(upsert(1, patient_name="ZHÀNG^San=張^三"))
    async with house.store.read() as work:
        (kept,) = await work.search.of_uids([uid(1)])
    assert kept.study is not None
    assert kept.study.patient_name == "ZHÀNG^San=張^三"


async def test_the_change_log_tells_what_became_of_an_entry_that_was_mended(house: House) -> None:
    await house.upload(upsert(1), upsert(2, modalities=["ZZ"]))
    assert await house.results(upsert(1), upsert(2)) == ["UNCHANGED", "ACCEPTED"]
    async with house.store.read() as work:
        rows = await work.search._connection.fetch("SELECT seq, result FROM imaging_change ORDER BY seq")
    assert [tuple(each) for each in rows] == [(1, int(EntryResult.ACCEPTED)), (2, int(EntryResult.ACCEPTED))]


async def test_higher_versions_replace_lower_ones_in_whatever_order_they_come(house: House) -> None:
    assert await house.results(upsert(1, 7, version=2, description="更正")) == ["ACCEPTED"]
    assert await house.results(upsert(2, 7, version=1)) == ["STALE"]
    assert await house.results(upsert(3, 7, version=2, description="不同")) == ["REJECTED entry.version_reused"]
    assert await house.results(upsert(4, 7, version=3, series=[])) == ["REJECTED entry.series"]
    async with house.store.read() as work:
        (kept,) = await work.search.of_uids([uid(7)])
    assert kept.study is not None
    assert (kept.version, kept.study.description) == (2, "更正")


async def test_a_withdrawn_study_leaves_a_tombstone_and_stands_again_with_a_higher_version(house: House) -> None:
    await house.upload(upsert(1, 7))
    assert await house.results(withdrawal(2, 7, 2)) == ["ACCEPTED"]
    assert await of_person(house, PSN_NO) == []
    assert await house.results(withdrawal(3, 7, 2), upsert(4, 7)) == ["UNCHANGED", "STALE"]
    async with house.store.read() as work:
        assert await work.search.of_uids([uid(7)]) == []
        assert await work.search.of_accession("A7", HOSPITAL) == []
        ((ref, person, started, body, reason),) = await work.search._connection.fetch(
            "SELECT study_ref, person_key, started, body, reason FROM imaging_study"
        )
        assert (person, started, body, reason) == (None, None, None, 3)
        assert await work.search.series([ref]) == {}
    assert await house.results(upsert(5, 7, version=3)) == ["ACCEPTED"]
    assert await of_person(house, PSN_NO) == [uid(7)]


async def test_a_study_that_belongs_to_another_person_is_found_there(house: House) -> None:
    await house.upload(upsert(1, 7))
    assert await house.results(move(2, 7, 2)) == ["ACCEPTED"]
    assert await house.results(move(3, 7, 2), move(4, 8, 1)) == ["UNCHANGED", "REJECTED entry.not_standing"]
    assert (await of_person(house, PSN_NO), await of_person(house, OTHER_PSN_NO)) == ([], [uid(7)])


async def test_one_study_of_two_persons_at_two_nodes_is_hidden_until_they_agree(house: House) -> None:
    other = OTHER_NODE.node_no
    assert await house.results(upsert(1, 7)) == ["ACCEPTED"]
    assert await house.results(upsert(1, 7, psn_no=OTHER_PSN_NO), node_no=other) == ["CONFLICT"]
    assert await house.results(upsert(1, 7, psn_no=OTHER_PSN_NO), node_no=other) == ["CONFLICT"]
    assert (await of_person(house, PSN_NO), await of_person(house, OTHER_PSN_NO)) == ([], [])
    async with house.store.read() as work:
        assert [each.uid for each in await work.search.of_persons([key_of(PSN_NO)], own=HOSPITAL)] == [uid(7)]
    assert await house.results(move(2, 7, 2, PSN_NO), node_no=other) == ["ACCEPTED"]
    assert await of_person(house, PSN_NO) == [uid(7), uid(7)]


async def test_persons_are_asked_for_in_one_question(house: House) -> None:
    await house.upload(*(upsert(seq, psn_no=f"990000000000000{seq:05}") for seq in range(1, 101)))
    assert house.keys.asked == [100]
