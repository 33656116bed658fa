"""Why a payment rests until people decide, in words, and what they do next: reason → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HELD: Final[Mapping[str, tuple[str, str]]] = {
    "CHARGE_AMOUNT_DIFFERS": (
        "渠道收款金额（或其整单金额）与订单不符",
        "The channel has collected another amount than was asked for, or believes in another whole",
    ),
    "RETURN_ABNORMAL": (
        "渠道无法把款退回付款人",
        "The channel cannot give the money back to who paid it",
    ),
    "CASH_TO_HAND_OUT": (
        "窗口已收现金而结算未成，须退还付款人",
        "Cash was taken at the window and its settlement does not stand: it has to be handed out",
    ),
    "MERCHANT_UNKNOWN": (
        "商户文件中已无该机构在该渠道的商户，无法续办",
        "The file of merchants names no such merchant any more, so that nobody can ask the channel",
    ),
    "CHANNEL_TELLS_NOTHING": (
        "渠道一再拒绝告知该笔收款的状态，也未确认关闭",
        "The channel refuses again and again to say how the charge stands, and has confirmed no close",
    ),
    "RETURN_NOT_HEARD": (
        "款项均已退回，但渠道拒绝接收医保部分已退的通知",
        "All has gone back, and the channel refuses to hear that the insured part has",
    ),
    "INSTITUTION_NOT_TOLD": (
        "一天内未能通知医疗机构（6302），订单本身不受影响",
        "The institution did not hear of its order for a day (6302); the order stands as it stands",
    ),
}

HELD_STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "CHARGE_AMOUNT_DIFFERS": (
        "与渠道账单核对；渠道更正后重新查询，否则全额退回",
        "Compare with the channel's own bill; ask again once it has mended it, else give all of it back",
    ),
    "RETURN_ABNORMAL": (
        "在渠道处办理异常退款后重新查询；若已用其他方式退还，登记凭证号",
        "Have the channel settle the abnormal refund and ask again; where it was given back otherwise, keep the proof",
    ),
    "CASH_TO_HAND_OUT": (
        "由机构把现金退还付款人，登记收条号",
        "Have the institution hand it out, and keep the number of the slip that the person signed",
    ),
    "MERCHANT_UNKNOWN": (
        "在商户文件中恢复该商户并重启后重新查询；否则向渠道核实并登记凭证号",
        "Name the merchant in the file again, restart and ask again; else ask the provider and keep the proof",
    ),
    "CHANNEL_TELLS_NOTHING": (
        "按渠道的拒绝原因更正后重新查询；经渠道确认未收款或已退还的，登记凭证号",
        "Mend what the channel's word names and ask again; where it shows that nothing is with it any more, keep the proof",
    ),
    "RETURN_NOT_HEARD": (
        "按渠道的拒绝原因更正后重新通知；已在商户平台另行处理的，登记为已通知",
        "Mend what the channel's word names and have it told again; where it knows otherwise, take it as told",
    ),
    "INSTITUTION_NOT_TOLD": (
        "核对机构登记的通知地址后重新通知",
        "Compare the address in the institution's profile, and have it told again",
    ),
}
"""What to do next, by reason."""
