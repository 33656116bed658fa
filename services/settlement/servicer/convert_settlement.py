"""Bills from messages, and answers of settlements, trials and reversals as messages and stored bytes. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from google.protobuf.descriptor import EnumDescriptor
from google.type.date_pb2 import Date

from services.kernel.clock import beijing_day, from_micros
from services.kernel.codes import clr_type, pooling_area
from services.kernel.money import ratio_text
from services.runtime.contract import national_codes
from services.runtime.wire import day_message, moment_message
from services.settlement.domain.benefits.outcome import MONEY_FIELDS, Settlement
from services.settlement.domain.books.answer import BY_ITEM, Reversal, SettlementAnswer, derivation, pay_loc, shares
from services.settlement.domain.books.reversal import BookedSettlement
from services.settlement.domain.care.bill import ALL_BATCHES, STAY, VISIT, Bill, Desk, SentParts
from services.settlement.domain.care.insured import shown_cert_type
from services.settlement.domain.care.pending import PendingOrder, moment_text
from services.settlement.servicer.convert_persons import person_fields
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import (
    carried_pb2,
    common_pb2,
    reversal_pb2,
    settlement_pb2,
    settlement_query_pb2,
    stay_bill_pb2,
)

_SETLINFO_MONEY = tuple(name for name in MONEY_FIELDS if name != "pool_prop_selfpay_amt_fen")
_MONEY = attrgetter(*_SETLINFO_MONEY)
_COUNTER_ENTRY = "2"
_AnyBill: TypeAlias = settlement_pb2.Bill | stay_bill_pb2.StayBill | carried_pb2.CarriedBill


def desk_of(desk: common_pb2.Desk) -> Desk:
    """The counter of a request."""
    return Desk(
        fixmedins_code=desk.fixmedins_code,
        msgid=desk.msgid,
        opter=desk.opter,
        opter_name=desk.opter_name,
        insuplc_admdvs=desk.insuplc_admdvs,
        mdtrtarea_admvs=desk.mdtrtarea_admvs,
    )


class BillReader:
    """Reads bills; the codes of the enumerations are looked up once."""

    def __init__(self) -> None:
        self._med_types = national_codes(codes_pb2.DESCRIPTOR.enum_types_by_name["MedType"])
        self._cert_types = national_codes(codes_pb2.DESCRIPTOR.enum_types_by_name["MdtrtCertType"])

    def visit(self, desk: common_pb2.Desk, data: settlement_pb2.Bill) -> Bill:
        """The bill of a visit."""
        return self._bill(desk, data, VISIT, data.chrg_bchno, bank_fen=_bank_fen(data), **self._kind(data))

    def stay(self, desk: common_pb2.Desk, data: stay_bill_pb2.StayBill) -> Bill:
        """The bill of a stay: all that is not settled yet."""
        return self._bill(desk, data, STAY, ALL_BATCHES, interim=data.mid_setl_flag, bank_fen=_bank_fen(data))

    def carried(self, data: carried_pb2.CarriedBill) -> Bill:
        """The bill of another cell: all of its lines."""
        kind = STAY if data.stay else VISIT
        return self._bill(data.desk, data, kind, ALL_BATCHES, interim=data.mid_setl_flag, **self._kind(data))

    def _kind(self, data: settlement_pb2.Bill | carried_pb2.CarriedBill) -> dict[str, str]:
        return {"med_type": self._med_types.get(data.med_type, ""), "local_med_type": data.local_med_type}

    def _bill(self, desk: common_pb2.Desk, data: _AnyBill, kind: str, chrg_bchno: str, **told: Any) -> Bill:
        """What the three messages have in common, and what only this one has told."""
        return Bill(
            desk=desk_of(desk),
            kind=kind,
            mdtrt_id=data.mdtrt_id,
            psn_no=data.psn_no,
            insutype=data.insutype,
            chrg_bchno=chrg_bchno,
            medfee_sumamt_fen=data.medfee_sumamt_fen,
            mdtrt_cert_type=self._cert_types.get(data.mdtrt_cert_type, ""),
            mdtrt_cert_no=data.mdtrt_cert_no,
            card_sn=data.card_sn,
            psn_cert_type=data.psn_cert_type,
            certno=data.certno,
            use_own=data.acct_used_flag == codes_pb2.ACCT_USED_FLAG_OWN,
            use_family=data.acct_used_flag in (codes_pb2.ACCT_USED_FLAG_OWN, codes_pb2.ACCT_USED_FLAG_FAMILY),
            invono=data.invono,
            exp_content=data.exp_content,
            sent=_sent(data),
            **told,
        )


def _bank_fen(data: settlement_pb2.Bill | stay_bill_pb2.StayBill) -> int | None:
    return data.bank_balance.balance_fen if data.HasField("bank_balance") else None


class MessageScribe:
    """Writes answers down as protobuf; a stay's answers have the layout of a visit's."""

    def __init__(self) -> None:
        self._med_types = _numbers(codes_pb2.DESCRIPTOR.enum_types_by_name["MedType"])
        self._cert_types = _numbers(codes_pb2.DESCRIPTOR.enum_types_by_name["MdtrtCertType"])

    def settled(self, answer: SettlementAnswer) -> tuple[bytes, bytes]:
        """The answer of a settlement and the record of it that 5203 adds."""
        response = settlement_pb2.SettleResponse(**self._parts(answer))
        return response.SerializeToString(), _record(answer).SerializeToString()

    def tried(self, answer: SettlementAnswer, trial_hash: str, blocking: PendingOrder | None) -> bytes:
        """The answer of a trial, and the pending order that a settlement would wait for."""
        response = settlement_pb2.TrialResponse(trial_hash=trial_hash, **self._parts(answer))
        if blocking is not None:
            response.pending_order_no = blocking.order_no
            response.pending_lapses_at = moment_text(blocking.lapses_at)
        return response.SerializeToString()

    def reversed(self, response: bytes, record: bytes, reversal: Reversal) -> tuple[bytes, bytes]:
        """The answer and record of a counter-entry: the original's with every sum negated."""
        original = settlement_pb2.SettleResponse.FromString(response)
        made = reversal_pb2.ReverseStayResponse if reversal.of_stay else reversal_pb2.ReverseResponse
        counter = made(setlinfo=original.setlinfo, setldetail=original.setldetail)
        info = counter.setlinfo
        for name in _SETLINFO_MONEY:
            setattr(info, name, -getattr(info, name))
        info.setl_id, info.medins_setl_id = reversal.setl_id, reversal.desk.msgid
        info.setl_time.CopyFrom(moment_message(reversal.setl_at))
        info.balc_fen = reversal.balc_fen
        for row in counter.setldetail:
            row.fund_payamt_fen = -row.fund_payamt_fen
            row.inscp_scp_amt_fen = -row.inscp_scp_amt_fen
        told = settlement_query_pb2.SetlinfoRecord.FromString(record)
        told.refd_setl_flag = True
        told.opter_id, told.opter_name = reversal.desk.opter, reversal.desk.opter_name
        told.opt_time.CopyFrom(moment_message(reversal.setl_at))
        if isinstance(counter, reversal_pb2.ReverseStayResponse):
            counter.record.CopyFrom(_stay_reversal(info, told))
        return counter.SerializeToString(), told.SerializeToString()

    def replayed(self, response: bytes, setl_id: str, settlement: Settlement) -> bytes:
        """The answer of a settlement as it was decided anew: whose and what it is stays as it was told."""
        info = settlement_pb2.SettleResponse.FromString(response).setlinfo
        for name, fen in zip(_SETLINFO_MONEY, _MONEY(settlement.components), strict=True):
            setattr(info, name, fen)
        info.setl_id, info.balc_fen = setl_id, settlement.account.balc_fen
        info.pool_prop_selfpay = ratio_text(settlement.components.pool_prop_selfpay_e4)
        parts = _decided_parts(settlement, info.insutype)
        return settlement_pb2.SettleResponse(setlinfo=info, **parts).SerializeToString()

    def _parts(self, answer: SettlementAnswer) -> dict[str, Any]:
        return {"setlinfo": self._setlinfo(answer), **_decided_parts(answer.settlement, answer.request.bill.insutype)}

    def _setlinfo(self, answer: SettlementAnswer) -> common_pb2.Setlinfo:
        request = answer.request
        bill, components = request.bill, answer.settlement.components
        amounts: Mapping[str, Any] = dict(zip(_SETLINFO_MONEY, _MONEY(components), strict=True))
        return common_pb2.Setlinfo(
            mdtrt_id=bill.mdtrt_id,
            setl_id=answer.setl_id,
            insutype=bill.insutype,
            psn_type=answer.enrolment.psn_type,
            cvlserv_flag=answer.enrolment.cvlserv_flag,
            setl_time=moment_message(request.now),
            mdtrt_cert_type=self._cert_types.get(shown_cert_type(bill.mdtrt_cert_type), 0),  # type: ignore[arg-type]  # enum value as number
            med_type=self._med_types.get(answer.med_type, 0),  # type: ignore[arg-type]  # enum value as number
            local_med_type=answer.local_med_type,
            pool_prop_selfpay=ratio_text(components.pool_prop_selfpay_e4),
            balc_fen=answer.settlement.account.balc_fen,
            medins_setl_id=bill.desk.msgid,
            clr_optins=pooling_area(answer.enrolment.insuplc_admdvs),
            clr_way=BY_ITEM,
            clr_type=clr_type(answer.med_type),
            **person_fields(answer.insured.person, beijing_day(request.now)),
            **amounts,
        )


def _decided_parts(settlement: Settlement, insutype: str) -> dict[str, Any]:
    """Who pays what, and how each layer came to it."""
    texts = [derivation(layer) for layer in settlement.layers]
    rows = shares(settlement, insutype, texts)
    account = settlement.account
    return {
        "bank_pay_fen": account.own_fen if account.at_bank else 0,
        "setldetail": [
            common_pb2.FundShare(
                fund_pay_type=row.fund_pay_type,
                inscp_scp_amt_fen=row.inscp_scp_fen,
                crt_payb_lmt_amt_fen=row.crt_payb_lmt_fen,
                fund_payamt_fen=row.fund_payamt_fen,
                fund_pay_type_name=row.fund_pay_type_name,
                setl_proc_info=row.setl_proc_info,
            )
            for row in rows
        ],
        "layers": [
            common_pb2.LayerExplanation(
                policy=layer.policy,
                layer_id=layer.layer,
                stage=layer.stage,
                fund=layer.fund,
                base_fen=layer.base_fen,
                deductible_fen=layer.deductible_fen,
                covered_fen=layer.covered_fen,
                paid_fen=layer.paid_fen,
                over_cap_fen=layer.over_fen,
                derivation=text,
            )
            for layer, text in zip(settlement.layers, texts, strict=True)
        ],
    }


def _numbers(enum: EnumDescriptor) -> dict[str, int]:
    return {code: number for number, code in national_codes(enum).items()}


def _sent(data: _AnyBill) -> SentParts:
    return SentParts(
        data.fulamt_ownpay_amt_fen, data.overlmt_selfpay_fen, data.preselfpay_amt_fen, data.inscp_scp_amt_fen
    )


def _record(answer: SettlementAnswer) -> settlement_query_pb2.SetlinfoRecord:
    encounter, request = answer.encounter, answer.request
    settled = day_message(beijing_day(request.now))
    return settlement_query_pb2.SetlinfoRecord(
        insu_optins=pooling_area(answer.enrolment.insuplc_admdvs),
        emp_name=answer.enrolment.emp_name,
        pay_loc=pay_loc(answer.enrolment.insuplc_admdvs, answer.institution.admdvs),
        fixmedins_code=answer.institution.fixmedins_code,
        fixmedins_name=answer.institution.fixmedins_name,
        hosp_lv=answer.institution.hosp_lv,
        fixmedins_poolarea=pooling_area(answer.institution.admdvs),
        lmtpric_hosp_lv=answer.institution.lmtpric_hosp_lv,
        begndate=_stored_day(encounter.begin_at),
        enddate=settled if encounter.end_at is None else _stored_day(encounter.end_at),
        year=answer.benefit_year,
        dise_codg=encounter.dise_codg,
        dise_name=encounter.dise_name,
        invono=request.bill.invono,
        opter_id=request.bill.desk.opter,
        opter_name=request.bill.desk.opter_name,
        opt_time=moment_message(request.now),
    )


def _stay_reversal(
    info: common_pb2.Setlinfo, record: settlement_query_pb2.SetlinfoRecord
) -> reversal_pb2.StayReversalRecord:
    return reversal_pb2.StayReversalRecord(
        insu_admdvs=record.insu_optins,
        begndate=record.begndate,
        enddate=record.enddate,
        setl_type=_COUNTER_ENTRY,
        crt_dedc_fen=info.act_pay_dedc_fen,
        invono=record.invono,
    )


def _stored_day(micros: int) -> Date:
    return day_message(beijing_day(from_micros(micros)))


def told_of(found: BookedSettlement) -> dict[str, Any]:
    """What 5203 and the person's own books tell of a settlement or counter-entry: its stored answer, what was kept beside it,
    and what has become of it since. By the names of fields that both answers have.
    """
    answered = settlement_pb2.SettleResponse.FromString(found.response)
    record = settlement_query_pb2.SetlinfoRecord.FromString(found.record)
    record.refd_setl_flag = bool(found.counter_setl_id)
    return {
        "setlinfo": answered.setlinfo,
        "record": record,
        "setldetail": answered.setldetail,
        "layers": answered.layers,
        "reversed_by": found.reversed_by,
        "reverses": found.reverses,
        "replays": found.replays,
    }
