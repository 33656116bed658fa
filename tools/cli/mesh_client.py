"""Talks to a running mesh as outsiders do: REST with a bearer key, and the national envelope of a hospital client.

It holds no business rule and reads no store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx
from google.protobuf import json_format
from google.protobuf.message import Message

from services.kernel.clock import BEIJING
from services.runtime.contract import Contract
from services.runtime.texts.table import Language

BUSINESS_DATE_HEADER = "X-Yibao-Business-Date"
TIMEOUT_HEADER = "Grpc-Timeout"

COUNTER = {"mac": "00-00-00-00-00-00", "ip": "127.0.0.1"}
"""The machine at which an invented operator sits."""

_NETWORK_S = 5.0
_REASON = re.compile(r"^\[([A-Z_]+)\]")


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal's text in one language, and its broken fields, one a line."""

    text: str
    fields: tuple[str, ...] = ()


class MeshRefusal(Exception):
    """A refusal by the mesh: its reason, its text and the broken fields, one a line."""

    def __init__(self, reason: str, english: Said, chinese: Said | None = None, *, stranger: bool = False) -> None:
        self.reason = reason
        self.english = english
        # Whoever answered is no gateway: the answer is in no form of the mesh's.
        self.stranger = stranger
        self.chinese = chinese or english
        super().__init__(self.told("en"))

    def told(self, language: Language) -> str:
        """The refusal in a language, its fields below it; in English where the mesh gave nothing else."""
        said = self.chinese if language == "zh" else self.english
        return "\n  ".join((f"[{self.reason}] {said.text}", *said.fields))


class MeshUnreachable(Exception):
    """Nothing answers at the address; `cause` is the name of the network's error."""

    def __init__(self, url: str, cause: str) -> None:
        self.url = url
        self.cause = cause
        super().__init__(f"nothing answers at {url} ({cause})")


@dataclass(frozen=True, slots=True)
class NationalAnswer:
    """Answer of the national envelope: the whole body, and its output; numbers with a point are Decimal."""

    body: Mapping[str, Any]
    text: str

    @property
    def output_text(self) -> str:
        """The output as it came, byte for byte."""
        start = self.text.index('"output":') + len('"output":')
        return self.text[start : json.JSONDecoder().raw_decode(self.text, start)[1]]

    @property
    def succeeded(self) -> bool:
        """True where infcode is 0."""
        return self.body.get("infcode") == 0

    @property
    def output(self) -> Mapping[str, Any]:
        """The nodes; empty where there are none."""
        return self.body.get("output") or {}

    @property
    def message(self) -> str:
        """err_msg, empty on success."""
        return self.body.get("err_msg") or ""

    @property
    def reason(self) -> str:
        """Reason of a refusal, `ENCOUNTER_STATE`; the whole message where it names none."""
        found = _REASON.match(self.message)
        return found.group(1) if found else self.message


class MeshClient:
    """One caller of a gateway. `key` is a bearer key. The national envelope needs none in a sandbox; elsewhere `proof` are the
    headers by which an institution proves itself.
    """

    def __init__(
        self, url: str, key: str = "", timeout_s: float = 30.0, *, proof: Mapping[str, str] | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._contract = Contract.of_mesh()
        self._timeout_s = timeout_s
        headers = {"Authorization": f"Bearer {key}"} if key else dict(proof or {})
        self._http = httpx.Client(timeout=timeout_s, headers=headers, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def call(
        self, method: str, request: Message, business_date: date | None = None, *, within_s: int | None = None
    ) -> Any:
        """Calls a method by its full name over REST; MeshRefusal or MeshUnreachable.

        `within_s` asks the mesh for an answer in that time, instead of the gateway's own limit, and waits as long.
        """
        contract = self._contract.method(method)
        route = next((route for route in contract.http if route.verb == "POST"), None)
        if route is None:
            raise MeshRefusal("ROUTE_NOT_FOUND", Said(f"{method} has no POST route"))
        headers = {BUSINESS_DATE_HEADER: business_date.isoformat()} if business_date else {}
        wait_s = self._timeout_s
        if within_s is not None:
            headers[TIMEOUT_HEADER] = f"{within_s}S"
            wait_s = within_s + _NETWORK_S
        answer = self._post(self.url + route.path, json_format.MessageToDict(request), headers, wait_s)
        if answer.is_error:
            raise _refusal(answer)
        return json_format.ParseDict(answer.json(), contract.response_class(), ignore_unknown_fields=True)

    def get(self, path: str) -> Any:
        """A GET as JSON."""
        try:
            answer = self._http.get(self.url + path)
        except httpx.HTTPError as error:
            raise MeshUnreachable(self.url, type(error).__name__) from None
        if answer.is_error:
            raise _refusal(answer)
        return answer.json()

    def check_envelope(self, message: bytes) -> Any:
        """What is lenient or wrong in a message of the national interface, as JSON; nothing of it is done."""
        headers = {"Content-Type": "application/json"}
        try:
            answer = self._http.post(f"{self.url}/v1/envelopes:check", content=message, headers=headers)
        except httpx.HTTPError as error:
            raise MeshUnreachable(self.url, type(error).__name__) from None
        if answer.is_error:
            raise _refusal(answer)
        return answer.json()

    def post_envelope(
        self, envelope: Mapping[str, object], business_date: date | None = None, path: str = "/fsi/api"
    ) -> NationalAnswer:
        """Posts a national envelope as it is given."""
        headers = {BUSINESS_DATE_HEADER: business_date.isoformat()} if business_date else {}
        answer = self._post(self.url + path, envelope, headers, self._timeout_s)
        if answer.status_code != httpx.codes.OK:
            raise MeshRefusal(str(answer.status_code), Said(answer.text[:200]))
        return NationalAnswer(json.loads(answer.text, parse_float=Decimal), answer.text)

    def _post(self, url: str, body: object, headers: Mapping[str, str], wait_s: float) -> httpx.Response:
        timeout = httpx.Timeout(wait_s, connect=self._timeout_s)
        try:
            return self._http.post(url, json=body, headers=dict(headers), timeout=timeout)
        except httpx.HTTPError as error:
            raise MeshUnreachable(self.url, type(error).__name__) from None


def pages(client: MeshClient, method: str, request: Any) -> Iterator[Any]:
    """Every page of a list, from the one that `request` asks for to the last; the request is changed on the way."""
    while True:
        page = client.call(method, request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


@dataclass(slots=True)
class HospitalClient:
    """A hospital's side of the national envelope: numbers its messages and fills the envelope."""

    client: MeshClient
    fixmedins_code: str
    fixmedins_name: str
    mdtrtarea_admvs: str
    started: datetime
    opter: str = "0001"
    opter_name: str = "测试操作员"
    serial: int = 0
    sign_no: str = ""

    def sign_in(self, business_date: date | None = None) -> NationalAnswer:
        """9001: what comes first in a hospital's day; its number then stands in every message."""
        answer = self.send("9001", {"signIn": {"opter_no": self.opter, **COUNTER}}, business_date=business_date)
        if answer.succeeded:
            self.sign_no = str(answer.output["signinoutb"]["sign_no"])
        return answer

    def next_msgid(self) -> str:
        """Institution code, time and a four-digit serial: 30 characters."""
        self.serial += 1
        return f"{self.fixmedins_code}{self.started.astimezone(BEIJING):%Y%m%d%H%M%S}{self.serial:04d}"

    def send(
        self,
        infno: str,
        nodes: Mapping[str, object],
        *,
        insuplc_admdvs: str = "",
        business_date: date | None = None,
        msgid: str = "",
    ) -> NationalAnswer:
        """Sends one transaction; a business failure is an answer, not an error."""
        moment = self.started.astimezone(BEIJING)
        envelope: dict[str, object] = {
            "infno": infno,
            "msgid": msgid or self.next_msgid(),
            "mdtrtarea_admvs": self.mdtrtarea_admvs,
            "insuplc_admdvs": insuplc_admdvs,
            "recer_sys_code": "MBS_LOCAL",
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": self.opter,
            "opter_name": self.opter_name,
            "inf_time": f"{moment:%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": self.fixmedins_code,
            "fixmedins_name": self.fixmedins_name,
            "sign_no": self.sign_no,
            "input": nodes,
        }
        return self.client.post_envelope(envelope, business_date, f"/fsi/api/rsfComIfsService/callService/{infno}")


def _refusal(answer: httpx.Response) -> MeshRefusal:
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return MeshRefusal(str(answer.status_code), Said(answer.text[:200]), stranger=True)
    reason, chinese = error.get("status", ""), ""
    fields: list[Mapping[str, Any]] = []
    for detail in error.get("details", ()):
        kind = str(detail.get("@type", "")).rpartition(".")[2]
        if kind == "ErrorInfo":
            reason = detail.get("reason", reason)
        if kind == "BadRequest":
            fields = detail.get("fieldViolations", [])
        if kind == "LocalizedMessage" and detail.get("locale") == "zh-CN":
            chinese = detail.get("message", "")
    english = Said(error.get("message", ""), tuple(_field(each, "en-US") for each in fields))
    told = Said(chinese or english.text, tuple(_field(each, "zh-CN") for each in fields))
    return MeshRefusal(reason, english, told)


def _field(violation: Mapping[str, Any], locale: str) -> str:
    localized = violation.get("localizedMessage", {})
    said = localized.get("message") if localized.get("locale") == locale else violation.get("description")
    return f"{violation.get('field')}: {said or violation.get('description')}"
