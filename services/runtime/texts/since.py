"""Texts of what answers tell beside their output: what has happened since, and what did not happen at all.

Reason → (Chinese, English); placeholders are named like the fields of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SINCE: Final[Mapping[str, tuple[str, str]]] = {
    "SETTLEMENT_REVERSED": (
        "该结算已被撤销，撤销记录的结算编号为{reversed_by}",
        "The settlement was reversed by {reversed_by}",
    ),
    "SETTLEMENT_REVERSES": (
        "本记录是结算{reverses}的撤销记录",
        "This is the counter-entry of settlement {reverses}",
    ),
    "SETTLEMENT_REPLAYED": (
        "该结算已重新核算，现行结算编号为{replayed_by}，金额以其为准",
        "The settlement was decided anew; {replayed_by} stands in its place, with sums of its own",
    ),
    "SETTLEMENT_REPLAYS": (
        "本结算为结算{replays}重新核算的结果，代替其有效",
        "This settlement stands in the place of {replays}, which was decided anew",
    ),
    "LEDGER_PENDING": (
        "该人员有待确认的订单{pending_order_no}，预结算已计入；正式结算须待其确认，最迟至{pending_lapses_at}",
        "Order {pending_order_no} is pending and counts here; a settlement waits for it, until {pending_lapses_at} at most",
    ),
    "MESSAGE_TAKEN_BACK": (
        "结算{setl_id}已撤销，撤销记录的结算编号为{reversed_by}",
        "Settlement {setl_id} is reversed by {reversed_by}",
    ),
    "ADMISSION_TAKEN_BACK": ("入院登记{mdtrt_id}已撤销", "The admission of stay {mdtrt_id} is cancelled"),
    "MESSAGE_NOT_ARRIVED": (
        "原报文未到达，未冲正任何业务；该报文号已作废，迟到的报文将被拒绝",
        "No such message ever came, and nothing was reversed; its number is void, and it is refused when it comes late",
    ),
    "ENCOUNTER_CANCELLED": ("该就诊此后已撤销", "The encounter was cancelled since"),
    "FEES_CANCELLED": (
        "本报文上传的费用明细中有{cancelled_lines}条此后已撤销",
        "{cancelled_lines} of the lines of this upload were cancelled since",
    ),
    "DISCHARGE_UNDONE": ("该出院登记此后已撤销", "The discharge was undone since"),
    "STAY_DISCHARGED_AGAIN": ("该住院此后已重新办理出院", "The stay was discharged again since"),
    "SIGNED_OUT": ("该签到此后已签退", "The sign-in was ended since"),
}
