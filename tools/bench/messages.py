"""The national messages of an out-patient visit as a hospital sends them, as whole HTTP requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.kernel.clock import BEIJING
from tools.bench import wire
from tools.bench.world import API_KEY, HOSPITAL_NAME, OUT_PATIENT, SampleBill
from tools.played import messages
from tools.played.messages import Sender, patient_of
from tools.played.people import DIVISION, InventedPerson

_HOST = "127.0.0.1"


class VisitMessages:
    """The messages of one visit: a person, a bill, a serial number of ten digits from which all its names are made."""

    def __init__(self, who: InventedPerson, bill: SampleBill, serial: str, now: datetime) -> None:
        self.who = who
        self.bill = bill
        self.serial = serial
        self._patient = patient_of(who)
        self._at = f"{now.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"

    def insured(self) -> bytes:
        """1101: who is this."""
        who = self._patient
        shown = {**who.id_card, "card_sn": "", "begntime": "", "psn_cert_type": "01", "certno": who.certno}
        return self._request("1101", {"data": {**shown, "psn_name": who.name}})

    def registration(self) -> bytes:
        """2201: a visit begins."""
        return self._request("2201", {"data": messages.registration(self._patient, f"OP{self.serial}", self._at)})

    def description(self, mdtrt_id: str) -> bytes:
        """2203: why."""
        return self._request("2203", messages.description(self._patient, mdtrt_id, self._at, OUT_PATIENT))

    def fees(self, mdtrt_id: str) -> bytes:
        """2204: what was done, line by line."""
        lines = [
            messages.fee_line(
                *(self._patient, mdtrt_id, row, place, self._at),
                number=f"F{self.serial}{place:02d}",
                batch=self._batch,
            )
            for place, row in enumerate(self.bill.lines)
        ]
        return self._request("2204", {"feedetail": lines})

    def trial(self, mdtrt_id: str) -> bytes:
        """2206: what would be paid."""
        return self._request("2206", {"data": self._bill(mdtrt_id)})

    def settlement(self, mdtrt_id: str, parts: Mapping[str, Any]) -> bytes:
        """2207, with the four parts that the trial told."""
        return self._request("2207", {"data": {**self._bill(mdtrt_id), "invono": "", **parts}})

    @property
    def _batch(self) -> str:
        return f"C{self.serial}"

    def _bill(self, mdtrt_id: str) -> dict[str, Any]:
        return messages.bill(self._patient, mdtrt_id, self.bill.amount_fen, self._batch)

    def _request(self, infno: str, nodes: Mapping[str, Any]) -> bytes:
        hospital = self.bill.hospital
        sender, msgid = Sender(hospital, HOSPITAL_NAME, DIVISION), f"{hospital}{infno}{self.serial:0>14}"
        sent = messages.envelope(sender, infno, nodes, msgid, DIVISION, self._at)
        body = json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()
        return wire.request(_HOST, f"/fsi/api/{infno}", {"apikey": API_KEY + hospital}, body)
