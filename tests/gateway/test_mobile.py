"""The mobile face: what a hospital's client sends is proven, read, served and answered signed, or refused for a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from gateway import tables
from gateway.app import build
from gateway.mobile.routes import MobileRoutes
from gateway.national.face import TIMEOUT_S
from gateway.national.transactions import Transactions
from services.kernel.errors import Fault, FaultKind, not_found, precondition
from services.runtime.config import Config
from services.runtime.contract import Contract, ContractError
from services.runtime.forms import MobileForm
from services.runtime.national.envelope import App, OpenedAnswer, build_request, open_answer, read_outer
from services.runtime.national.signed_text import SecretForm
from services.runtime.server import StartError
from services.runtime.telemetry import Telemetry
from services.runtime.texts.starting import started
from tests.gateway.conftest import HOSPITAL, KEY, Scene, SetClock, hospital, running
from tests.gateway.test_timeouts import after
from tests.runtime.national.keys import OTHER, STANDARD_PUBLIC, other, standard
from tests.tokens import Tokens
from tools import mobile_call
from tools.sandbox_keys import MOBILE_APP
from tools.tidy import ROOT
from yibao.identity.v1 import partner_pb2
from yibao.settlement.v1 import settlement_query_pb2, visit_pb2

APP_ID, SECRET = "5A4E1F00000000000000000000000001", "a-secret-of-the-tests"
HERE = "/org/local/api/hos"
# Transactions that stand in for those of orders: a write, one with money, and a read.
PATHS = {
    "yibao.settlement.v1.EncounterService.RegisterVisit": MobileForm(f"{HERE}/registerVisit", "data.ipt_otp_no"),
    "yibao.settlement.v1.SettlementService.SettleStay": MobileForm(f"{HERE}/settle_Stay", ""),
    "yibao.settlement.v1.SettlementService.GetSettlement": MobileForm(f"{HERE}/query_settlement", ""),
}
VISIT = {"psn_no": "99000000000000000001", "insutype": "310", "begntime": "2026-01-15 10:30:00", "mdtrtCertType": "02",
         "mdtrt_cert_no": "1", "ipt_otp_no": "OTP-7", "dept_name": "内科"}  # fmt: skip


def with_paths(paths: dict[str, MobileForm]) -> Contract:
    known = Contract.of_mesh().methods
    return Contract({path: replace(each, mobile=paths.get(each.full_name)) for path, each in known.items()})


def app_of(app_id: str = APP_ID, secret: str = SECRET, form: SecretForm = SecretForm.KEY) -> App:
    """An app as its hospital has it."""
    return App(app_id, secret, standard(), other().public, form)


def registered(app_id: str = APP_ID, code: str = HOSPITAL, **changed: Any) -> partner_pb2.Partner:
    mobile = {"app_id": app_id, "app_secret": SECRET, "public_key": STANDARD_PUBLIC, "own_private_key": OTHER} | changed
    return hospital(partner_code=code, mobile=partner_pb2.MobileApp(**mobile))


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory, compiled: Transactions) -> AsyncIterator[Centre]:
    """One gateway for all of these tests: what each needs of its own has an app of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "mobile_routes", lambda: MobileRoutes(with_paths(PATHS), compiled))
        async with running(tmp_path_factory.mktemp("mobile"), {"YIBAO_MAX_MESSAGE_BYTES": "100000"}) as scene:
            yield Centre(scene)


@pytest.fixture
def centre(served: Centre) -> Centre:
    served.scene.clock.moment = datetime.now(UTC)
    served.scene.mesh.asked.clear()
    served.scene.mesh.answers |= dict.fromkeys(("RegisterVisit", "SettleStay", "GetSettlement"))
    return served


class Centre:
    """The gateway as a hospital's client of the mobile payment centre sees it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.mesh = scene.mesh
        self.apps = {APP_ID: registered()}
        scene.mesh.answers["ResolvePartner"] = self._resolve

    def _resolve(self, request: partner_pb2.ResolvePartnerRequest) -> Any:
        partner = self.apps.get(request.app_id)
        if partner is None:
            return not_found("APP_UNKNOWN", app_id=request.app_id)
        return partner_pb2.ResolvePartnerResponse(partner=partner, role=partner.role, subject=partner.partner_code)

    def app(self, app_id: str, form: SecretForm = SecretForm.KEY, **changed: Any) -> App:
        """Another app of another hospital."""
        self.apps[app_id] = registered(app_id, f"H990100{len(self.apps):05}", **changed)
        return app_of(app_id, form=form)

    def body(self, data: dict[str, Any], app: App | None = None, now: datetime | None = None, **options: Any) -> bytes:
        return build_request(app or app_of(), data, now or self.scene.clock(), **options)

    async def post(self, path: str, body: bytes, status: int = 200) -> bytes:
        answer = await self.scene.client.post(path, content=body)
        assert answer.status_code == status, answer.text
        return answer.content

    async def sent(self, name: str, body: bytes, status: int = 200, app: App | None = None) -> OpenedAnswer:
        found = await self.post(f"{HERE}/{name}", body, status)
        return open_answer(app or app_of(), found, self.scene.clock())

    async def reason(self, name: str, body: bytes) -> str:
        """Of a refusal, signed or not."""
        told = json.loads(await self.post(f"{HERE}/{name}", body))
        assert told["code"] == -1
        assert told["success"] is False
        return str(told["message"]).removeprefix("[").partition("]")[0]


def registered_visit() -> visit_pb2.RegisterVisitResponse:
    return visit_pb2.RegisterVisitResponse(data=visit_pb2.VisitKey(mdtrt_id="M1", psn_no="P1"))


class TestWhatIsServed:
    @pytest.mark.parametrize("options", [{}, {"version": "2.0.1"}, {"id_name": "appCode"}, {"escaped": True}])
    async def test_a_request_reaches_the_member_and_its_answer_comes_back_signed(
        self, centre: Centre, options: dict[str, Any]
    ) -> None:
        centre.mesh.answers["RegisterVisit"] = registered_visit()
        told = await centre.sent("registerVisit", centre.body(VISIT, **options))
        assert (told.code, told.success) == ("0", True)
        assert told.data["mdtrt_id"] == "M1"
        (asked,) = centre.mesh.calls("RegisterVisit")
        assert asked.request.data.dept_name == "内科"
        assert asked.request.desk.fixmedins_code == HOSPITAL
        assert asked.caller.subject == HOSPITAL

    async def test_the_number_of_its_business_is_the_number_of_the_message(self, centre: Centre) -> None:
        centre.mesh.answers["RegisterVisit"] = registered_visit()
        for _ in range(2):
            await centre.sent("registerVisit", centre.body(VISIT))
        asked = [each.request for each in centre.mesh.calls("RegisterVisit")]
        assert {(each.request_id, each.desk.msgid) for each in asked} == {("2201:OTP-7", "OTP-7")}

    async def test_without_one_each_message_is_one_of_its_own(self, centre: Centre) -> None:
        for _ in range(2):
            await centre.sent("registerVisit", centre.body({**VISIT, "ipt_otp_no": ""}))
        numbers = {each.request.request_id for each in centre.mesh.calls("RegisterVisit")}
        assert len(numbers) == 2

    async def test_amounts_are_texts_of_yuan_with_two_decimals_and_nothing_is_null(self, centre: Centre) -> None:
        answer = settlement_query_pb2.GetSettlementResponse()
        answer.setlinfo.medfee_sumamt_fen = 123450
        answer.setlinfo.setl_id = "S1"
        centre.mesh.answers["GetSettlement"] = answer
        told = await centre.sent("query_settlement", centre.body({"psn_no": "1", "setl_id": "S1", "mdtrt_id": "M1"}))
        assert told.data["setlinfo"]["medfee_sumamt"] == "1234.50"
        assert not [name for name, value in told.data["setlinfo"].items() if value is None]
        assert all(isinstance(value, str) for value in told.data["setlinfo"].values())

    @pytest.mark.parametrize("sum_", ["12.345", "12,5", "abc"])
    async def test_an_amount_of_another_form_is_refused_by_its_name(self, centre: Centre, sum_: str) -> None:
        told = await centre.sent("settle_Stay", centre.body({"psn_no": "1", "medfee_sumamt": sum_}))
        assert told.message.startswith("[INVALID_REQUEST]")
        assert "medfee_sumamt" in told.message
        assert centre.mesh.calls("SettleStay") == []

    @pytest.mark.parametrize("name", ["settle_stay", "SETTLE_STAY"])
    async def test_letter_case_of_a_path_is_not_looked_at(self, centre: Centre, name: str) -> None:
        told = await centre.sent(name, centre.body({"psn_no": "1", "medfee_sumamt": "x"}))
        assert told.message.startswith("[INVALID_REQUEST]")

    async def test_a_refusal_of_a_member_is_signed_and_says_what_is_next(self, centre: Centre) -> None:
        centre.mesh.answers["GetSettlement"] = precondition("SIGN_NO_UNKNOWN")
        told = await centre.sent("query_settlement", centre.body({"psn_no": "1", "setl_id": "S1"}))
        assert (told.code, told.success, told.data) == ("-1", False, {})
        assert told.message.startswith("[SIGN_NO_UNKNOWN] ")
        assert "9001" in told.message

    async def test_an_unknown_outcome_is_no_200(self, centre: Centre) -> None:
        centre.mesh.answers["SettleStay"] = Fault(FaultKind.UNAVAILABLE, "STORE_UNAVAILABLE", {"member": "x"})
        told = await centre.sent("settle_Stay", centre.body({"psn_no": "1", "medfee_sumamt": "1.00"}), status=503)
        assert told.message.startswith("[STORE_UNAVAILABLE]")

    async def test_a_bug_is_told_by_an_id(self, centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("gateway.mobile.routes.MobileRoute.write", fail)
        told = await centre.sent("query_settlement", centre.body({"psn_no": "1"}), status=500)
        assert told.message.startswith("[INTERNAL_ERROR]")

    async def test_the_look_up_of_an_app_is_part_of_the_time(self, centre: Centre) -> None:
        app, known = centre.app("an-app-known-late"), centre.mesh.answers["ResolvePartner"]
        try:
            centre.mesh.answers["ResolvePartner"] = after(0.5, known)
            assert (await centre.sent("query_settlement", centre.body({"psn_no": "1"}, app), app=app)).success
        finally:
            centre.mesh.answers["ResolvePartner"] = known
        (call,) = centre.mesh.calls("GetSettlement")
        assert call.left_s <= TIMEOUT_S - 0.5

    async def test_the_profile_says_how_the_secret_ends_the_text(self, centre: Centre) -> None:
        app = centre.app("appended-secret-1", SecretForm.APPENDED, secret_appended=True)
        told = await centre.sent("query_settlement", centre.body({"psn_no": "1"}, app), app=app)
        assert told.success
        other_way = centre.body({"psn_no": "1"}, app_of("appended-secret-1"))
        assert await centre.reason("query_settlement", other_way) == "AUTHENTICATION_FAILED"


class TestWhatIsRefused:
    async def test_an_app_that_nobody_has(self, centre: Centre) -> None:
        stranger = App("0" * 32, SECRET, standard(), other().public)
        assert await centre.reason("registerVisit", centre.body(VISIT, stranger)) == "APP_UNKNOWN"

    async def test_a_signature_of_somebody_else(self, centre: Centre) -> None:
        stranger = App(APP_ID, SECRET, other(), other().public)
        assert await centre.reason("registerVisit", centre.body(VISIT, stranger)) == "AUTHENTICATION_FAILED"
        assert centre.mesh.calls("RegisterVisit") == []

    async def test_another_secret(self, centre: Centre) -> None:
        stranger = App(APP_ID, "another secret", standard(), other().public)
        assert await centre.reason("registerVisit", centre.body(VISIT, stranger)) == "CIPHER_BROKEN"

    async def test_a_stale_envelope(self, centre: Centre) -> None:
        body = centre.body(VISIT, now=centre.scene.clock() - timedelta(minutes=6))
        assert await centre.reason("registerVisit", body) == "TIMESTAMP_OUT_OF_WINDOW"

    async def test_the_same_envelope_twice_also_in_another_writing(self, centre: Centre) -> None:
        body = centre.body(VISIT)
        assert (await centre.sent("registerVisit", body)).success
        replayed = await centre.sent("registerVisit", body)
        assert replayed.message.startswith("[ENVELOPE_REPLAYED] ")
        assert "signData 已收到过" in replayed.message
        again = json.loads(body)
        again["encData"] = again["encData"].lower()
        assert await centre.reason("registerVisit", json.dumps(again, indent=2).encode()) == "ENVELOPE_REPLAYED"
        assert len(centre.mesh.calls("RegisterVisit")) == 1
        centre.scene.clock.moment += timedelta(minutes=6)
        assert await centre.reason("registerVisit", body) == "TIMESTAMP_OUT_OF_WINDOW"

    async def test_an_envelope_of_one_app_is_not_anothers(self, centre: Centre) -> None:
        centre.app("9" * 32)
        body = json.loads(centre.body(VISIT)) | {"appId": "9" * 32}
        assert await centre.reason("registerVisit", json.dumps(body).encode()) == "CIPHER_BROKEN"

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"appId":"a","appId":"b"}', b'{"infno":"1101"}'])
    async def test_what_is_no_envelope(self, centre: Centre, body: bytes) -> None:
        assert await centre.reason("registerVisit", body) == "ENVELOPE_INVALID"

    async def test_a_name_twice_in_what_is_encrypted(self, centre: Centre) -> None:
        body = json.loads(centre.body(VISIT))
        body["encData"] = app_of().encrypt(b'{"psn_no":"1","psn_no":"2"}')
        assert await centre.reason("registerVisit", json.dumps(body).encode()) == "ENVELOPE_INVALID"

    async def test_who_fails_again_and_again_waits(self, centre: Centre) -> None:
        centre.app("many-failures-of-one")
        stranger = App("many-failures-of-one", SECRET, other(), other().public)
        bodies = [centre.body({**VISIT, "ipt_otp_no": str(place)}, stranger) for place in range(7)]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for body in bodies:
            assert await centre.reason("registerVisit", body) == "AUTHENTICATION_FAILED"
        assert loop.time() - begun > 0.25

    async def test_one_unknown_app_after_the_other_is_one_caller_that_waits(self, centre: Centre) -> None:
        strangers = [App(f"{place:032}", SECRET, standard(), other().public) for place in range(7)]
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for stranger in strangers:
            assert await centre.reason("registerVisit", centre.body(VISIT, stranger)) == "APP_UNKNOWN"
        assert loop.time() - begun > 0.25

    async def test_a_message_that_is_too_large_is_refused_in_the_envelopes_form(self, centre: Centre) -> None:
        told = json.loads(await centre.post(f"{HERE}/registerVisit", b" " * 100_001))
        assert (told["code"], told["success"]) == (-1, False)
        assert told["message"].startswith("[BODY_TOO_LARGE] ")

    async def test_a_get_is_no_call(self, centre: Centre) -> None:
        assert (await centre.scene.client.get(f"{HERE}/registerVisit")).status_code == 404

    async def test_another_path_is_the_national_envelopes(self, centre: Centre) -> None:
        answer = await centre.scene.client.post(f"{HERE}/nothing", content=centre.body(VISIT))
        assert answer.json()["infcode"] == -1

    async def test_nothing_of_a_person_stands_in_a_span(self, centre: Centre) -> None:
        await centre.sent("registerVisit", centre.body({**VISIT, "mdtrt_cert_no": "990000199001010011"}))
        centre.scene.telemetry.flush()
        (*_, span) = centre.scene.spans.named(f"POST {HERE}/registerVisit")
        assert "990000199001010011" not in span.to_json()
        assert HOSPITAL in span.to_json()


class TestStart:
    async def test_without_sm2_the_gateway_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch, compiled: Transactions
    ) -> None:
        monkeypatch.setattr(tables, "mobile_routes", lambda: MobileRoutes(with_paths(PATHS), compiled))
        with pytest.raises(StartError, match=r"gateway cannot start: SM2 needs .*libnone.*YIBAO_MOBILE=off") as refused:
            await self._built({"YIBAO_LIBCRYPTO": "libnone.so"})
        chinese = started(str(refused.value), "zh")
        assert chinese.startswith("gateway无法启动：SM2需要OpenSSL 3或更新版本")
        assert chinese.endswith("或用YIBAO_LIBCRYPTO指定；不提供移动支付报文时：YIBAO_MOBILE=off")
        await self._built({"YIBAO_LIBCRYPTO": "libnone.so", "YIBAO_MOBILE": "off"})

    async def _built(self, settings: dict[str, str]) -> None:
        given = {"YIBAO_SANDBOX": "on", "YIBAO_MESH_KEY": KEY, "YIBAO_TRACE_EXPORTER": "none"}
        config = Config.load({}, given | settings)
        clock = SetClock()
        tokens = Tokens(KEY, clock)
        telemetry = Telemetry("gateway", config)
        try:
            server = await build(config, clock, telemetry, tokens.signer("gateway"))
            await server.stop(0)
        finally:
            telemetry.stop()

    @pytest.mark.parametrize(
        ("name", "form", "said"),
        [
            ("catalogue.v1.CatalogueService.SearchInstitutions", MobileForm("/a", ""), "needs a node data"),
            ("settlement.v1.SettlementService.Settle", MobileForm("/a", ""), "needs one transaction"),
            ("settlement.v1.SettlementService.SettleStay", MobileForm("/a", "request_id"), "is no field of the node"),
        ],
    )
    def test_an_option_that_nothing_can_serve_stops_the_start(
        self, compiled: Transactions, name: str, form: MobileForm, said: str
    ) -> None:
        with pytest.raises(ContractError, match=said):
            MobileRoutes(with_paths({f"yibao.{name}": form}), compiled)

    def test_one_path_serves_one_method(self, compiled: Transactions) -> None:
        twice = dict.fromkeys(PATHS, MobileForm("/Same", ""))
        with pytest.raises(ContractError, match="served twice"):
            MobileRoutes(with_paths(twice), compiled)


class TestByHand:
    async def test_the_sandboxs_hospital_calls_with_the_keys_that_are_seeded(self, centre: Centre) -> None:
        centre.mesh.answers["RegisterVisit"] = registered_visit()
        own = mobile_call.sandbox_app()
        seeded = yaml.safe_load((ROOT / "tools/sandbox/partners.yaml").read_text(encoding="utf-8"))["partners"][0]
        centre.apps[MOBILE_APP] = registered(**seeded["mobile"])
        url = f"http://{centre.scene.server.address}"
        told = await asyncio.to_thread(mobile_call.call, own, url, "registerVisit", VISIT)
        assert told.data["mdtrt_id"] == "M1"

    async def test_the_command_tells_answers_refusals_and_silence_apart(
        self, centre: Centre, capsys: pytest.CaptureFixture[str]
    ) -> None:
        url = f"http://{centre.scene.server.address}"
        words = ["registerVisit", json.dumps(VISIT), "--url", url, "--bureau-key", other().public.point.hex()]
        assert await asyncio.to_thread(mobile_call.main, [*words, "--app", "of-nobody-at-all"]) == 2
        assert "APP_UNKNOWN" in capsys.readouterr().err
        own = ["--app", APP_ID, "--secret", SECRET]
        assert await asyncio.to_thread(mobile_call.main, [*words, *own]) == 1
        assert "AUTHENTICATION_FAILED" in capsys.readouterr().out

    def test_read_outer_is_what_both_sides_read(self) -> None:
        assert read_outer(b'{"appCode":"x"}').id_name == "appCode"
