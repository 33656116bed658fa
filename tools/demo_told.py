"""How the demo tells its story: parts, lines and splits on the terminal, and that nothing comes out otherwise than told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tools import demo_story as story
from tools.cli.mesh_client import HospitalClient, MeshClient, NationalAnswer

LINE = "─" * 100
PARTS = (
    ("fulamt_ownpay_amt", "全自费 full self-pay"),
    ("overlmt_selfpay", "超限价 over limit"),
    ("preselfpay_amt", "先行自付 advance self-pay"),
    ("inscp_scp_amt", "政策范围内 in scope"),
    ("act_pay_dedc", "起付线 deductible"),
    ("hifp_pay", "统筹基金 basic pool"),
    ("hifob_pay", "职工大额 large claim"),
    ("hifmi_pay", "居民大病 critical illness"),
    ("maf_pay", "医疗救助 assistance"),
    ("fund_pay_sumamt", "基金合计 all funds"),
    ("psn_part_amt", "个人负担 person's part"),
    ("acct_pay", "个人账户 account"),
    ("psn_cash_pay", "现金 cash"),
    ("balc", "账户余额 balance after"),
)


class Unexpected(Exception):
    """The mesh answered something else than the story tells."""


def signed_in(client: MeshClient, place: story.Place, serial: int = 0) -> HospitalClient:
    """A hospital at the beginning of its day; its messages are numbered from `serial` on."""
    hospital = HospitalClient(client, place.code, place.name, place.admdvs, datetime.now(UTC), serial=serial)
    hospital.sign_in(story.DAY)
    return hospital


def send(
    hospital: HospitalClient, insuplc_admdvs: str, infno: str, nodes: Mapping[str, object], msgid: str = ""
) -> NationalAnswer:
    """The answer of a transaction on the day of the story; raises Unexpected where it is refused or warned about."""
    answer = hospital.send(infno, nodes, insuplc_admdvs=insuplc_admdvs, business_date=story.DAY, msgid=msgid)
    if not answer.succeeded:
        raise Unexpected(f"{infno} was refused: {answer.message}")
    if answer.body.get("warn_msg"):
        raise Unexpected(f"{infno} was warned about: {answer.body['warn_msg']}")
    return answer


def title(text: str) -> None:
    """A numbered part of the story."""
    print(f"\n{LINE}\n{text}\n{LINE}")


def print_lines(rows: Sequence[story.Row], splits: Sequence[Mapping[str, Any]]) -> None:
    """The lines of a bill as the place of care has split them; each adds up."""
    print("  金额 amount   全自费 full   超限价 over   先行 advance   范围内 scope  类 项目 item")
    for row, split in zip(rows, splits, strict=True):
        amounts = ("det_item_fee_sumamt", "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
        told = "".join(f"{split[name]:>13}" for name in amounts)
        print(f"{told}  {split['chrgitm_lv']} {row.name} ×{row.count}")
        same(row.name, Decimal(row.amount_fen) / 100, sum(split[name] for name in amounts[1:]))


def print_split(answer: NationalAnswer) -> None:
    """Who pays what of a bill, and how each fund came to it; it adds up."""
    info = answer.output["setlinfo"]
    print(f"\n  {'总额 total':<28}{info['medfee_sumamt']:>14}      setl_id {info['setl_id']}")
    for name, label in PARTS:
        if info[name] or name in ("fund_pay_sumamt", "psn_cash_pay"):
            print(f"  {label:<28}{info[name]:>14}")
    for share in answer.output["setldetail"]:
        if share["setl_proc_info"]:
            print(f"    {share['fund_pay_type_name']}: {share['setl_proc_info']}")
    same("the whole", info["medfee_sumamt"], info["fund_pay_sumamt"] + info["psn_part_amt"] + info["hosp_part_amt"])


def same(what: str, expected: object, found: object) -> None:
    """Raises Unexpected where the mesh tells something else than the story."""
    if expected != found:
        raise Unexpected(f"{what}: expected {expected}, found {found}")
