"""The keys of a layer of an `hsa.policy/1` document, with the kinds of their values."""

from __future__ import annotations

import re
from typing import Final

from services.kernel.policy.kinds import (
    Choice,
    Either,
    Factor,
    Flag,
    Kind,
    Many,
    Member,
    Named,
    Null,
    Percent,
    Shape,
    Text,
    When,
    Whole,
    Yuan,
)

FUNDS: Final = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")
BASES: Final = (
    "inscp",
    "inscp_after_account_first",
    "personal_inscp",
    "personal_inscp_excl_dedc",
    "personal_inscp_plus_presel",
)
MODES: Final = ("per_visit", "per_admission", "annual", "annual_threshold", "none")
EXEMPT_FLAGS: Final = ("bas_medn_flag", "hi_nego_drug_flag")
KEY: Final = re.compile(r"[a-z][a-z0-9_]*(?::[a-z0-9_]+|:?\{[a-z_]+\})*", re.ASCII)
_OVER_CAP: Final = re.compile(r"over_cap:.*", re.ASCII)
_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)

_WHEN: Final = Member(When(), "The case that it is about.")
_KEY: Final = Member(Text(KEY), "Key of an accumulator, or a template of one: `chronic2:{disease}`.")


def _row(name: str, value: Kind, about: str) -> Shape:
    return Shape(
        name, "A row of a table; exactly one row holds in each case.", {"when": _WHEN, "value": Member(value, about)}
    )


STEP: Final = Shape(
    "step",
    "A deductible that falls with every admission.",
    {
        "first": Member(Yuan(), "That of the first admission, in yuan."),
        "minus": Member(Yuan(1), "By how much it falls."),
        "floor": Member(Yuan(), "Where it stops to fall."),
    },
)
INDEXED: Final = Shape(
    "indexed",
    "An index of the policy times a factor.",
    {"index": Member(Text(), "A name in `indices`."), "times": Member(Factor(), 'The factor, `"0.06"`.')},
)
PLUS: Final = Shape(
    "plus",
    "A base, and a bonus for every unit of a fact.",
    {
        "base": Member(Yuan(), "The base, in yuan."),
        "per": Member(Text(), "A fact that is a whole number."),
        "each": Member(Yuan(), "The bonus of a unit."),
        "max_extra": Member(Yuan(), "The largest bonus."),
    },
)
DEDUCTIBLE_VALUE: Final = Shape(
    "deductibleValue",
    "Another deductible than one amount: `sequence` and `step` by admission, `indexed` otherwise.",
    {},
    {
        "sequence": Member(Many(Yuan(), 1), "By ordinal of admission; the last one repeats."),
        "step": Member(STEP, "Falls with every admission."),
        "indexed": Member(INDEXED, "Follows an index."),
    },
    one=("sequence", "step", "indexed"),
)
CAP_VALUE: Final = Shape(
    "capValue",
    "Another ceiling than one amount.",
    {},
    {"indexed": Member(INDEXED, "Follows an index."), "plus": Member(PLUS, "Grows with a fact.")},
    one=("indexed", "plus"),
)
BAND: Final = Shape(
    "band",
    "Up to a position, a ratio.",
    {
        "upto": Member(Either((Yuan(1), Null())), "The position in yuan where it ends; null in the last band."),
        "ratio": Member(Percent(0, 100), 'What the fund pays, `"85%"`.'),
    },
)
_DEDUCTIBLE_ROW: Final = _row("deductibleRow", Either((Yuan(), DEDUCTIBLE_VALUE)), "The deductible, in yuan.")
_TIERS_ROW: Final = _row("tiersRow", Many(BAND, 1), "The bands, positions rising.")
_CAP_ROW: Final = _row("capRow", Either((Null(), Yuan(), CAP_VALUE)), "The ceiling in yuan; null for none.")
DEDUCTIBLE: Final = Shape(
    "deductible",
    "What the person pays before the fund.",
    {"mode": Member(Choice(MODES), "How often it is paid; `none` has nothing else.")},
    {
        "key": Member(Text(KEY), "Of mode annual: the accumulator of what was paid."),
        "count_key": Member(Text(KEY), "Of mode per_admission: the accumulator that counts admissions."),
        "exempt_lines": Member(
            Named(Choice(("1", "0")), EXEMPT_FLAGS, exactly=1), "A flag of fee lines that pay no deductible."
        ),
        "ladder": Member(Flag(), "Of mode annual: a higher hospital asks for the difference only."),
        "table": Member(Many(_DEDUCTIBLE_ROW, 1), "The deductible of each case."),
    },
)
TIERS: Final = Shape(
    "tiers",
    "The ratios of a layer.",
    {
        "position": Member(Choice(("bill", "annual")), "Whether bands are of the bill or of the year."),
        "table": Member(Many(_TIERS_ROW, 1), "The bands of each case."),
    },
    {
        "key": Member(Text(KEY), "Of position annual: the accumulator of the position."),
        "origin": Member(Choice(("zero", "deductible")), "Where positions are counted from."),
        "rounding": Member(Choice(("cumulative",)), "Of position annual: differences of the year's rounded total."),
    },
)
TRANSFORM: Final = Shape(
    "ratioTransform",
    "A change of the ratio in the table.",
    {
        "when": _WHEN,
        "op": Member(Choice(("add", "multiply", "personal_share_times")), "How it changes."),
        "value": Member(Percent(-100, 200), "By how much: add from -100% to 100%, others from 0% to 200%."),
    },
)
CAP: Final = Shape(
    "cap",
    "A ceiling of what a layer pays in a year.",
    {
        "measure": Member(Choice(("fund_paid", "inscp")), "What is counted against it."),
        "key": _KEY,
        "table": Member(Many(_CAP_ROW, 1), "The ceiling of each case."),
    },
)
LAYER: Final = Shape(
    "layer",
    "One payment from one fund.",
    {
        "id": Member(Text(_ID), "Its name in this file."),
        "stage": Member(Whole(1, 99), "When it pays: lower stages first; 10 is the basic pool."),
        "fund": Member(Choice(FUNDS), "The national field that holds the payment."),
        "base": Member(
            Choice(BASES, _OVER_CAP), "Of what it pays; `over_cap:<layer>` is what an earlier layer left over its cap."
        ),
        "tiers": Member(TIERS, "The ratios."),
    },
    {
        "when": Member(When(), "In which case it pays."),
        "when_any": Member(Many(When(), 1), "In which cases it pays, instead of `when`."),
        "deductible": Member(DEDUCTIBLE, "What the person pays before."),
        "ratio_transform": Member(Many(TRANSFORM), "Changes of the ratio, in order."),
        "cap": Member(CAP, "Its ceiling."),
        "cap2": Member(CAP, "A second ceiling, under a key of its own."),
    },
    one=("when", "when_any"),
)
