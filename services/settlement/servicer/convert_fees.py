"""Fee lines between messages and domain values: what was sent, how it was split, what 5204 tells of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.kernel.clock import beijing_day
from services.runtime.pieces import each_in_pieces, in_pieces
from services.runtime.wire import moment_message, moment_of
from services.settlement.domain.care.catalogue import ItemKey, PricedItem
from services.settlement.domain.care.encounters import Encounter
from services.settlement.domain.care.fees import StandingLine
from services.settlement.domain.care.lines import LineSplit
from services.settlement.domain.care.pricing import PricedLine, SentLine, exempt_tags, ratio_text_of
from services.settlement.domain.care.returns import Goods
from services.settlement.servicer.convert_encounters import Codes
from yibao.common.v1 import codes_pb2
from yibao.settlement.v1 import common_pb2, fee_pb2

_NOT_NEEDED = "0"
_NO_DOSAGE_FORM = "无"
"""Of a service or consumable, and of a drug whose form the catalogue does not tell."""
_CLASSES: Mapping[str, codes_pb2.ChrgitmLv.ValueType] = {
    "A": codes_pb2.CHRGITM_LV_A,
    "B": codes_pb2.CHRGITM_LV_B,
    "C": codes_pb2.CHRGITM_LV_C,
}
_OF_LINE = frozenset(
    (
        *("sin_dos_dscr", "used_frqu_dscr", "prd_days", "medc_way_dscr", "med_list_codg", "medins_list_codg"),
        *("medins_list_name", "bilg_dept_codg", "bilg_dept_name", "bilg_dr_codg", "bilg_dr_name", "acord_dept_codg"),
        *("acord_dept_name", "orders_dr_code", "orders_dr_name", "hosp_appr_flag", "tcmdrug_used_way", "etip_flag"),
        *("etip_hosp_code", "dscg_tkdrug_flag", "matn_fee_flag", "memo", "fee_ocur_time"),
    )
)
_OF_SPLIT = frozenset(
    (
        *("feedetl_sn", "cnt", "pric", "det_item_fee_sumamt_fen", "pric_uplmt_amt", "selfpay_prop"),
        *("fulamt_ownpay_amt_fen", "overlmt_amt_fen", "preselfpay_amt_fen", "inscp_scp_amt_fen", "hosp_part_amt_fen"),
        "chrgitm_lv",
        *("med_chrgitm_type", "lmt_used_flag", "bas_medn_flag", "hi_nego_drug_flag", "chld_medc_flag"),
        *("list_sp_item_flag", "drt_reim_flag"),
    )
)


class LineMessages:
    """Writes the split of a line down as a message."""

    def answer(self, line: PricedLine) -> bytes:
        """The split of a line as it is stored and answered."""
        sent, item, split = line.sent, line.item, line.split
        return common_pb2.FeeLineSplit(
            feedetl_sn=sent.feedetl_sn,
            det_item_fee_sumamt_fen=split.amount_fen,
            cnt=sent.cnt,
            pric=sent.pric,
            pric_uplmt_amt=item.price_limit,
            selfpay_prop=ratio_text_of(item),
            fulamt_ownpay_amt_fen=split.fulamt_ownpay_fen,
            overlmt_amt_fen=split.overlmt_fen,
            preselfpay_amt_fen=split.preselfpay_fen,
            inscp_scp_amt_fen=split.inscp_fen,
            hosp_part_amt_fen=split.hosp_part_fen,
            chrgitm_lv=_CLASSES[item.chrg_class],
            med_chrgitm_type=item.med_chrgitm_type,
            bas_medn_flag=item.bas_medn_flag,
            hi_nego_drug_flag=item.hi_nego_drug_flag,
            lmt_used_flag=item.lmt_used_flag,
        ).SerializeToString()

    def returned(self, answer: bytes, line: SentLine, split: LineSplit) -> bytes:
        """The split of a return, by the answer of the line that it takes back."""
        told = common_pb2.FeeLineSplit.FromString(answer)
        told.feedetl_sn, told.cnt, told.pric = line.feedetl_sn, line.cnt, line.pric
        told.det_item_fee_sumamt_fen = split.amount_fen
        told.fulamt_ownpay_amt_fen = split.fulamt_ownpay_fen
        told.overlmt_amt_fen = split.overlmt_fen
        told.preselfpay_amt_fen = split.preselfpay_fen
        told.inscp_scp_amt_fen = split.inscp_fen
        told.hosp_part_amt_fen = split.hosp_part_fen
        return told.SerializeToString()

    def goods(self, detail: bytes) -> Goods:
        """What a stored line charges, of its detail."""
        sent = common_pb2.FeeLine.FromString(detail)
        return Goods(sent.med_list_codg, sent.medins_list_codg, sent.pric)

    def tags(self, answer: bytes) -> frozenset[str]:
        """The flags of a stored answer by which a policy may free its line."""
        split = common_pb2.FeeLineSplit.FromString(answer)
        return exempt_tags(split.bas_medn_flag, split.hi_nego_drug_flag)


async def sent_lines(codes: Codes, lines: Sequence[common_pb2.FeeLine]) -> tuple[SentLine, ...]:
    """The lines of an upload; the whole line is its content."""
    return tuple(await in_pieces(lambda line: _sent_line(codes, line), lines))


def _sent_line(codes: Codes, line: common_pb2.FeeLine) -> SentLine:
    return SentLine(
        feedetl_sn=line.feedetl_sn,
        init_feedetl_sn=line.init_feedetl_sn,
        chrg_bchno=line.chrg_bchno,
        fee_at=moment_of(line.fee_ocur_time),
        med_list_codg=line.med_list_codg,
        amount_fen=line.det_item_fee_sumamt_fen,
        cnt=line.cnt,
        pric=line.pric,
        hosp_appr_flag=codes.approvals.get(line.hosp_appr_flag, _NOT_NEEDED),
        detail=line.SerializeToString(deterministic=True),
        medins_list_codg=line.medins_list_codg,
    )


def upload_answer(answers: Sequence[bytes]) -> bytes:
    """The answer of 2204."""
    return fee_pb2.UploadFeesResponse(result=_splits(answers)).SerializeToString()


def stay_upload_answer(answers: Sequence[bytes]) -> bytes:
    """The answer of 2301."""
    return fee_pb2.UploadStayFeesResponse(result=_splits(answers)).SerializeToString()


async def item_keys_of(lines: Sequence[StandingLine]) -> list[ItemKey]:
    """The items that stored lines name, each on its line's day."""
    return await in_pieces(_item_key_of, lines)


def _item_key_of(entry: StandingLine) -> ItemKey:
    sent = common_pb2.FeeLine.FromString(entry.line.detail)
    return ItemKey(sent.med_list_codg, beijing_day(entry.line.fee_at))


async def add_details(
    details: Any, codes: Codes, encounter: Encounter, lines: Sequence[StandingLine], items: Mapping[ItemKey, PricedItem]
) -> None:
    """Adds the lines to a list of FeeDetail: what was sent, how it was split, and what the catalogue calls the item."""
    told = {"mdtrt_id": encounter.mdtrt_id, "med_type": codes.med_value(encounter.told_med_type)}
    told |= {"local_med_type": encounter.local_med_type}

    def add(entry: StandingLine) -> None:
        sent = common_pb2.FeeLine.FromString(entry.line.detail)
        item = items.get(ItemKey(sent.med_list_codg, beijing_day(entry.line.fee_at)))
        details.add(**told, **_detail(sent, entry, item))

    await each_in_pieces(add, lines)


def _detail(sent: common_pb2.FeeLine, entry: StandingLine, item: PricedItem | None) -> dict[str, Any]:
    """The fields of one line, those that are empty left out: of long lists that is most of the time."""
    split = common_pb2.FeeLineSplit.FromString(entry.line.answer)
    copied = {field.name: value for field, value in sent.ListFields() if field.name in _OF_LINE}
    copied.update((field.name, value) for field, value in split.ListFields() if field.name in _OF_SPLIT)
    name = "" if item is None else item.item_name
    if item is not None:
        copied.update(list_type=item.list_type, spec=item.spec)
    # The text requires these of every line; lines are sent without them (our decision).
    copied["medins_list_codg"] = sent.medins_list_codg or sent.med_list_codg
    copied["medins_list_name"] = sent.medins_list_name or name or sent.med_list_codg
    copied["hilist_name"] = name or copied["medins_list_name"]
    copied["dosform_name"] = (item.dosform_name if item is not None else "") or _NO_DOSAGE_FORM
    return copied | {
        "setl_id": entry.setl_id,
        "rx_drord_no": sent.rxno or sent.drord_no,
        "hilist_code": sent.med_list_codg,
        "opter_id": entry.opter,
        "opter_name": entry.opter_name,
        "opt_time": moment_message(entry.created_at),
    }


def _splits(answers: Sequence[bytes]) -> list[common_pb2.FeeLineSplit]:
    return [common_pb2.FeeLineSplit.FromString(answer) for answer in answers]
