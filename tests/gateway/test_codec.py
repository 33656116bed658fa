"""Single values of the envelope: money keeps every digit, a code is one of its list, nothing is guessed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.national.codec import plan, scalars
from gateway.national.codec.decode import compile_request
from gateway.national.codec.encode import compile_response
from gateway.national.codec.notes import BARE, BLANK, MOST_NOTES, UNKNOWN, Notes
from gateway.national.codec.plan import national_path
from gateway.national.codec.scalars import Unfit
from gateway.national.codec.spelling import PADDED
from gateway.national.envelope import decoder, read_body
from gateway.national.refusals import LIMIT, refusal
from gateway.national.transactions import Transactions, known_titles
from services.kernel.errors import Fault, FaultKind, Violation
from services.kernel.money import yuan_text
from services.runtime.contract import Contract, ContractError
from yibao.identity.v1 import sign_in_pb2
from yibao.payment.v1 import held_pb2
from yibao.settlement.v1 import fee_pb2, reversal_pb2, settlement_pb2, stay_bill_pb2, stay_pb2, visit_pb2

SERVED = (
    "1101 1201 2001 2201 2202 2203 2203A 2204 2205 2206 2206A 2207 2207A 2208 2301 2302 2303 2304 2305 "
    "2401 2402 2404 2405 2501 2502 2601 3201 3202 3260 3261 3262 4501 5201 5202 5203 5204 5206 5304 5401 5402 5461 "
    "6101 6201 6202 6203 6301 6401 9001 9002 9101 9102"
).split()


def literal(text: str) -> Any:
    """What the envelope's JSON reader makes of a literal."""
    return decoder().decode(text.encode())


class TestMoney:
    @pytest.mark.parametrize(
        ("text", "fen"),
        [
            ("10", 1000),
            ("10.0", 1000),
            ("10.00", 1000),
            ('"10.01"', 1001),
            ("-0.05", -5),
            ("0.29", 29),
            ("1.5E+2", 15000),
            ("1e-2", 1),
            ("99999999999999.99", 9999999999999999),
            ('" 7.10 "', 710),
            ('".5"', 50),
            ("0.30000000000000004", 30),
            ("1.1500000000000001", 115),
            ('"0.29999999999999999"', 30),
            ("-0.30000000000000004", -30),
            ("12345.670000000013", 1234567),
            ("8.326672684688674E-17", 0),
            ('"0.299999999999999988897769753748434595763683319091796875"', 30),
        ],
    )
    def test_yuan_become_fen_exactly(self, text: str, fen: int) -> None:
        assert scalars.read_fen(literal(text)) == fen

    @pytest.mark.parametrize(
        "text",
        [
            "10.001",
            "0.3000000001",
            "0.305000000000000004",
            "1234567890123.4567",
            '"1,000.00"',
            '"十元"',
            "true",
            '"."',
            '"--1"',
            "1e99",
            "1e15",
            "10000000000000000",
            '"１０"',
            "[]",
        ],
    )
    def test_what_is_no_amount_in_fen_is_refused(self, text: str) -> None:
        with pytest.raises(Unfit):
            scalars.read_fen(literal(text))

    @given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60))
    def test_a_sum_that_a_client_made_in_doubles_is_the_sum(self, fen: list[int]) -> None:
        assert scalars.read_fen(literal(repr(sum(each / 100 for each in fen)))) == sum(fen)

    @given(st.integers(0, 10**9), st.integers(1, 9))
    def test_a_third_decimal_is_never_taken_for_noise(self, fen: int, third: int) -> None:
        for text in (f"{fen // 100}.{fen % 100:02d}{third}", repr((fen * 10 + third) / 1000)):
            with pytest.raises(Unfit):
                scalars.read_fen(literal(text))

    @given(st.integers(-(10**16), 10**16))
    def test_what_is_written_is_read_back(self, fen: int) -> None:
        assert scalars.read_fen(literal(yuan_text(fen))) == fen

    def test_a_ratio_has_as_many_decimals_as_it_needs_and_no_more_than_its_scale(self) -> None:
        assert scalars.write_number("0.8500", 4) == "0.85"
        assert scalars.write_number("1.00005", 4) == "1.0001"
        assert scalars.write_number("-0.00001", 4) == "0"
        assert scalars.write_number("9.99996", 4) == "10"
        assert scalars.write_number("2.5", 0) == "3"


class TestRows:
    def test_a_list_may_be_one_object_and_a_row_a_list_of_one(self) -> None:
        read = compile_request(fee_pb2.UploadFeesRequest)
        row = {"feedetl_sn": "1", "mdtrt_id": "A", "psn_no": "P", "pric": "3.50"}
        expected = fee_pb2.UploadFeesRequest(request_id="k", mdtrt_id="A", psn_no="P")
        expected.desk.SetInParent()
        expected.feedetail.add(feedetl_sn="1", pric="3.5")
        assert read({}, {"feedetail": row}, "k") == expected
        assert read({}, {"feedetail": [row]}, "k") == expected

    def test_two_rows_are_not_one(self) -> None:
        with pytest.raises(Fault) as caught:
            compile_request(settlement_pb2.TrialRequest)({}, {"data": [{}, {}]}, "")
        assert [each.path for each in caught.value.violations] == ["data"]

    def test_an_empty_list_or_object_is_absent(self) -> None:
        request: Any = compile_request(settlement_pb2.TrialRequest)(
            {}, {"data": [], "mdtrtinfo": {"exp_content": {}}}, ""
        )
        assert request.data.exp_content == ""

    def test_a_key_may_be_written_in_camel_case(self) -> None:
        request: Any = compile_request(stay_bill_pb2.TrialStayRequest)(
            {}, {"data": {"psnNo": "P", "dscg_time": "2025-01-15", "MDTRT_ID": "A"}}, ""
        )
        assert (request.data.psn_no, request.data.mdtrt_id, request.data.dscg_time.day) == ("P", "A", 15)

    def test_a_value_of_blanks_is_absent_and_blanks_at_the_ends_are_no_part_of_a_value(self) -> None:
        read = compile_request(settlement_pb2.SettleRequest)
        bill = {"psn_no": "P\u3000", "med_type": " 11\t", "medfee_sumamt": "\u00a010.00 ", "acct_used_flag": "1\r\n"}
        envelope = {"fixmedins_code": "H1 ", "opter": " 01", "sign_no": " ", "msgid": "M1  "}
        request: Any = read(envelope, {"data": bill | {"invono": " \u3000", "chrg_bchno": " null "}}, "k")
        assert request == read(
            {"fixmedins_code": "H1", "opter": "01", "msgid": "M1"},
            {"data": {"psn_no": "P", "med_type": "11", "medfee_sumamt": "10.00", "acct_used_flag": "1"}},
            "k",
        )

    def test_rows_that_differ_in_blanks_alone_agree(self) -> None:
        rows = [{"feedetl_sn": str(n), "mdtrt_id": f"A{' ' * n}", "psn_no": f"{' ' * n}P"} for n in range(3)]
        notes = Notes()
        request: Any = compile_request(fee_pb2.UploadFeesRequest)({}, {"feedetail": rows}, "k", notes)
        assert (request.mdtrt_id, request.psn_no, len(request.feedetail)) == ("A", "P", 3)
        # Told once of each, at the first row with blanks around it.
        told = {(each.rule, each.path) for each in notes.each()}
        assert {(PADDED, "feedetail[1].mdtrt_id"), (PADDED, "feedetail[1].psn_no")} <= told

    def test_the_older_forms_of_guangzhou_are_the_same_messages(self) -> None:
        read = compile_request(sign_in_pb2.SignInRequest)
        desk = {"opter_no": "1", "mac": "11-11", "ip": "11.11.11.11"}
        assert read({}, {"data": desk | {"userid": "x"}}, "k") == read({}, {"signIn": desk}, "k")
        stay = {"mdtrt_id": "A", "psn_no": "P"}
        for request_class in (stay_pb2.CancelAdmissionRequest, stay_pb2.UndoDischargeRequest):
            read = compile_request(request_class)
            assert read({}, stay, "k") == read({}, {"data": stay}, "k")
        read = compile_request(reversal_pb2.ReverseMessageRequest)
        message = {"psn_no": "P", "omsgid": "M", "oinfno": "2207"}
        assert read({}, message, "k") == read({}, {"data": message}, "k")
        read = compile_request(stay_pb2.AdmitRequest)
        older = {"ipt_otp_no": "Z1", "main_cond_desc": "x"}
        assert read({}, {"mdtrtinfo": older}, "k") == read(
            {}, {"mdtrtinfo": {"ipt_no": "Z1", "main_cond_dscr": "x"}}, "k"
        )

    def test_what_stands_without_its_node_is_noted_as_blank_where_it_is_and_never_as_unknown(self) -> None:
        notes = Notes()
        compile_request(stay_pb2.CancelAdmissionRequest)({}, {"mdtrt_id": "A", "foo": 1}, "k", notes)
        told = [(each.rule, each.path) for each in notes.each()]
        assert told == [(BLANK, "psn_no"), (UNKNOWN, "foo"), (BARE, "data")]

    def test_a_thousand_unknown_names_are_noted_and_the_others_counted(self) -> None:
        notes = Notes()
        names = [f"foo{number}" for number in range(MOST_NOTES + 3)]
        rows = [dict.fromkeys(names[first : first + 100], 1) for first in range(0, len(names), 100)]
        compile_request(fee_pb2.UploadFeesRequest)({}, {"feedetail": rows}, "k", notes)
        assert sum(each.rule == UNKNOWN for each in notes.each()) == MOST_NOTES
        assert notes.more == 3

    def test_what_stands_in_any_row_of_a_list_is_read_and_in_every_row_known(self) -> None:
        rows = [
            {"feedetl_sn": "1", "mdtrt_id": " ", "psn_no": "P"},
            {"feedetl_sn": "2", "mdtrt_id": "A", "psn_no": None},
            {"feedetl_sn": "3", "mdtrt_id": "A"},
        ]
        notes = Notes()
        request: Any = compile_request(fee_pb2.UploadFeesRequest)({}, {"feedetail": rows}, "k", notes)
        assert (request.mdtrt_id, request.psn_no, len(request.feedetail)) == ("A", "P", 3)
        told = [(each.rule, each.path) for each in notes.each()]
        assert not [path for rule, path in told if rule == UNKNOWN]
        assert {(BLANK, "feedetail[0].mdtrt_id"), (BLANK, "feedetail[1].psn_no")} <= {*told}

    def test_a_node_that_is_there_wins_over_fields_beside_it(self) -> None:
        request: Any = compile_request(stay_pb2.CancelAdmissionRequest)(
            {}, {"data": {"mdtrt_id": "A"}, "mdtrt_id": "B", "psn_no": "P"}, "k"
        )
        assert (request.data.mdtrt_id, request.data.psn_no) == ("A", "")

    def test_a_sign_in_is_answered_in_both_nodes(self) -> None:
        answer = sign_in_pb2.SignInResponse(signinoutb=sign_in_pb2.SignInOutput(sign_no="S1"))
        output = json.loads(compile_response(sign_in_pb2.SignInResponse).output(answer))
        assert output["result"] == output["signinoutb"] == {"sign_time": None, "sign_no": "S1"}

    def test_a_code_whose_enum_has_no_national_codes_stops_the_start(self) -> None:
        phase: Any = held_pb2.HeldPayment.DESCRIPTOR.fields_by_name["phase"]
        with pytest.raises(ContractError, match="no value of its enum has a national_code"):
            plan._codes(phase)

    @pytest.mark.parametrize(
        ("said", "region"), [("330100", "330100"), ("330199", "330199"), ("", "990100"), ("x", "990100")]
    )
    def test_the_region_of_care_is_what_the_envelope_says_and_else_that_of_the_institution(
        self, said: str, region: str
    ) -> None:
        body = {"infno": "2207", "fixmedins_code": "H99010000001", "mdtrtarea_admvs": said, "input": {}}
        assert read_body(decoder(), json.dumps(body).encode(), "").region == region

    def test_a_region_of_the_node_wins_over_that_of_the_envelope(self) -> None:
        read = compile_request(stay_bill_pb2.TrialStayRequest)
        envelope = {"insuplc_admdvs": "110000", "mdtrtarea_admvs": "370100"}
        request: Any = read(envelope, {"data": {"insuplc_admdvs": "990100"}}, "")
        assert (request.data.insuplc_admdvs, request.data.mdtrtarea_admvs) == ("990100", "370100")
        assert request.desk.insuplc_admdvs == "110000"

    def test_a_discharge_is_of_one_person_wherever_it_says_so(self) -> None:
        read = compile_request(stay_pb2.DischargeRequest)
        rows = [{"mdtrt_id": "A", "psn_no": "P", "diag_code": "x"}, {"mdtrt_id": "B", "psn_no": "P", "diag_code": "y"}]
        with pytest.raises(Fault) as caught:
            read({}, {"dscginfo": {"mdtrt_id": "A"}, "diseinfo": rows}, "")
        assert [each.path for each in caught.value.violations] == ["diseinfo[1].mdtrt_id"]

    def test_hidden_fields_are_no_part_of_the_envelope(self) -> None:
        request: Any = compile_request(settlement_pb2.SettleRequest)({}, {"trial_hash": "x", "data": {}}, "k")
        assert request.trial_hash == ""
        response = settlement_pb2.TrialResponse(trial_hash="x")
        response.layers.add(policy="p")
        assert json.loads(compile_response(settlement_pb2.TrialResponse).output(response)) == {
            "setlinfo": None,
            "setldetail": [],
        }


class TestWhatDoesNotFit:
    """Is told by the place where it stands, and never guessed."""

    @pytest.mark.parametrize(
        ("request_class", "envelope", "root", "path", "rule"),
        [
            (stay_pb2.AdmitRequest, {}, {"mdtrtinfo": {"ipt_no": "1", "ipt_otp_no": "2"}}, "ipt_otp_no", "disagrees"),
            (stay_pb2.AdmitRequest, {}, {"mdtrtinfo": {"ipt_otp_no": "1", "ipt_no": "2"}}, "ipt_no", "disagrees"),
            (fee_pb2.UploadFeesRequest, {}, {"feedetail": [{}, {"psn_no": [1]}]}, "feedetail[1].psn_no", "text"),
            (settlement_pb2.SettleRequest, {"opter": {"a": 1}}, {"data": {}}, "opter", "text"),
            (settlement_pb2.SettleRequest, {}, {"data": {"psn_no": "\ud800"}}, "input", "text"),
            (settlement_pb2.SettleRequest, {}, {"data": {"medfee_sumamt": "1,00"}}, "data.medfee_sumamt", "number"),
            (stay_bill_pb2.TrialStayRequest, {}, {"data": {"mid_setl_flag": "2"}}, "data.mid_setl_flag", "flag"),
            (stay_bill_pb2.TrialStayRequest, {}, {"data": {"mid_setl_flag": [1]}}, "data.mid_setl_flag", "flag"),
        ],
    )
    def test_it_is_refused_there(
        self, request_class: Any, envelope: dict[str, Any], root: dict[str, Any], path: str, rule: str
    ) -> None:
        with pytest.raises(Fault) as caught:
            compile_request(request_class)(envelope, root, "k")
        (broken,) = caught.value.violations
        assert (broken.path.endswith(path), broken.rule) == (True, f"national.{rule}"), broken

    def test_behind_a_row_that_is_none_the_others_are_read_and_all_that_is_wrong_is_told_at_once(self) -> None:
        rows = ["x", {"feedetl_sn": "2", "psn_no": "P"}, {"feedetl_sn": "3", "psn_no": [1]}]
        with pytest.raises(Fault) as caught:
            compile_request(fee_pb2.UploadFeesRequest)({}, {"feedetail": rows}, "k")
        told = [(each.path, each.rule) for each in caught.value.violations]
        assert told == [("feedetail[0]", "national.node"), ("feedetail[2].psn_no", "national.text")]

    @pytest.mark.parametrize("number", [str(1 << 31), str(-(1 << 31) - 1)])
    def test_a_whole_number_has_32_bits(self, number: str) -> None:
        with pytest.raises(Unfit, match=r"national\.number"):
            scalars.read_integer(literal(number))
        assert scalars.read_integer(literal(str((1 << 31) - 1))) == (1 << 31) - 1
        assert scalars.read_integer(literal(str(-(1 << 31)))) == -(1 << 31)


class TestTable:
    def test_every_transaction_that_the_platform_promises_is_served(self) -> None:
        table = Transactions(Contract.of_mesh(), known_titles())
        assert sorted(SERVED) == sorted(each.infno for each in table.served if each.wrapper == "INFNO")

    def test_all_numbers_of_the_national_text_are_known_by_name(self) -> None:
        titles = known_titles()
        # Three of a province's numbers are served, so that they have a name.
        named = {infno for infno, title in titles.items() if title != "地方扩展交易"} - {"3260", "3261", "3262"}
        assert len(named) == 212
        assert titles["2207"] == "门诊结算"


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("data.medfee_sumamt_fen", "data.medfee_sumamt"),
            ("data", "data"),
            ("request_id", "msgid"),
            ("desk.fixmedins_code", "fixmedins_code"),
            ("trial_hash", "trial_hash"),
        ],
    )
    def test_a_path_of_the_contract_is_told_as_clients_know_it(self, path: str, shown: str) -> None:
        assert national_path(settlement_pb2.SettleRequest.DESCRIPTOR, path) == shown

    def test_rows_keep_their_number(self) -> None:
        descriptor = fee_pb2.UploadFeesRequest.DESCRIPTOR
        assert national_path(descriptor, "feedetail[3].det_item_fee_sumamt_fen") == "feedetail[3].det_item_fee_sumamt"
        assert national_path(descriptor, "psn_no") == "feedetail.psn_no"


class TestRefusalText:
    @given(st.integers(0, 40), st.integers(1, 60))
    def test_it_never_grows_beyond_its_place(self, count: int, size: int) -> None:
        broken = [Violation("a" * size, "national.code", "代码应为" + "1、" * size) for _ in range(count)]
        said = refusal(Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=broken), None)
        assert said.startswith("[INVALID_REQUEST] ")
        assert len(said) <= LIMIT


class TestCodes:
    @pytest.mark.parametrize(("sent", "kind"), [("02", 2), (2, 2), ("2", 2), ("99", 0), ("", 0), ("x", 0), (None, 0)])
    def test_a_kind_of_credential_that_no_dictionary_has_is_read_as_none(self, sent: Any, kind: int) -> None:
        read = compile_request(visit_pb2.RegisterVisitRequest)
        request: Any = read({}, {"data": {"mdtrt_cert_type": sent, "psn_no": "P1"}}, "2201:1")
        assert request.data.mdtrt_cert_type == kind

    def test_a_code_of_any_other_dictionary_is_still_refused(self) -> None:
        read = compile_request(settlement_pb2.SettleRequest)
        with pytest.raises(Fault, match="INVALID_REQUEST"):
            read({}, {"data": {"mdtrt_cert_type": "99", "med_type": "no such care"}}, "2207:1")
