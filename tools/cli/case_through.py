"""`yibao case FILE… --through URL`: plays worked cases on a running sandbox by its public interface.

The world of a case is made by operator methods; the bill itself goes the way of a hospital: 2401 2301 2303 2402 2304 for a
stay, 2201 2203 2204 2206 2207 else; 2305 or 2208 for a refund. A stay whose bill was only tried, or refused, is undone by 2302
and 2404. The business date travels in a header. What cannot be played as the engine plays it is refused.

With a second cell, people are insured there and remote care is given in the first: a move is filed by an operator, a transfer
referred by 2501, an emergency said with each bill.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format

from tools.cli import case_nodes as nodes
from tools.cli.case import SAMPLE_POLICIES, PolicyFolder
from tools.cli.case_document import LINE_PARTS, Case, CaseOperation, PlayedAnswer, read_case
from tools.cli.case_filings import CaseFilings
from tools.cli.case_fixture import Fixture, catalogue_of, day_of, is_remote, ledgers_of, partners_of, persons_of
from tools.cli.case_playable import Gap, check_case, check_person, check_versions, unplayable
from tools.cli.case_report import Played, Step, play_files
from tools.cli.language import ENGLISH, Words
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, NationalAnswer, Said
from yibao.catalogue.v1 import catalogue_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.settlement.v1 import ledger_pb2

ATTEMPTS = 5
TAKEN: Final = frozenset({"RECORD_OVERLAPS", "LEDGER_OPEN", "REQUEST_ID_REUSED", "PERSON_EXISTS", "CERTIFICATE_TAKEN"})
"""Another case has drawn one of the same names: they are drawn again."""

CALLER: Final = frozenset({"SANDBOX_ONLY", "AUTHENTICATION_MISSING", "AUTHENTICATION_FAILED", "ROLE_NOT_ALLOWED"})
"""The mesh or the key is the wrong one, whatever the case."""

STAY_FACTS: Final = ("hosp_lv", "remote", "med_type", "disease", "chronic_class")
"""What an admission tells for the whole stay."""

Billed = tuple[tuple[Mapping[str, int], ...], Mapping[str, Any]]
"""The split of each line, and setlinfo."""


@dataclass(slots=True)
class _Settled:
    """A settlement that a later operation may name."""

    operation: CaseOperation
    mdtrt_id: str
    setl_id: str
    hospital: HospitalClient
    refunded: bool = False


@dataclass(slots=True)
class _Stay:
    """A stay that is not over: the bill that it began with, and the settlements made in it."""

    operation: CaseOperation
    mdtrt_id: str
    hospital: HospitalClient
    settled: list[_Settled] = field(default_factory=list)
    discharged: bool = False

    @property
    def stands(self) -> bool:
        """Whether a settlement of it stands."""
        return any(not each.refunded for each in self.settled)


class Refused(Exception):
    """A business refusal on the way: its reason."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Cells:
    """Where a case is played: the cell that gives remote care, and the one that insures, which is the same where there is no
    other."""

    care: MeshClient
    insured: MeshClient


class ThroughPlayer:
    """Plays the operations of one case on a mesh; `check_case` comes first."""

    def __init__(self, case: Case, cells: Cells, policies: PolicyFolder, run: str) -> None:
        self._case = case
        self._cells = cells
        self._client = cells.insured
        self._fixture = Fixture(case, run, policies, cells.care is not cells.insured)
        self._filings = CaseFilings(self._fixture, self._client)
        self._settled: dict[str, _Settled] = {}
        self._stay: _Stay | None = None

    def prepare(self) -> None:
        """Makes the world of the case. Raises MeshRefusal where the mesh does not take it, CASE_NOT_PLAYABLE.

        The ledger comes first: only a sandbox opens one, so that any other mesh refuses before anything is written.
        """
        fixture, run = self._fixture, self._fixture.run
        call = self._client.call
        check_person(fixture)
        ledgers = ledger_pb2.OpenLedgerRequest(request_id=f"case-{run}-l", openings=ledgers_of(fixture))
        call("yibao.settlement.v1.LedgerService.OpenLedger", ledgers)
        publish = catalogue_pb2.PublishRequest(request_id=f"case-{run}-c", records=catalogue_of(fixture))
        call("yibao.catalogue.v1.CatalogueService.Publish", publish)
        persons = person_pb2.RegisterPersonsRequest(request_id=f"case-{run}-p", persons=persons_of(fixture))
        call("yibao.identity.v1.PersonService.RegisterPersons", persons)
        for elsewhere, client in ((False, self._client), (True, self._cells.care)):
            for number, partner in enumerate(partners_of(fixture, elsewhere=elsewhere)):
                told = f"case-{run}-{'e' if elsewhere else 'i'}{number}"
                request = partner_pb2.RegisterPartnerRequest(request_id=told, partner=partner)
                client.call("yibao.identity.v1.PartnerService.RegisterPartner", request)
        for operation in self._case.bills:
            check_versions(fixture, operation, self._standing(operation))

    def play(self, operation: CaseOperation) -> PlayedAnswer:
        """Plays one operation; a refusal is an answer. Raises CASE_NOT_PLAYABLE."""
        day = operation.day or self._fixture.first_day
        target = self._settled.get(operation.of)
        leading = operation if target is None else target.operation
        year_of_day = self._fixture.year(leading, day)
        year = year_of_day if target is None else self._fixture.year(leading, day_of(leading))
        try:
            if operation.op == "refund":
                lines, setlinfo = self._refund(operation, target, day)
            elif operation.in_patient:
                lines, setlinfo = self._bill_stay(operation, day)
            else:
                lines, setlinfo = self._bill_visit(operation, day)
        except Refused as refused:
            return PlayedAnswer(
                error=refused.reason,
                accumulators=self._accumulators(year),
                benefit_year=year,
                year_of_day=year_of_day,
            )
        told = _components(setlinfo)
        return PlayedAnswer(None, lines, told, self._accumulators(year), self._account(day), year, year_of_day)

    def _standing(self, operation: CaseOperation) -> catalogue_pb2.ResolveStackResponse:
        """Every version of the stack's policies that the mesh has for the day of a bill."""
        fixture = self._fixture
        try:
            found = self._client.get(f"/v1/policy-stacks/{fixture.home}/{fixture.insutype}?day={operation.day}")
        except MeshRefusal as refusal:
            raise unplayable(operation, _gap(refusal)) from None
        return json_format.ParseDict(found, catalogue_pb2.ResolveStackResponse(), ignore_unknown_fields=True)

    def _hospital(self, operation: CaseOperation) -> HospitalClient:
        code = self._fixture.institution(operation)
        client = self._cells.care if is_remote(operation) else self._client
        return HospitalClient(client, code, "案例医院", self._fixture.place(operation), datetime.now(UTC))

    def _send(self, hospital: HospitalClient, infno: str, sent: Mapping[str, object], day: date) -> NationalAnswer:
        answer = hospital.send(
            infno, sent, insuplc_admdvs=self._fixture.home, business_date=day, msgid=secrets.token_hex(15)
        )
        if not answer.succeeded:
            raise Refused(answer.reason, answer.message)
        return answer

    def _bill_visit(self, operation: CaseOperation, day: date) -> Billed:
        fixture, hospital = self._fixture, self._hospital(operation)
        self._filings.file(operation, day)
        registered = self._send(hospital, "2201", nodes.registration(fixture, operation, day), day)
        mdtrt_id = str(registered.output["data"]["mdtrt_id"])
        self._send(hospital, "2203", nodes.visit(fixture, operation, mdtrt_id, day), day)
        uploaded = self._send(hospital, "2204", nodes.lines(fixture, operation, mdtrt_id, day), day)
        bill = nodes.bill(fixture, operation, mdtrt_id)
        answer = self._send(hospital, "2206", bill, day)
        if operation.op == "settle":
            answer = self._send(hospital, "2207", bill, day)
            self._settled[operation.id] = _Settled(operation, mdtrt_id, _setl_id(answer), hospital)
        return _billed(uploaded, answer)

    def _bill_stay(self, operation: CaseOperation, day: date) -> Billed:
        stay = self._stay = self._stay_of(operation, day)
        interim = self._goes_on(operation)
        try:
            sent = nodes.lines(self._fixture, operation, stay.mdtrt_id, day)
            uploaded = self._send(stay.hospital, "2301", sent, day)
            bill = nodes.bill(self._fixture, operation, stay.mdtrt_id, interim=interim)
            answer = self._send(stay.hospital, "2303", bill, day)
            if operation.op == "settle":
                if not interim:
                    self._discharge(stay, day)
                answer = self._send(stay.hospital, "2304", bill, day)
                settled = _Settled(operation, stay.mdtrt_id, _setl_id(answer), stay.hospital)
                self._settled[operation.id] = settled
                stay.settled.append(settled)
        except Refused:
            self._take_back(stay, day, goes_on=interim)
            raise
        if operation.op == "presettle":
            self._take_back(stay, day, goes_on=interim)
        elif not interim:
            self._stay = None
        return _billed(uploaded, answer)

    def _stay_of(self, operation: CaseOperation, day: date) -> _Stay:
        """The stay that a bill goes on with, else a new one."""
        if not operation.continues_stay:
            hospital = self._hospital(operation)
            self._filings.file(operation, day)
            admitted = self._send(hospital, "2401", nodes.admission(self._fixture, operation, day), day)
            return _Stay(operation, str(admitted.output["result"]["mdtrt_id"]), hospital)
        stay = self._stay
        if stay is None or not stay.stands:
            untold = "same_stay is true, and no settlement stands in a stay that goes on"
            raise unplayable(operation, Gap(untold, "same_stay为true，但没有可续接的住院结算"))
        first = stay.operation
        changed = [name for name in STAY_FACTS if operation.facts.get(name) != first.facts.get(name)]
        if changed:
            names = ", ".join(changed)
            raise unplayable(
                operation, Gap(f"{names} changed since {first.id} began the stay", f"{names}与{first.id}入院时不同")
            )
        return stay

    def _goes_on(self, operation: CaseOperation) -> bool:
        """Whether the next bill of a stay goes on with that of this one."""
        later = self._case.operations[self._case.operations.index(operation) + 1 :]
        following = next((each for each in later if each.op != "refund" and each.in_patient), None)
        return following is not None and following.continues_stay

    def _discharge(self, stay: _Stay, day: date) -> None:
        self._send(stay.hospital, "2402", nodes.discharge(self._fixture, stay.mdtrt_id, day), day)
        stay.discharged = True

    def _take_back(self, stay: _Stay, day: date, *, goes_on: bool) -> None:
        """Takes back what an unsettled bill left in its stay, and ends a stay that does not go on: it would stop the next."""
        fixture, mdtrt_id = self._fixture, stay.mdtrt_id
        try:
            if not stay.discharged:
                self._send(stay.hospital, "2302", nodes.all_lines(fixture, mdtrt_id), day)
                if not stay.settled:
                    self._send(stay.hospital, "2404", nodes.admitted(fixture, mdtrt_id), day)
                elif goes_on:
                    return
                else:
                    self._discharge(stay, day)
        except Refused as refused:
            english, chinese = Said(f"a stay could not be ended: {refused}"), Said(f"住院未能收尾：{refused}")
            raise MeshRefusal(refused.reason, english, chinese) from None
        self._stay = None

    def _refund(self, operation: CaseOperation, target: _Settled | None, day: date) -> Billed:
        if target is None:
            raise Refused("SETTLEMENT_NOT_FOUND", f"{operation.of} is not settled")
        if target.refunded:
            english = f"{operation.of} is reversed, and a mesh answers that reversal again"
            raise unplayable(operation, Gap(english, f"{operation.of}已撤销，网格会重复答复该次撤销"))
        sent = nodes.reversal(self._fixture, target.mdtrt_id, target.setl_id)
        infno = "2305" if target.operation.in_patient else "2208"
        answer = self._send(target.hospital, infno, sent, day)
        target.refunded = True
        return (), answer.output["setlinfo"]

    def _accumulators(self, year: str) -> dict[str, int]:
        request = ledger_pb2.ListAccumulatorsRequest(
            psn_no=self._fixture.psn_no,
            insutype=self._fixture.insutype,
            insuplc_admdvs=self._fixture.home,
            benefit_year=year,
        )
        answer = self._client.call("yibao.settlement.v1.LedgerService.ListAccumulators", request)
        return {each.key: each.value for each in answer.accumulators}

    def _account(self, day: date) -> dict[str, object]:
        """The account as it stands, the current year's part as seen from the day where the case tells one."""
        told = self._case.account
        own = self._head(self._fixture.psn_no, day)
        mutual = self._head(self._fixture.owner_psn_no, day).balance_fen if told.mutual_fen else 0
        current = None if told.current_year_fen is None else own.current_year_fen
        return {
            "balance": own.balance_fen,
            "mutual_balance": mutual,
            "current_year_balance": current,
            "use": told.use,
        }

    def _head(self, psn_no: str, day: date) -> ledger_pb2.GetAccountResponse:
        request = ledger_pb2.GetAccountRequest(psn_no=psn_no, insutype=self._fixture.insutype)
        method = "yibao.settlement.v1.LedgerService.GetAccount"
        answer: ledger_pb2.GetAccountResponse = self._client.call(method, request, day)
        return answer


def _setl_id(answer: NationalAnswer) -> str:
    return str(answer.output["setlinfo"]["setl_id"])


def _billed(uploaded: NationalAnswer, answer: NationalAnswer) -> Billed:
    split = tuple(_line(number, row) for number, row in enumerate(uploaded.output["result"], 1))
    return split, answer.output["setlinfo"]


def _line(number: int, row: Mapping[str, Any]) -> dict[str, int]:
    return {"sn": number, **{name: fen(row[name]) for name in ("det_item_fee_sumamt", *LINE_PARTS)}}


def _components(setlinfo: Mapping[str, Any]) -> dict[str, object]:
    ratio = Decimal(str(setlinfo["pool_prop_selfpay"]))
    told: dict[str, object] = {"pool_prop_selfpay": f"{ratio:.4f}"}
    for name, value in setlinfo.items():
        if isinstance(value, Decimal | int) and name not in ("pool_prop_selfpay", "age"):
            told[name] = fen(value)
    return told


def fen(yuan: Decimal | int) -> int:
    """Yuan of an answer as fen, exactly."""
    scaled = Decimal(yuan) * 100
    if scaled != int(scaled):
        raise ValueError(f"{yuan} yuan is no whole number of fen")
    return int(scaled)


def play_case_through(
    path: Path, client: MeshClient, policies_dir: Path = SAMPLE_POLICIES, insured: MeshClient | None = None
) -> Played:
    """Plays the case of a file on a mesh; with `insured`, the gateway of another cell, remote care across both.

    Raises CASE_NOT_PLAYABLE, saying why, where the mesh cannot play it as the engine does, and MeshRefusal where the mesh is
    no sandbox or does not take the world of the case.
    """
    case = read_case(path)
    check_case(case)
    remote = any(is_remote(each) for each in case.bills)
    cells = Cells(client, insured if remote and insured is not None else client)
    player = _prepared(case, cells, PolicyFolder(policies_dir))
    return Played(case, tuple(Step(operation, player.play(operation)) for operation in case.operations))


def _prepared(case: Case, cells: Cells, policies: PolicyFolder) -> ThroughPlayer:
    """A player whose world stands; names that another case took are drawn again."""
    attempts = ATTEMPTS
    while True:
        player = ThroughPlayer(case, cells, policies, f"{secrets.randbelow(10**8):08d}")
        attempts -= 1
        try:
            player.prepare()
            return player
        except MeshRefusal as refusal:
            if refusal.reason not in TAKEN or not attempts:
                raise


def _gap(refusal: MeshRefusal) -> Gap:
    return Gap(refusal.told("en"), refusal.told("zh"))


def main(
    files: Sequence[Path],
    client: MeshClient,
    policies_dir: Path = SAMPLE_POLICIES,
    words: Words = ENGLISH,
    *,
    show: bool = False,
    insured: MeshClient | None = None,
) -> int:
    """Plays every file; 0 when none differs or fails, else 1.

    MeshRefusal where the mesh is no sandbox or the key is no operator's.
    """

    def play(path: Path) -> Played:
        try:
            return play_case_through(path, client, policies_dir, insured)
        except MeshRefusal as refusal:
            if refusal.reason in CALLER:
                raise
            raise unplayable(None, _gap(refusal)) from None

    return play_files(files, play, words, show=show, through=client.url)
