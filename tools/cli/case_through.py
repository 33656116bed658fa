"""`yibao case FILE… --through URL`: plays worked cases on a running sandbox by its public interface.

The world of a case is made by operator methods; the bill itself goes the way of a hospital: 2401 2301 2402 2303 2304 for a
stay, 2201 2203 2204 2206 2207 else; 2305 or 2208 for a refund. The business date travels in a header.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from services.kernel.errors import Fault, precondition
from tools.cli.case import SAMPLE_POLICIES
from tools.cli.case_document import Answer, Case, CaseOperation, Difference, compare, read_case
from tools.cli.case_fixture import (
    IN_PATIENT,
    MED_TYPES,
    Fixture,
    catalogue_of,
    decimal_text,
    ledgers_of,
    partners_of,
    persons_of,
)
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, NationalAnswer
from yibao.catalogue.v1 import catalogue_pb2
from yibao.identity.v1 import partner_pb2, person_pb2
from yibao.settlement.v1 import ledger_pb2

ATTEMPTS = 5
REASON = re.compile(r"^\[([A-Z_]+)\]")
REMOTE = {
    "emergency": ('{"OTP_ER_REFL_FLAG":"1"}', '{"IPT_TYPE":"2"}'),
    "transfer": ('{"OTP_ER_REFL_FLAG":"2"}', '{"IPT_TYPE":"3"}'),
}


@dataclass(frozen=True, slots=True)
class _Settled:
    """A settlement that a later operation may name."""

    mdtrt_id: str
    setl_id: str
    in_patient: bool
    day: date
    hospital: HospitalClient


class Refused(Exception):
    """A business refusal on the way: its reason."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class ThroughPlayer:
    """Plays the operations of one case on a mesh."""

    def __init__(self, case: Case, client: MeshClient, policies_dir: Path, run: str) -> None:
        self._case = case
        self._client = client
        self._fixture = Fixture(case, run, policies_dir)
        self._settled: dict[str, _Settled] = {}
        self._open_stay = ""

    def prepare(self) -> None:
        """Makes the world of the case; MeshRefusal where the mesh does not take it."""
        fixture, run = self._fixture, self._fixture.run
        call = self._client.call
        publish = catalogue_pb2.PublishRequest(request_id=f"case-{run}-c", records=catalogue_of(fixture))
        call("yibao.catalogue.v1.CatalogueService.Publish", publish)
        persons = person_pb2.RegisterPersonsRequest(request_id=f"case-{run}-p", persons=persons_of(fixture))
        call("yibao.identity.v1.PersonService.RegisterPersons", persons)
        ledgers = ledger_pb2.OpenLedgerRequest(request_id=f"case-{run}-l", openings=ledgers_of(fixture))
        call("yibao.settlement.v1.LedgerService.OpenLedger", ledgers)
        for number, partner in enumerate(partners_of(fixture)):
            request = partner_pb2.RegisterPartnerRequest(request_id=f"case-{run}-i{number}", partner=partner)
            call("yibao.identity.v1.PartnerService.RegisterPartner", request)

    def play(self, operation: CaseOperation) -> Answer:
        """Plays one operation; a refusal is an answer."""
        if operation.hosp_part_fen:
            raise precondition("CASE_NOT_PLAYABLE", what="hosp_part_amt has no field in the national interface")
        day = operation.day or self._settled[operation.of].day
        year = self._fixture.benefit_year(self._settled[operation.of].day if operation.op == "refund" else day)
        try:
            lines, setlinfo = self._refund(operation, day) if operation.op == "refund" else self._bill(operation, day)
        except Refused as refused:
            return Answer(error=refused.reason, accumulators=self._accumulators(year), benefit_year=year)
        return Answer(None, lines, _components(setlinfo), self._accumulators(year), self._account(), year)

    def _hospital(self, operation: CaseOperation) -> HospitalClient:
        code = self._fixture.institution(operation)
        return HospitalClient(self._client, code, "案例医院", self._fixture.place(operation), datetime.now(UTC))

    def _send(self, hospital: HospitalClient, infno: str, nodes: Mapping[str, object], day: date) -> NationalAnswer:
        answer = hospital.send(
            infno, nodes, insuplc_admdvs=self._fixture.home, business_date=day, msgid=secrets.token_hex(15)
        )
        if not answer.succeeded:
            found = REASON.match(answer.message)
            raise Refused(found.group(1) if found else answer.message, answer.message)
        return answer

    def _bill(self, operation: CaseOperation, day: date) -> tuple[tuple[Mapping[str, int], ...], Mapping[str, Any]]:
        stay = str(operation.facts.get("med_type")) in IN_PATIENT
        hospital = self._hospital(operation)
        mdtrt_id = self._begin_stay(hospital, operation, day) if stay else self._begin_visit(hospital, operation, day)
        uploaded = self._send(
            hospital, "2301" if stay else "2204", {"feedetail": self._rows(operation, mdtrt_id, day)}, day
        )
        interim = stay and self._continues(operation)
        bill = self._bill_node(operation, mdtrt_id, interim=interim)
        answer = self._send(hospital, "2303" if stay else "2206", {"data": bill}, day)
        if operation.op == "settle":
            if stay and not interim:
                self._discharge(hospital, mdtrt_id, day)
            answer = self._send(hospital, "2304" if stay else "2207", {"data": bill}, day)
            setl_id = str(answer.output["setlinfo"]["setl_id"])
            self._settled[operation.id] = _Settled(mdtrt_id, setl_id, stay, day, hospital)
            self._open_stay = mdtrt_id if interim else ""
        return tuple(_line(n, row) for n, row in enumerate(uploaded.output["result"], 1)), answer.output["setlinfo"]

    def _continues(self, operation: CaseOperation) -> bool:
        later = self._case.operations[self._case.operations.index(operation) + 1 :]
        following = next((each for each in later if each.op == "settle"), None)
        return following is not None and following.facts.get("same_stay") is True

    def _begin_visit(self, hospital: HospitalClient, operation: CaseOperation, day: date) -> str:
        fixture, moment = self._fixture, f"{day} 08:00:00"
        data = {
            "psn_no": fixture.psn_no,
            "insutype": fixture.insutype,
            "begntime": moment,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self._certno(),
            "ipt_otp_no": secrets.token_hex(8),
            "exp_content": self._remote(operation, 0),
        }
        mdtrt_id = str(self._send(hospital, "2201", {"data": data}, day).output["data"]["mdtrt_id"])
        visit = {
            "mdtrt_id": mdtrt_id,
            "psn_no": fixture.psn_no,
            "med_type": MED_TYPES[str(operation.facts["med_type"])],
            "begntime": moment,
            "dise_codg": fixture.disease(operation),
        }
        self._send(hospital, "2203", {"mdtrtinfo": visit, "diseinfo": []}, day)
        return mdtrt_id

    def _begin_stay(self, hospital: HospitalClient, operation: CaseOperation, day: date) -> str:
        if operation.facts.get("same_stay") is True and self._open_stay:
            return self._open_stay
        fixture = self._fixture
        stay = {
            "psn_no": fixture.psn_no,
            "insutype": fixture.insutype,
            "begntime": f"{day} 08:00:00",
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self._certno(),
            "med_type": MED_TYPES[str(operation.facts["med_type"])],
            "ipt_no": secrets.token_hex(8),
            "dise_codg": fixture.disease(operation),
            "exp_content": self._remote(operation, 1),
        }
        return str(self._send(hospital, "2401", {"mdtrtinfo": stay, "diseinfo": []}, day).output["result"]["mdtrt_id"])

    def _discharge(self, hospital: HospitalClient, mdtrt_id: str, day: date) -> None:
        fixture = self._fixture
        data = {
            "mdtrt_id": mdtrt_id,
            "psn_no": fixture.psn_no,
            "insutype": fixture.insutype,
            "endtime": f"{day} 18:00:00",
        }
        self._send(hospital, "2402", {"dscginfo": data, "diseinfo": []}, day)

    def _certno(self) -> str:
        return persons_of(self._fixture)[-1].person.certno

    @staticmethod
    def _remote(operation: CaseOperation, form: int) -> str:
        return REMOTE.get(str(operation.facts.get("remote")), ("", ""))[form]

    def _rows(self, operation: CaseOperation, mdtrt_id: str, day: date) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for place, line in enumerate(operation.lines):
            price_e6 = abs(line.amount_fen) * 10**8 // abs(line.count_e4 or 1)
            rows.append(
                {
                    "feedetl_sn": f"{self._case.operations.index(operation) + 1}{place + 1:04d}",
                    "mdtrt_id": mdtrt_id,
                    "psn_no": self._fixture.psn_no,
                    "chrg_bchno": "B0001",
                    "fee_ocur_time": f"{day} 09:00:00",
                    "med_list_codg": self._fixture.item(operation, place),
                    "medins_list_codg": f"Y{place + 1:04d}",
                    "det_item_fee_sumamt": decimal_text(line.amount_fen, 2),
                    "cnt": decimal_text(line.count_e4, 4),
                    "pric": decimal_text(price_e6, 6),
                    "hosp_appr_flag": line.approval,
                }
            )
        return rows

    def _bill_node(self, operation: CaseOperation, mdtrt_id: str, *, interim: bool) -> dict[str, object]:
        return {
            "psn_no": self._fixture.psn_no,
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": self._certno(),
            "med_type": MED_TYPES[str(operation.facts["med_type"])],
            "medfee_sumamt": decimal_text(sum(line.amount_fen for line in operation.lines), 2),
            "psn_setlway": "01",
            "mdtrt_id": mdtrt_id,
            "chrg_bchno": "B0001",
            "acct_used_flag": "1" if self._case.account.use else "0",
            "insutype": self._fixture.insutype,
            "mid_setl_flag": "1" if interim else "0",
        }

    def _refund(self, operation: CaseOperation, day: date) -> tuple[tuple[Mapping[str, int], ...], Mapping[str, Any]]:
        done = self._settled[operation.of]
        data = {"setl_id": done.setl_id, "mdtrt_id": done.mdtrt_id, "psn_no": self._fixture.psn_no}
        answer = self._send(done.hospital, "2305" if done.in_patient else "2208", {"data": data}, day)
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

    def _account(self) -> dict[str, object]:
        own = self._balance(self._fixture.psn_no)
        mutual = self._balance(self._fixture.owner_psn_no) if self._case.account.mutual_fen else 0
        return {"balance": own, "mutual_balance": mutual, "use": self._case.account.use}

    def _balance(self, psn_no: str) -> int:
        request = ledger_pb2.GetAccountRequest(psn_no=psn_no, insutype=self._fixture.insutype)
        return int(self._client.call("yibao.settlement.v1.LedgerService.GetAccount", request).balance_fen)


def _line(number: int, row: Mapping[str, Any]) -> dict[str, int]:
    names = ("det_item_fee_sumamt", "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
    return {"sn": number, **{name: fen(row[name]) for name in names}}


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


def run_case_through(path: Path, client: MeshClient, policies_dir: Path = SAMPLE_POLICIES) -> list[Difference]:
    """Plays the case of a file on a mesh and answers every difference."""
    case = read_case(path)
    player = _prepared(case, client, policies_dir)
    return [gap for operation in case.operations for gap in compare(case, operation, player.play(operation))]


def _prepared(case: Case, client: MeshClient, policies_dir: Path) -> ThroughPlayer:
    """A player whose world stands; an invented division that another case took is drawn again."""
    attempts = ATTEMPTS
    while True:
        player = ThroughPlayer(case, client, policies_dir, f"{secrets.randbelow(10**8):08d}")
        attempts -= 1
        try:
            player.prepare()
            return player
        except MeshRefusal as refusal:
            if refusal.reason != "RECORD_OVERLAPS" or not attempts:
                raise


def main(files: Sequence[Path], client: MeshClient) -> int:
    """Plays every file; 0 when all agree, 1 when anything differs or cannot be played."""
    failed = 0
    for path in files:
        try:
            differences = run_case_through(path, client)
        except Fault as fault:
            failed += 1
            print(f"{path.name}: [{fault.reason}] {dict(fault.metadata)} {[str(each) for each in fault.violations]}")
            continue
        failed += bool(differences)
        for difference in differences:
            print(difference)
        if not differences:
            print(f"{path.name}: agrees, played through {client.url}")
    return 1 if failed else 0
