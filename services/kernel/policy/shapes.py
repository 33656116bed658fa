"""Every key of an `hsa.policy/1` document with the kind of its value: read by the parser, and by the schema made from it."""

from __future__ import annotations

import re
from typing import Final

from services.kernel.policy.document import HELD_BY_BANK, HELD_BY_LEDGER
from services.kernel.policy.kinds import (
    Choice,
    Day,
    Either,
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
from services.kernel.policy.shapes_layers import LAYER

SCHEMA: Final = "hsa.policy/1"
MARKS: Final = (
    "from page",
    "from code",
    "from memory",
    "derived",
    "interpretation",
    "assumed",
    "synthetic",
    "unknown",
)
CONFIDENCE: Final = ("high", "medium", "low")
REMOTE_METHODS: Final = ("none", "pre_selfpay", "ratio_points", "ratio_factor")
WORD: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,31}", re.ASCII)
_REGION: Final = re.compile(r"[0-9]{6}", re.ASCII)
_INSUTYPE: Final = re.compile(r"[0-9]{3}|ma|\*", re.ASCII)
_MONTH_DAY: Final = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])", re.ASCII)
"""The first day of a benefit year; up to the 28th, so that it exists in every year."""

_MARK: Final = Member(Choice(MARKS), "How the number was come by.")
_SURE: Final = Member(Choice(CONFIDENCE), "How sure that is.")
_NOTE: Final = Member(Text(), "A remark for readers.")
_WHEN: Final = Member(When(), "The case that it is about.")

EFFECTIVE: Final = Shape(
    "effective",
    "The days on which the policy is in force.",
    {
        "from": Member(Day(), "The first day."),
        "to": Member(Either((Day(), Null())), "The last day; null while it lasts."),
    },
)
BENEFIT_YEAR: Final = Shape(
    "benefitYear",
    "The year in which accumulators count.",
    {"start": Member(Text(_MONTH_DAY), "Its first day, `01-01`.")},
)
SOURCE: Final = Shape(
    "document",
    "A document that figures come from.",
    {
        "id": Member(Text(), "Its name in this file."),
        "title": Member(Text(), "Its title."),
        "number": Member(Text(), "Its number, 医保发〔2022〕22号."),
        "year": Member(Whole(1949, 2100), "The year of its issue."),
        "mark": _MARK,
        "confidence": _SURE,
    },
    {"note": _NOTE},
)
FIGURE: Final = Shape(
    "figure",
    "Where a group of numbers comes from.",
    {
        "figure": Member(Text(), "The numbers that it is about."),
        "doc": Member(Text(), "The `id` of one of `documents`."),
        "mark": _MARK,
        "confidence": _SURE,
    },
    {"note": _NOTE},
)
ACCUMULATOR: Final = Shape(
    "accumulator",
    "A key of the ledger that the policy reads and writes.",
    {"key": Member(Text(), "The key, or a template of one: `chronic2:{disease}`.")},
    {
        "meaning": Member(Text(), "What it counts."),
        "national_like": Member(Text(), "The national code that comes nearest."),
        "note": _NOTE,
    },
)
REMOTE: Final = Shape(
    "remote",
    "What care outside the insured place changes.",
    {"when": _WHEN, "method": Member(Choice(REMOTE_METHODS), "In which way.")},
    {
        "value": Member(
            Percent(-100, 100),
            "By how much: pre_selfpay and ratio_factor from 0% to 100%, ratio_points from -100% to 0%, none has no value.",
        ),
        "note": _NOTE,
    },
)
REMOTE_LIMIT: Final = Shape(
    "remoteLimit",
    "The largest reduction that a constraint allows.",
    {"when": _WHEN, "max_reduction_points": Member(Percent(0, 100), "In points of the ratio.")},
)
FIRST: Final = Shape(
    "accountFirst",
    "When account money goes before the deductible.",
    {"when": _WHEN, "from": Member(Choice(("current_year_balance",)), "Which money.")},
)
ACCOUNT: Final = Shape(
    "account",
    "What the personal account may pay.",
    {
        "scope": Member(Choice(("all_personal", "in_scope_only", "none")), "Of which part of the bill."),
        "order": Member(
            Many(Choice(("own", "mutual_aid"))), "Whose purses, in which order; empty where scope is none."
        ),
    },
    {
        "first": Member(FIRST, "Set where account money goes before the deductible."),
        "held": Member(
            Choice((HELD_BY_LEDGER, HELD_BY_BANK)),
            "Who keeps own accounts: the bureau's ledger (the default), or a bank.",
        ),
    },
)
POLICY: Final = Shape(
    "policy",
    "One version of one policy.",
    {
        "schema": Member(Choice((SCHEMA,)), "The format of this file."),
        "id": Member(Text(_NAME), "The policy's name; with `version` also the name of the file."),
        "version": Member(Text(_VERSION), "Its version, usually the day from which it holds."),
        "title": Member(Text(), "Its title for people."),
        "region": Member(Text(_REGION), "Division code of the insured place."),
        "insutype": Member(Text(_INSUTYPE), "Dictionary insutype, `ma` for medical assistance, `*` for all."),
        "effective": Member(EFFECTIVE, "When it is in force."),
        "version_on": Member(
            Choice(("settle_date", "begin_date", "end_date")), "The date of a bill by which a version is chosen."
        ),
        "benefit_year": Member(BENEFIT_YEAR, "The year in which accumulators count."),
        "money": Member(Choice(("yuan",)), "The unit of all amounts."),
        "documents": Member(Many(SOURCE, 1), "The documents that figures come from."),
        "layers": Member(Many(LAYER), "The payments, each from one fund; at least one, but in a constraint."),
        "accumulators": Member(Many(ACCUMULATOR), "The keys of the ledger that it reads and writes."),
        "figures": Member(Many(FIGURE, 1), "Where its numbers come from."),
    },
    {
        "kind": Member(Choice(("constraint",)), "Set where the file limits other policies and pays nothing."),
        "indices": Member(Named(Yuan(), WORD), "Amounts by name, for `indexed` values: the average wage."),
        "remote": Member(Many(REMOTE), "What care outside the insured place changes."),
        "account": Member(ACCOUNT, "What the personal account may pay."),
        "partial": Member(Many(Text()), "The `id` of layers whose tables leave cases out on purpose."),
        "principles": Member(
            Named(Choice(("care_place", "insured_place")), WORD), "Of a constraint: whose rule holds for what."
        ),
        "remote_limits": Member(Many(REMOTE_LIMIT), "Of a constraint: the largest reductions."),
        "dedc_cap_rules": Member(Text(), "Of a constraint: a remark about deductibles and caps."),
        "lint": Member(Text(), "A remark about warnings that are known."),
        "open_questions": Member(Many(Text()), "What is not known yet."),
    },
)
