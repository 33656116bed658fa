"""Plays everything that the reference shows: journeys of a hospital by both faces, a person's look into the own books, and,
for what no journey needs, the requests that the contract tests find out by themselves.

So a new RPC has an example without a line here. What is kept are real questions and answers of a sandbox; only secrets are
replaced, and people are the invented ones.
"""

from __future__ import annotations

import json
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from gateway.rest import Routes
from gateway.tables import ENVELOPE_SERVICE
from services.runtime.call import Caller, Role
from services.runtime.contract import Contract, MethodContract
from tests.contract.bench import Bench, started_bench
from tests.contract.explore import AT_CHANNELS
from tests.contract.faces import http_form
from tests.examples.by_rest import RestHospital
from tests.examples.imaging import between_nodes, of_a_study
from tests.mesh import journeys, paying
from tests.mesh.harness import OPERATOR_KEY
from tests.mesh.hospital import Hospital, rest
from tests.mesh.seeds import seed_requests
from tests.mesh.world import Sandbox, sandbox
from tools.played.messages import Patient
from tools.sandbox_keys import key_of

WHO: Final = Patient("99000000000000000001", "测试人员", "990000199001010011", "C00000001")
"""A person of every sandbox, so that what asks about nobody else can be sent again as it is shown."""

DECODER: Final = "/localcfc/api/hsecfc/localQrCodeQuery"
CHECK: Final = f"{ENVELOPE_SERVICE}.CheckEnvelope"
HIDDEN: Final = frozenset({"apikey", "secret", "ecqrcode", "ectoken", "sessiontoken", "ticket"})
"""Secret fields whose values are replaced; the other secret ones are certificates of people who do not exist."""

Played = dict[str, dict[str, Any]]


async def everything() -> dict[str, Played]:
    """`national`: request and answer by number; `rest`: path, request and answer by full name of the method."""
    with tempfile.TemporaryDirectory() as folder:
        async with sandbox(Path(folder) / "town") as town:
            national, by_rest = await _journeys(town)
        async with started_bench(Path(folder) / "bench") as bench:
            for wanted in (of_a_study, between_nodes):
                for name, request, caller in await wanted(bench):
                    by_rest[name] = await _asked(bench, bench.mesh.contract.method(name), request, caller)
            for method in public_methods(bench.mesh.contract):
                if method.full_name not in by_rest:
                    by_rest[method.full_name] = await _found_out(bench, method)
    text = json.dumps({"national": national, "rest": by_rest}, ensure_ascii=False)
    played: dict[str, Played] = json.loads(without_secrets(text))
    return {face: dict(sorted(found.items())) for face, found in played.items()}


def texts_below(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Name and text of every text in a value, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_below(inner, key)
    elif isinstance(value, list):
        for each in value:
            yield from texts_below(each, name)
    elif isinstance(value, str):
        yield name, value


def is_hidden(name: str) -> bool:
    """Whether the value of that name is replaced: in snake or camel case."""
    return name.replace("_", "").casefold() in HIDDEN


def without_secrets(text: str) -> str:
    """JSON in which every secret that stands anywhere under its name is replaced wherever it stands."""
    found = {value: name for name, value in texts_below(json.loads(text)) if is_hidden(name) and value}
    for value in sorted(found, key=len, reverse=True):
        text = text.replace(value, f"sample-{found[value].replace('_', '')}")
    return text


def public_methods(contract: Contract) -> list[MethodContract]:
    """What REST serves, but what only a channel can ask for."""
    served = contract.methods.values()
    shown = (each for each in served if each.http and each.roles != {Role.SERVICE})
    return [each for each in shown if each.full_name not in AT_CHANNELS]


async def _journeys(town: Sandbox) -> tuple[Played, Played]:
    hospital = town.hospital
    other = RestHospital(hospital.http, hospital.clock, numbers=hospital.numbers)
    await _days(hospital)
    await _days(other)
    await _decoder(hospital)
    await journeys.operator(hospital, WHO)
    await _own_books(hospital)
    await _advised(hospital)
    await paying.journey(hospital, WHO)
    await _replayed(hospital)
    await _statements(hospital)
    national: Played = {}
    by_rest = {name: _rest_pair(each.sent[0], each.sent[1], each.text) for name, each in other.told.items()}
    routes = Routes(town.mesh.contract)
    for each in hospital.journal:
        if each.name.startswith("/v1/"):
            route, _ = routes.find("POST", each.name)
            sent = {name: value for name, value in each.sent.items() if name != "apiKey"}
            by_rest.setdefault(route.method.full_name, _rest_pair(each.name, sent, each.text))
        else:
            name = str(each.sent.get("infno") or each.sent.get("transType", ""))
            # A file is no JSON, so of a download a refusal is shown.
            if name == "9102" or _better(json.loads(each.text), national.get(name)):
                national[name] = {"request": each.sent, "answer": json.loads(each.text)}
    by_rest[CHECK] = await _checked(hospital, national["1101"]["request"])
    return national, by_rest | await _registered(town)


async def _statements(hospital: Hospital) -> None:
    """An institution compares a day; it asks for a file that there is not."""
    days = {"stmt_begndate": hospital.moment()[:10], "stmt_enddate": hospital.moment()[:10]}
    named = {"setl_optins": "110000", "clr_type": "11", "fixmedins_setl_cnt": 1, **days}
    sums = {"medfee_sumamt": 100, "fund_pay_sumamt": 70}
    await hospital.done("3201", {"data": {"insutype": "310", **named, **sums, "acct_pay": 30}})
    line = "990000S0001\t990000M0001\t99000000000000000001\t100.00\t70.00\t30.00\t0\r\n"
    file = {"in": b64encode(line.encode()).decode(), "filename": "detail.txt", "fixmedins_code": hospital.code}
    kept = (await hospital.done("9101", {"fsUploadIn": file})).output
    await hospital.done("3202", {"data": {"file_qury_no": kept["file_qury_no"], **named, **sums, "cash_payamt": 0}})
    asked = {"file_qury_no": "F0", "filename": "result.zip", "fixmedins_code": "plc"}
    await hospital.refused("9102", {"fsDownloadIn": asked})


async def _days(hospital: Hospital) -> None:
    """A visit, a stay, the provincial forms of trial and settlement, and a message that is taken back."""
    await journeys.out_patient(hospital, WHO)
    await hospital.sign_in()
    await journeys.in_patient(hospital, WHO)
    await journeys.clearing(hospital, WHO)
    await journeys.filings(hospital, WHO)
    node = await hospital.open_visit(WHO, journeys.BILL)
    await hospital.done("2206A", {"data": node}, home=WHO.home)
    settled = await hospital.settle(node, "2207A", home=WHO.home)
    lost = {"psn_no": WHO.psn_no, "omsgid": settled.msgid, "oinfno": "2207A"}
    await hospital.done("2601", {"data": lost}, home=WHO.home)
    await journeys.recognition(hospital, WHO, await journeys.ec_code(_plain(hospital), WHO))
    await hospital.done("6101", {"InData": journeys.scan(hospital, await journeys.ec_code(_plain(hospital), WHO))})


def _plain(hospital: Hospital) -> Hospital:
    """The same line without a translation, for what is REST in every case."""
    return Hospital(hospital.http, hospital.clock, journal=hospital.journal, numbers=hospital.numbers)


async def _decoder(hospital: Hospital) -> None:
    data = journeys.scan(hospital, await journeys.ec_code(hospital, WHO))
    body = {"orgId": data.pop("orgId"), "transType": "ec.query", "data": data, "extra": {}}
    await hospital.post(body, DECODER)


async def _own_books(hospital: Hospital) -> None:
    """A person lists, opens and adds up what was paid."""
    key, own = key_of("person", WHO.psn_no), {"psnNo": WHO.psn_no}
    listed = await rest(hospital, "/v1/own/settlements:list", {**own, "pageSize": 2}, key)
    one = {**own, "setlId": listed["settlements"][0]["setlId"]}
    await rest(hospital, "/v1/own/settlements:get", one, key)
    await rest(hospital, "/v1/own/lines:list", one, key)
    await rest(hospital, "/v1/own/accounts:list", own, key)
    await rest(hospital, "/v1/own/account-movements:list", {**own, "insutype": WHO.insutype, "pageSize": 3}, key)
    await rest(hospital, "/v1/own/accumulators:list", own, key)
    await rest(hospital, "/v1/persons:get", own, OPERATOR_KEY)


async def _advised(hospital: Hospital) -> None:
    """A hospital plans a second CT of the chest, is advised of the first one, and accepts that."""
    key, own = key_of("institution", hospital.code), {"fixmedinsCode": hospital.code}
    plan = {"psnNo": WHO.psn_no, "drCodg": "D990000000001", "itemCode": journeys.CHEST_CT, "bodyPart": "胸部"}
    advice = await rest(hospital, "/v1/imaging/recognitions:advise", {**own, **plan}, key)
    accepted = {"accepted": {"reportNo": advice["priors"][0]["reportNo"]}, "memo": "结果可用"}
    asked = {"requestId": f"decide-{advice['adviceNo']}", **own, "adviceNo": advice["adviceNo"], **accepted}
    await rest(hospital, "/v1/imaging/recognitions:decide", asked, key)
    await rest(hospital, "/v1/imaging/recognitions:count", {**own, "firstMonth": hospital.moment()[:7]}, key)


async def _replayed(hospital: Hospital) -> None:
    """The first of two visits is taken out from under the second one."""
    first, _ = [await hospital.visit(WHO, journeys.BILL) for _ in range(2)]
    named = {"setlId": first.info["setl_id"]}
    await rest(hospital, "/v1/replays:plan", named, OPERATOR_KEY)
    asked = {"requestId": f"replay-{first.msgid}", **named, "memo": "费用重复结算"}
    await rest(hospital, "/v1/replays:run", asked, OPERATOR_KEY)
    await rest(hospital, "/v1/adjustments:list", {"psnNo": WHO.psn_no, "pageSize": 2}, OPERATOR_KEY)


async def _checked(hospital: Hospital, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message with two faults, held against the contract."""
    faulty = {**message, "infver": "", "input": {"data": {**message["input"]["data"], "psn_cert_typ": "01"}}}
    answer = await hospital.http.post("/v1/envelopes:check", json=faulty)
    assert answer.is_success, answer.text
    return _rest_pair("/v1/envelopes:check", faulty, answer.text)


async def _registered(town: Sandbox) -> Played:
    """What makes a world, as an operator sends it: partner, people, ledgers. Of the catalogue a record or two are enough."""
    found: Played = {}
    for name, request in seed_requests(1):
        method = town.mesh.contract.method(name)
        if name.endswith(".Publish") or name in found:
            continue
        url, body = http_form(method.http[0], request, unknown_fields=False)
        key = {"Authorization": f"Bearer {OPERATOR_KEY}"}
        response = await town.hospital.http.post(url, content=body, headers=key)
        assert response.is_success, response.text
        found[name] = _rest_pair(url, json.loads(body or b"null"), response.text)
    return found


async def _found_out(bench: Bench, method: MethodContract) -> dict[str, Any]:
    """A request that the contract tests' explorer makes, and its answer."""
    prepared = await bench.explorer.prepare(method)
    return await _asked(bench, method, prepared.request, prepared.caller)


async def _asked(bench: Bench, method: MethodContract, request: Any, caller: Caller | None) -> dict[str, Any]:
    """A request that is accepted, and its answer."""
    answer = await bench.rest.call(method, request, caller)
    if not answer.ok:
        raise SystemExit(f"{method.full_name}: no request is accepted: {answer}")
    url, body = http_form(method.http[0], request, unknown_fields=False)
    return _rest_pair(url, json.loads(body) if body else None, answer.raw.decode())


def _rest_pair(url: str, sent: Any, text: str) -> dict[str, Any]:
    pair = {"path": url, "request": sent, "answer": json.loads(text)}
    return {name: value for name, value in pair.items() if value is not None}


def _better(answer: Mapping[str, Any], known: Mapping[str, Any] | None) -> bool:
    """The first that succeeded, rather one without a warning."""
    if answer.get("infcode", answer.get("code")) != 0:
        return False
    return known is None or bool(known["answer"].get("warn_msg") and not answer.get("warn_msg"))
