"""Bills of care here between messages and domain values: as they are carried away, and as they come back decided."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from services.kernel.clock import to_micros
from services.kernel.errors import invalid
from services.kernel.money import scaled_of
from services.runtime.contract import national_codes
from services.runtime.wire import micros_message, moment_message, moment_of
from services.settlement.domain.benefits.outcome import MONEY_FIELDS, Components
from services.settlement.domain.books.booked import BookedCare
from services.settlement.domain.books.care_bills import CareBill, too_long
from services.settlement.domain.books.reversal import DecidedReversal
from services.settlement.domain.care.bill import STAY
from services.settlement.operations.books.booked_replays import ToldReplay
from services.settlement.servicer.convert_carried_lines import MOST_BYTES, packed
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import (
    care_pb2,
    carried_pb2,
    order_pb2,
    reversal_pb2,
    settlement_pb2,
    settlement_query_pb2,
)

_MED_TYPES: Final = codes_pb2.DESCRIPTOR.enum_types_by_name["MedType"]
_POOL: Final = "hifp_pay"
_SUMS: Final = tuple(name for name in MONEY_FIELDS if name != "pool_prop_selfpay_amt_fen")
# Of the bill itself: as it stands in each of the four messages, and is passed on.
_PASSED: Final = (
    *("mdtrt_id", "psn_no", "insutype", "mdtrt_cert_type", "mdtrt_cert_no", "card_sn", "psn_cert_type", "certno"),
    *("acct_used_flag", "invono", "exp_content", "medfee_sumamt_fen"),
    *("fulamt_ownpay_amt_fen", "overlmt_selfpay_fen", "preselfpay_amt_fen", "inscp_scp_amt_fen"),
)


class CareBillWriter:
    """Writes bills down as they are carried, and reads how they were decided."""

    def __init__(self) -> None:
        self._kinds = national_codes(_MED_TYPES)
        self._numbers = {code: number for number, code in self._kinds.items()}

    async def carry(self, request: Any, bill: CareBill, into: carried_pb2.CarriedBill) -> None:
        """Writes the bill of a request, without a filing. Raises BILL_TOO_LONG where its lines are more than a message may
        hold. It is written where it is sent from: thousands of lines are not copied."""
        known, data = bill.chosen.encounter, request.data
        lines = await packed(bill.lines)
        if len(lines) > MOST_BYTES:
            # The insured cell would refuse it before it reads it.
            raise too_long(known.mdtrt_id, len(bill.lines))
        into.lines = lines
        for name in _PASSED:
            setattr(into, name, getattr(data, name))
        desk, into.stay = request.desk, known.kind == STAY
        for name in ("fixmedins_code", "msgid", "opter", "opter_name"):
            setattr(into.desk, name, getattr(desk, name))
        into.desk.insuplc_admdvs, into.desk.mdtrtarea_admvs = known.insuplc_admdvs, known.mdtrtarea_admvs
        into.ipt_otp_no = bill.ipt_otp_no
        into.med_type = self._numbers[bill.kind.national]  # type: ignore[assignment]  # enum value as number
        into.local_med_type = bill.kind.local
        into.begin_time.CopyFrom(micros_message(known.begin_at))
        if known.end_at is not None:
            into.end_time.CopyFrom(micros_message(known.end_at))
        into.dise_codg, into.dise_name = known.dise_codg, known.dise_name
        into.encounter_exp_content = known.exp_content
        into.mid_setl_flag = into.stay and data.mid_setl_flag
        into.trial_hash, into.ec_token_digest = bill.request.trial_hash, known.ec_token_digest or ""
        into.setl_time.CopyFrom(moment_message(bill.request.now))

    def booked(self, request: order_pb2.BookedBill, order_no: str, bill: Any) -> BookedCare:
        """How the insured cell has decided a bill, the `data` of its message; INVALID where that is of another bill."""
        settlement, order = request.opened.settlement, request.opened.order
        if settlement.reversed_by:
            # It was reversed by the time that it is booked again; what was answered says nothing of that.
            settlement = settlement_pb2.SettleResponse.FromString(settlement.SerializeToString())
            settlement.ClearField("reversed_by")
        info = settlement.setlinfo
        named = (info.mdtrt_id, info.psn_no, info.insutype, order.order_no, order.setl_id)
        expected = (bill.mdtrt_id, bill.psn_no, bill.insutype, order_no, info.setl_id)
        if named != expected or not info.setl_id or not info.HasField("setl_time") or not order.HasField("lapses_time"):
            raise invalid("booked.opened", "opened.of_bill", "the answer to the bill that is booked")
        booked = self._decided(request.insured_cell, settlement, request.opened.record)
        return replace(booked, care_hash=request.care_hash, lapses_at=to_micros(moment_of(order.lapses_time)))

    def replayed(self, request: care_pb2.BookReplayedRequest) -> ToldReplay:
        """What the insured cell has made of a bill by a replay; INVALID for what has no number or moment."""
        told, replaced = request.replayed, None
        if told.HasField("replacement"):
            info = told.replacement.setlinfo
            if not info.setl_id or not info.HasField("setl_time") or not told.HasField("record"):
                raise invalid("replayed.replacement", "opened.of_bill", "the settlement in its place")
            replaced = self._decided(request.insured_cell, told.replacement, told.record)
        counter = _counter(told.counter, "")
        return ToldReplay(request.insured_cell, told.setl_id, counter, replaced, told.replay_no, told.memo)

    def _decided(
        self,
        insured_cell: str,
        settlement: settlement_pb2.SettleResponse,
        record: settlement_query_pb2.SetlinfoRecord,
    ) -> BookedCare:
        """A settlement of another cell, of no order and no lines yet."""
        info = settlement.setlinfo
        return BookedCare(
            insured_cell=insured_cell,
            care_hash="",
            setl_id=info.setl_id,
            setl_at=to_micros(moment_of(info.setl_time)),
            lapses_at=0,
            benefit_year=record.year,
            med_type=self._kinds.get(info.med_type, ""),
            components=_components(settlement),
            response=settlement.SerializeToString(),
            record=record.SerializeToString(),
        )


def decided_reversal(request: care_pb2.BookReversalRequest) -> DecidedReversal:
    """The counter-entry that the insured cell has made; INVALID for one without number or moment."""
    return _counter(request.counter, request.order_no)


def _counter(counter: reversal_pb2.ReverseResponse, order_no: str) -> DecidedReversal:
    info = counter.setlinfo
    if not info.setl_id or not info.HasField("setl_time"):
        raise invalid("counter.setlinfo", "counter.negates", "the sums taken back")
    sums = {name: getattr(info, name) for name in _SUMS}
    return DecidedReversal(order_no, info.setl_id, moment_of(info.setl_time), info.balc_fen, sums)


def _components(settlement: Any) -> Components:
    """The components of an answer. What the person bears of the pool's base is no field of it, but follows from the layers."""
    info = settlement.setlinfo
    base = max((layer.base_fen for layer in settlement.layers if layer.fund == _POOL), default=0)
    borne = max(0, base - info.act_pay_dedc_fen - info.hifp_pay_fen)
    told = {name: getattr(info, name) for name in _SUMS}
    ratio = scaled_of(info.pool_prop_selfpay, 4) if info.pool_prop_selfpay else 0
    return Components(**told, pool_prop_selfpay_amt_fen=borne, pool_prop_selfpay_e4=ratio)
