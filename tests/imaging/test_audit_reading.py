"""The audit log as operators and persons read it, as others' systems read it, and as it is verified."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from services.imaging.domain.audit import GENESIS, Access, AccessOutcome, Action, AuditFinding, What, read, row_of
from services.imaging.domain.audit_events import event_of
from services.imaging.operations import audit_reading
from services.imaging.operations.audit_reading import AuditReading, ToldAccess
from services.imaging.servicer.audit_dicom import dicom_message
from services.imaging.servicer.audit_fhir import fhir_event
from services.imaging.store.unit import ImagingStore
from services.kernel.errors import Fault
from tests.imaging.audit_rules import check_dicom, check_fhir
from tests.imaging.auditing import Audited, searched
from tests.imaging.conftest import House, PlayedKeys, key_of, opened
from tests.imaging.entries import HOSPITAL, OTHER_PSN_NO, PSN_NO, uid, upsert, withdrawal
from tests.imaging.reading import BEIJING, SHANDONG, Desk, PlayedPersons, refused

SEVERAL: Final = (("G1", b"a" * 16), ("G2", b"d" * 16), ("G3", b"a" * 16))
AT: Final = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)


class PlayedNames:
    """Pseudonyms that say for whom they are."""

    async def ready(self) -> None:
        """At once."""

    def of_all(self, organisation: str, person_keys: Sequence[bytes]) -> list[str]:
        return [f"{organisation.upper()}{each.hex()[:6].upper()}" for each in person_keys]


@dataclass(slots=True)
class Reading:
    """The log and who reads it."""

    audited: Audited
    cells: PlayedPersons = field(default_factory=PlayedPersons)
    reading: AuditReading = field(init=False)

    def __post_init__(self) -> None:
        self.reading = AuditReading(
            *(self.audited.store, self.audited.log, self.audited.books, PlayedNames(), PlayedKeys(), self.cells)
        )

    async def verified(self) -> list[tuple[int, str]]:
        """What a verification part by part finds."""
        found: list[AuditFinding] = []
        after = 0
        while True:
            part = await self.reading.verified("OP1", after, (0, ""))
            found += part.findings
            if not part.next:
                return [(each.seq, each.what.value) for each in found]
            after = part.next


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Reading]:
    """Five entries of one person and one of another."""
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as store:
        made = Reading(Audited(store))
        entries = [searched(number, session_no=f"R{number % 2}") for number in range(1, 6)]
        await made.audited.log.write([*entries, searched(6, person_key=b"o" * 16)])
        yield made


def shown(told: Sequence[ToldAccess]) -> list[tuple[int, str]]:
    """Places and what was done."""
    return [(each.logged.seq, each.logged.access.action.name) for each in told]


async def test_an_operator_reads_it_from_the_end_and_that_is_an_entry(log: Reading) -> None:
    page = await log.reading.listed("OP1", "", None, 3)
    assert shown(page.entries) == [(7, "LOG_USED"), (6, "SEARCHED"), (5, "SEARCHED")]
    used, other, one = page.entries
    assert (used.logged.access.organisation, used.logged.access.reader, used.patient_ids) == ("operator", "OP1", ())
    assert (other.patient_ids, one.patient_ids) == (("OPERATOR6F6F6F",), ("OPERATOR000102",))
    assert page.end == (5,)
    rest = await log.reading.listed("OP1", "R1", 5, 9)
    assert (shown(rest.entries), rest.end) == ([(3, "SEARCHED"), (1, "SEARCHED")], None)


async def test_a_person_reads_who_looked_and_nothing_of_others(log: Reading) -> None:
    await log.audited.log.write([searched(number, person_key=key_of(PSN_NO)) for number in (7, 8)])
    log.cells.granted[PSN_NO] = log.cells.number(BEIJING)
    page = await log.reading.own(PSN_NO, BEIJING, None, 2)
    assert shown(page.entries) == [(9, "LOG_USED"), (8, "SEARCHED")]
    (name,) = {name for each in page.entries for name in each.patient_ids}
    assert name.startswith("PERSON")
    assert page.end == (8,)
    served = await log.reading.served(PSN_NO, "OP1", 8, 9)
    assert shown(served.entries) == [(7, "SEARCHED")]
    assert served.entries[0].patient_ids[0].startswith("OPERATOR")
    assert shown((await log.reading.served(OTHER_PSN_NO, "OP1", 8, 9)).entries) == []
    used = [
        (each.logged.access.organisation, each.logged.access.reader)
        for each in (await log.reading.own(PSN_NO, BEIJING, None, 3)).entries[:2]
    ]
    assert used == [("person", ""), ("operator", "OP1")]


async def test_a_key_that_another_cell_made_shows_nothing_of_a_persons_log_as_nobodys_does(log: Reading) -> None:
    log.cells.granted[PSN_NO] = log.cells.number(BEIJING)
    for psn_no, cell in ((PSN_NO, SHANDONG), (PSN_NO, ""), (OTHER_PSN_NO, BEIJING)):
        assert await refused(log.reading.own(psn_no, cell, None, 9)) == "NO_ACCESS"
    logged = [each for each in map(read, (await log.audited.rows())[-3:]) if each is not None]
    assert [each.access for each in logged] == 3 * [
        Access(Action.LOG_USED, AccessOutcome.REFUSED, "person", detail="list of a person")
    ]


async def test_an_entry_about_several_persons_is_found_by_each_of_them_and_tells_nobody_of_the_others(
    store: ImagingStore,
) -> None:
    log = Reading(Audited(store))
    mine, other = key_of(PSN_NO), key_of(OTHER_PSN_NO)
    both = searched(1, person_key=None, grant_no="", persons=(("G1", other), ("G2", mine), ("G3", mine)))
    await log.audited.log.write([searched(7, person_key=mine), both, searched(8, person_key=other)])
    await log.audited.log.write([replace(both, study_uid="9.9")])
    page = await log.reading.served(PSN_NO, "OP1", None, 9)
    assert shown(page.entries) == [(5, "LOG_USED"), (4, "SEARCHED"), (2, "SEARCHED"), (1, "SEARCHED")]
    told = page.entries[2].logged.access
    assert (told.person_key, told.grant_no, told.persons) == (mine, "G2", ())
    assert page.entries[2].patient_ids == (f"OPERATOR{mine.hex()[:6].upper()}",)
    assert shown((await log.reading.served(PSN_NO, "OP1", 4, 1)).entries) == [(2, "SEARCHED")]
    # An operator sees all of them.
    (entry,) = (await log.reading.listed("OP1", "", 3, 1)).entries
    assert [key for _, key in entry.logged.access.persons] == [other, mine, mine]
    assert len(entry.patient_ids) == 3
    assert await log.verified() == []


async def test_who_hides_an_entry_from_a_person_whom_it_names_is_found(log: Reading) -> None:
    keys = [bytes([number]) * 16 for number in range(1, 4)]
    await log.audited.log.write([searched(7, person_key=None, grant_no="", persons=tuple(("G", key) for key in keys))])
    assert await log.verified() == []
    await log.audited.spoil(f"DELETE FROM imaging_audit_about WHERE person_key = x'{keys[1].hex()}'")
    assert await log.verified() == [(7, "unlisted")]
    # Who puts one in its place is told that it says nothing of that person.
    await log.audited.spoil(f"INSERT INTO imaging_audit_about VALUES (x'{key_of(PSN_NO).hex()}', 7)")
    assert shown((await log.reading.served(PSN_NO, "OP1", 8, 9)).entries) == [(7, "LOG_BROKEN")]


async def test_one_answer_names_so_many_persons_and_the_next_one_goes_on(
    log: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_reading, "MOST_NAMED", 5)
    persons = tuple((f"G{number}", bytes([number]) * 16) for number in range(1, 4))
    await log.audited.log.write(
        [searched(number, person_key=None, grant_no="", persons=persons) for number in (7, 8, 9)]
    )
    found, place = await log.reading.exported("OP1", 6, 9, "FHIR")
    assert ([each.logged.seq for each in found], place) == ([7], 7)
    pages, end = [], 10
    for _ in range(3):
        page = await log.reading.listed("OP1", "", end, 2)
        pages.append([each.logged.seq for each in page.entries])
        assert page.end is not None
        (end,) = page.end
    assert pages == [[9], [8], [7, 6]]


async def test_an_export_goes_on_and_comes_to_rest(log: Reading) -> None:
    told, place = await log.reading.exported("OP1", 0, 4, "FHIR")
    assert ([each.logged.seq for each in told], place) == ([1, 2, 3, 4], 4)
    told, place = await log.reading.exported("OP1", place, 4, "FHIR")
    assert ([each.logged.seq for each in told], place) == ([5, 6, 7], 7)
    for _ in range(3):
        told, place = await log.reading.exported("OP1", place, 4, "FHIR")
    assert (told, place) == ([], 8)
    assert len(await log.audited.rows()) == 8


async def test_without_the_log_nobody_reads_it(log: Reading, tmp_path: Path) -> None:
    (tmp_path / "imaging.sqlite").rename(tmp_path / "gone.sqlite")
    for asked in (log.reading.listed("OP1", "", None, 3), log.reading.own(PSN_NO, BEIJING, None, 3)):
        with pytest.raises(Fault, match="AUDIT_UNAVAILABLE"):
            await asked


async def test_it_is_verified_in_parts(log: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_reading, "PART", 3)
    assert await log.verified() == []
    whole = await log.reading.verified("OP1", 6, (0, ""))
    assert (whole.checked, whole.next, whole.end_seq) == (1, 0, 7)
    await log.audited.spoil("UPDATE imaging_audit SET at = at + 1 WHERE seq IN (1, 4)")
    assert await log.verified() == [(1, "changed"), (4, "changed")]
    await log.audited.spoil("DELETE FROM imaging_audit WHERE seq = 3")
    assert await log.verified() == [(1, "changed"), (3, "missing"), (4, "changed")]


async def test_a_store_that_was_put_back_is_found_by_an_end_that_was_kept(log: Reading) -> None:
    before = await log.reading.verified("OP1", 0, (0, ""))
    kept = (before.end_seq, before.end_hash.hex())
    await log.audited.log.write([searched(7)])
    assert (await log.reading.verified("OP1", 0, kept)).findings == []
    for other in ((kept[0], "ab" * 32), (99, kept[1])):
        assert (await log.reading.verified("OP1", 0, other)).findings == [AuditFinding(other[0], What.REPLACED)]


async def test_an_entry_that_cannot_be_read_is_told_as_broken_and_hides_no_other(log: Reading) -> None:
    await log.audited.spoil(
        "UPDATE imaging_audit SET body = x'00' WHERE seq = 3", "UPDATE imaging_audit SET at = 1 << 62 WHERE seq = 4"
    )
    page = await log.reading.listed("OP1", "", None, 9)
    assert [each.logged.access.action.name for each in page.entries[3:5]] == ["LOG_BROKEN"] * 2
    told, _ = await log.reading.exported("OP1", 0, 9, "DICOM")
    assert len(told) == 7


def exported(access: Access, *patient_ids: str) -> tuple[Any, Any]:
    """An entry in both forms, which keep to their rules."""
    logged = read(row_of(access, 12, 0, GENESIS))
    assert logged is not None
    event = event_of(logged, patient_ids)
    return check_dicom(dicom_message(event, AT)), check_fhir(fhir_event(event, AT))


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("outcome", AccessOutcome)
def test_every_kind_of_entry_keeps_to_the_rules_of_dicom_and_fhir(action: Action, outcome: AccessOutcome) -> None:
    full = searched(action=action, outcome=outcome, node_no="SD01", purpose="TREATMENT", reader='D"1<\x01')
    several = replace(full, person_key=None, grant_no="", persons=SEVERAL)
    for access, patient_ids in (
        (full, ("ABC234",)),
        (several, ("ABC234", "DEF567", "ABC234")),
        (Access(action, outcome, "person", session_no="R1", purpose="SELF"), ("ABC234",)),
        (Access(action, outcome, "operator", "OP1", detail="list & <more>"), ()),
        (Access(action, outcome, "node", node_no="SD01"), ()),
        (Access(action, outcome, ""), ()),
    ):
        exported(access, *patient_ids)


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ('originalText="Query"', ""),
        ('EventActionCode="E"', 'EventActionCode="X"'),
        ('EventDateTime="2026-', 'EventDateTime="26-'),
        ("<ParticipantObjectQuery>", "<ParticipantObjectQuery>?"),
        ('UserIsRequestor="true"', 'UserIsRequestor="yes"'),
        ('<AuditSourceTypeCode csd-code="4"/>', "<AuditSourceTypeCode/>"),
        ("<AuditMessage>", "<AuditMessage><EventIdentification/>"),
    ],
)
def test_the_schema_of_dicom_refuses_what_is_no_audit_message(part: str, instead: str) -> None:
    logged = read(row_of(searched(purpose="TREATMENT"), 12, 0, GENESIS))
    assert logged is not None
    message = dicom_message(event_of(logged, ("ABC234",)), AT)
    assert part in message
    with pytest.raises(AssertionError):
        check_dicom(message.replace(part, instead, 1))


def test_what_a_search_is_in_both_forms() -> None:
    message, event = exported(searched(purpose="TREATMENT"), "ABC234")
    (name,) = message.findall("EventIdentification/EventID")
    assert (name.attrib["csd-code"], name.attrib["originalText"]) == ("110112", "Query")
    source, destination = message.findall("ActiveParticipant")
    assert (source.attrib["UserID"], source.attrib["AlternativeUserID"]) == ("D1", HOSPITAL)
    assert (source.attrib["UserIsRequestor"], destination.attrib["UserIsRequestor"]) == ("true", "false")
    query = message.findtext("ParticipantObjectIdentification/ParticipantObjectQuery")
    assert base64.b64decode(query).decode() == "StudyDate, ModalitiesInStudy"
    kinds = [each.attrib["ParticipantObjectID"] for each in message.findall("ParticipantObjectIdentification")]
    assert kinds == [uid(1), "1.2.840.10008.5.1.4.1.2.2.1", "ABC234"]
    assert (event["type"]["code"], event["action"], event["outcome"]) == ("110112", "E", "0")
    assert event["agent"][0]["who"]["identifier"] == {"system": f"urn:yibao:{HOSPITAL}", "value": "D1"}
    assert event["agent"][0]["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"
    assert [each["role"]["display"] for each in event["entity"]] == ["Report", "Query", "Patient"]
    assert event["entity"][0]["what"]["identifier"]["value"] == f"urn:oid:{uid(1)}"


def test_a_search_of_several_persons_names_each_of_them_once_in_both_forms() -> None:
    access = searched(study_uid="", person_key=None, grant_no="", persons=SEVERAL)
    message, event = exported(access, "ABC234", "DEF567", "ABC234")
    objects = message.findall("ParticipantObjectIdentification")
    assert [each.attrib["ParticipantObjectID"] for each in objects[1:]] == ["ABC234", "DEF567"]
    grants = [
        [base64.b64decode(told.attrib["value"]).decode() for told in each.findall("ParticipantObjectDetail")]
        for each in objects[1:]
    ]
    assert grants == [["G1", "G3"], ["G2"]]
    query, *patients = event["entity"]
    assert [each["what"]["identifier"]["value"] for each in patients] == ["ABC234", "DEF567"]
    assert [[told["valueString"] for told in each["detail"]] for each in patients] == grants
    assert "grant" not in [told["type"] for told in query["detail"]]


@pytest.mark.parametrize(
    ("action", "codes"),
    [
        (Action.SESSION_OPENED, ("110114", "110122", "E")),
        (Action.SESSION_CLOSED, ("110114", "110123", "E")),
        (Action.PATIENT_ADDED, ("110110", "", "R")),
        (Action.EMERGENCY, ("110113", "110127", "E")),
        (Action.TICKET_GIVEN, ("110102", "", "E")),
        (Action.READ, ("110103", "", "R")),
        (Action.UPLOADED, ("110107", "", "C")),
        (Action.WITHDRAWN, ("110105", "", "D")),
        (Action.RECOGNITION, ("110112", "", "E")),
        (Action.LOG_USED, ("110101", "", "R")),
        (Action.LOG_BROKEN, ("110113", "110135", "E")),
    ],
)
def test_the_code_of_every_action(action: Action, codes: tuple[str, str, str]) -> None:
    message, event = exported(searched(action=action, node_no="SD01"), "ABC234")
    sort = message.find("EventIdentification/EventTypeCode")
    name = message.find("EventIdentification/EventID").attrib["csd-code"]
    said = (name, "" if sort is None else sort.attrib["csd-code"])
    assert (*said, message.find("EventIdentification").attrib["EventActionCode"]) == codes
    assert (event["type"]["code"], event.get("subtype", [{"code": ""}])[0]["code"], event["action"]) == codes


async def test_what_readers_do_leaves_no_number_no_token_and_no_reason_in_the_log(tmp_path: Path) -> None:
    psn_no, certno = f"P{PSN_NO}", "990100190001010014"
    async with opened(f"sqlite:///{tmp_path / 'imaging.sqlite'}") as store:
        desk, audited = Desk(store), Audited(store)
        token = await desk.opened()
        await desk.granted(psn_no)
        await desk.granted(certno)
        await desk.add(token, shown=f"code:{psn_no}")
        await desk.add(token, psn_no)
        await desk.add(token, certno=certno)
        await desk.break_glass(token, psn_no)
        await refused(desk.add(token, OTHER_PSN_NO))
        await audited.log.write(desk.log.entries)
        rows = await audited.rows()
    whole = b"".join(each.body + (each.session_no or b"") + (each.person_key or b"") for each in rows)
    assert len(rows) == 6
    assert {each.person_key for each in rows} == {key_of(psn_no), key_of(certno), None}
    for secret in (psn_no, PSN_NO, OTHER_PSN_NO, certno, token, "code:", "昏迷"):
        assert secret.encode() not in whole


async def test_a_batch_and_a_withdrawal_are_entries_and_no_number_or_name_is_in_one(small_house: House) -> None:
    """All bytes of the log are looked through: no number of a person, no name, no text of a study."""
    await small_house.upload(upsert(1), upsert(2, psn_no=OTHER_PSN_NO), upsert(3, modalities=["ZZ"]))
    await small_house.upload(withdrawal(4, 1, 2), withdrawal(5, 1, 2), withdrawal(6, 99, 1))
    await small_house.upload(withdrawal(4, 1, 2))
    rows = await small_house.audited.rows()
    told = [read(each) for each in rows]
    said = [(each.access.action.name, each.access.detail) for each in told if each is not None]
    assert said == [
        ("UPLOADED", "entries 1-3: ACCEPTED 2, REJECTED 1"),
        ("UPLOADED", "entries 4-6: ACCEPTED 2, UNCHANGED 1"),
        ("WITHDRAWN", ""),
        ("WITHDRAWN", ""),
        ("UPLOADED", "entries 4-4: UNCHANGED 1"),
    ]
    gone = told[2]
    assert gone is not None
    assert (gone.access.study_uid, gone.access.node_no) == (uid(1), "SD01")
    assert gone.access.person_key == key_of(PSN_NO)
    whole = b"".join(each.body for each in rows)
    for secret in (PSN_NO, OTHER_PSN_NO, "Zhang", "张", "胸部"):
        assert secret.encode() not in whole
    assert await small_house.audited.findings() == []
