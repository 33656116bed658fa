"""A hospital that speaks REST: the journeys of the national interface, each message sent as the request of its RPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format

from gateway.national.envelope import INFNO, decoder
from gateway.national.transactions import Transactions, known_titles
from services.runtime.contract import Contract
from tests.contract.faces import http_form
from tests.mesh.hospital import Exchange, Hospital, national
from tools.cli.mesh_client import NationalAnswer
from tools.sandbox_keys import key_of

_TABLE: Final = Transactions(Contract.of_mesh(), known_titles())


@dataclass(slots=True)
class RestHospital(Hospital):
    """Plays what a hospital plays, over REST; `told` keeps path, body and answer of each call by the method's full name."""

    told: dict[str, Exchange] = field(default_factory=dict)

    async def send(
        self,
        infno: str,
        nodes: Any,
        *,
        msgid: str = "",
        home: str = "",
        headers: Mapping[str, str] | None = None,
        decoration: Mapping[str, object] | None = None,
    ) -> NationalAnswer:
        """One transaction, that must succeed; its answer as the national interface would give it."""
        served = _TABLE.find(infno, INFNO)
        envelope = self.envelope(infno, nodes, msgid, home) | dict(decoration or {})
        read = decoder().decode(json.dumps(nodes))
        request = served.read(envelope, read, f"{infno}-{envelope['msgid']}")
        url, body = http_form(served.method.http[0], request, unknown_fields=False)
        key = {"Authorization": f"Bearer {key_of('institution', self.code)}", **(headers or {})}
        response = await self.http.request(served.method.http[0].verb, url, content=body, headers=key)
        assert response.is_success, f"{infno} by REST: {response.text}"
        sent = (url, json.loads(body) if body else None)
        self.told.setdefault(served.method.full_name, Exchange(url, sent, response.text))
        answer = json_format.Parse(response.content, served.method.response_class())
        return national(f'{{"infcode":0,"err_msg":null,"output":{served.answer.output(answer)}}}')
