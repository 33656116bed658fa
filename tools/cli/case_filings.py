"""Filings of the person of a case that two cells play: a move by an operator, a referral by an institution at home (2501).

Where one cell plays it, the enrolment and the institution's own words tell the same.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime

from services.runtime.wire import day_message
from tools.cli import case_nodes as nodes
from tools.cli.case_document import CaseOperation
from tools.cli.case_fixture import Fixture, day_of
from tools.cli.mesh_client import HospitalClient, MeshClient, MeshRefusal, Said
from yibao.routing.v1 import filing_pb2


class CaseFilings:
    """Files what a bill needs, once; `client` is the insured cell's."""

    def __init__(self, fixture: Fixture, client: MeshClient) -> None:
        self._fixture = fixture
        self._client = client
        self._referred: set[date] = set()
        self._moved = False

    def file(self, operation: CaseOperation, day: date) -> None:
        """Files before care begins on a day. Raises MeshRefusal where the mesh takes no filing."""
        remote = operation.facts.get("remote")
        if not self._fixture.across:
            return
        if remote == "filed_long_term" and not self._moved:
            self._move(operation)
        elif remote == "transfer" and day not in self._referred:
            self._refer(operation, day)

    def _move(self, operation: CaseOperation) -> None:
        """From the first such bill on, without end."""
        same = (each for each in self._fixture.case.bills if each.facts.get("remote") == operation.facts["remote"])
        first = min(day_of(each) for each in same)
        request = filing_pb2.FileCareRequest(
            request_id=f"case-{self._fixture.run}-f",
            psn_no=self._fixture.psn_no,
            kind=filing_pb2.FILING_KIND_LONG_TERM,
            care_admdvs=self._fixture.place(operation),
            filed_from=day_message(first),
        )
        self._client.call("yibao.routing.v1.FilingService.FileCare", request, first)
        self._moved = True

    def _refer(self, operation: CaseOperation, day: date) -> None:
        fixture = self._fixture
        hospital = HospitalClient(self._client, fixture.home_institution, "案例医院", fixture.home, datetime.now(UTC))
        sent = nodes.referral(fixture, operation, day)
        msgid = secrets.token_hex(15)
        answer = hospital.send("2501", sent, insuplc_admdvs=fixture.home, business_date=day, msgid=msgid)
        if not answer.succeeded:
            english, chinese = Said(f"2501: {answer.message}"), Said(f"2501：{answer.message}")
            raise MeshRefusal(answer.reason, english, chinese)
        self._referred.add(day)
