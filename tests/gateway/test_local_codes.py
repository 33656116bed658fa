"""Codes that a dictionary does not have and a province declares: beside the enum in the request, told back in the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.national.codec.decode import compile_request
from gateway.national.codec.encode import compile_response
from services.kernel.errors import Fault
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, fee_pb2, settlement_pb2


class TestLocalCodes:
    @pytest.mark.parametrize("sent", ["110104", "9102", 91])
    def test_a_code_outside_the_dictionary_stands_beside_the_enum_and_is_told_back(self, sent: object) -> None:
        request: Any = compile_request(settlement_pb2.SettleRequest)({}, {"data": {"med_type": sent}}, "")
        assert (request.data.med_type, request.data.local_med_type) == (codes_pb2.MED_TYPE_LOCAL, str(sent))
        info = common_pb2.Setlinfo(med_type=codes_pb2.MED_TYPE_OUTPATIENT, local_med_type=str(sent))
        output = compile_response(settlement_pb2.SettleResponse).output(settlement_pb2.SettleResponse(setlinfo=info))
        assert json.loads(output)["setlinfo"]["med_type"] == str(sent)

    def test_rows_of_a_stay_agree_on_it(self) -> None:
        read = compile_request(fee_pb2.UploadStayFeesRequest)
        request: Any = read({}, {"feedetail": [{"med_type": "2199"}, {"med_type": "2199"}]}, "")
        assert (request.med_type, request.local_med_type) == (codes_pb2.MED_TYPE_LOCAL, "2199")
        with pytest.raises(Fault):
            read({}, {"feedetail": [{"med_type": "2199"}, {"med_type": "21"}]}, "")

    @pytest.mark.parametrize("sent", ["门诊", "1a", "1234567", "-1", "1.5"])
    def test_what_is_no_code_of_digits_is_refused(self, sent: str) -> None:
        with pytest.raises(Fault) as caught:
            compile_request(settlement_pb2.SettleRequest)({}, {"data": {"med_type": sent}}, "")
        assert [(each.path, each.rule) for each in caught.value.violations] == [("data.med_type", "national.code")]
