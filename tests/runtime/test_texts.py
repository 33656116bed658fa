"""Every reason and every rule can be told in both languages, and nothing is left over in either."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kernel.errors import Fault, FaultKind, Violation, invalid
from services.runtime.status import from_status, to_status
from services.runtime.texts.gateway import BUS_TEXTS, NEXT_STEPS, RULES, STEPS, rule_text, violation_text
from services.runtime.texts.table import TEXTS, text_of
from services.runtime.texts.words import WORDS
from tests.wording import CHINESE, assert_worded, leftovers

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("services", "gateway", "tools/cli")
# Where a rule stands among the arguments of what makes a violation, and what follows it in such a call.
MAKERS = {"Violation": 1, "invalid": 1, "Unfit": 0, "Unreadable": 0}
RECORDERS = {"wrong": (0, 2), "add": (1, 3)}
# What a value is like that texts name under a name; any other is a number.
SAMPLES = {"unit": "yuan", "form": "^[0-9]{6}$", "guess": "X01"} | {
    name: next(iter(words)) for name, words in WORDS.items()
}


def filled(*templates: str) -> dict[str, str]:
    names = {name for each in templates for name in re.findall(r"\{(\w+)\}", each)}
    return {name: SAMPLES.get(name, "30") for name in names}


@pytest.mark.parametrize("reason", sorted(TEXTS))
def test_every_reason_is_told_in_both_languages(reason: str) -> None:
    values = filled(*TEXTS[reason])
    assert_worded(text_of(reason, values, "zh"), text_of(reason, values, "en"), values, reason)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_is_told_in_both_languages(rule: str) -> None:
    values = filled(*RULES[rule])
    chinese, english = rule_text(rule, values, "zh"), rule_text(rule, values, "en")
    assert CHINESE.search(chinese)
    assert english.strip()
    assert_worded(chinese, english, values, rule)


@pytest.mark.parametrize("name", sorted({*STEPS, *BUS_TEXTS, *(each.name for each in NEXT_STEPS)}))
def test_every_step_is_told_in_both_languages(name: str) -> None:
    for table in (STEPS, BUS_TEXTS, {kind.name: each for kind, each in NEXT_STEPS.items()}):
        if name in table:
            values = filled(*table[name])
            chinese, english = (each.format_map(values) for each in table[name])
            assert_worded(chinese, english, values, name)


def test_every_word_of_a_value_is_chinese() -> None:
    for name, words in WORDS.items():
        for code, word in words.items():
            assert CHINESE.search(word), (name, code)


def rules_in_code() -> Iterator[tuple[str, str]]:
    """Every rule that code names where it makes a violation, with its place."""
    for path in (each for place in PLACES for each in sorted((ROOT / place).rglob("*.py"))):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            place, least = MAKERS.get(name), 1
            if name in RECORDERS:
                place, least = RECORDERS[name]
            if place is None or len(call.args) < max(least, place + 1):
                continue
            if isinstance(call.args[place], ast.BinOp):
                continue
            for node in ast.walk(call.args[place]):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and re.fullmatch(r"[a-z]\w*(\.\w+)*", node.value)
                ):
                    yield node.value, f"{path.relative_to(ROOT)}:{call.lineno}"


def test_every_rule_that_code_names_has_its_texts() -> None:
    found = dict(rules_in_code())
    assert len(found) > 120
    known = RULES.keys() | {"code.", "key"}
    assert {rule: place for rule, place in found.items() if rule not in known} == {}


def test_a_rule_nobody_knows_is_told_neither_by_its_id_nor_in_english() -> None:
    unknown = Violation("data.cnt", "moon.phase", "must be full")
    assert violation_text(unknown, "zh") == "取值不符合要求"
    assert violation_text(unknown, "en") == "must be full"
    assert rule_text("string.max_len", {}, "zh") == "取值不符合要求"


def test_a_members_text_and_numbers_arrive_in_both_languages() -> None:
    broken = Violation("feedetail[0].feedetl_sn", "string.max_len", values={"limit": "30"})
    status = to_status(Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=[broken]))
    back = from_status(status)
    assert isinstance(back, Fault)
    arrived = back.violations[0]
    assert violation_text(arrived, "zh") == "最多30个字符"
    assert violation_text(arrived, "en") == "must be at most 30 characters"


def test_values_that_are_codes_have_chinese_words() -> None:
    assert (
        text_of("ENCOUNTER_STATE", {"mdtrt_id": "1", "state": "cancelled"}, "zh")
        == "就诊1当前状态为已撤销，不允许该操作"
    )
    assert text_of("ROLE_NOT_ALLOWED", {"role": "person", "method": "m.S"}, "zh") == "参保人无权调用m.S"
    told = invalid("data.x", "int64.gte_lte", least="0.00", most="1.00", unit="yuan").violations[0]
    assert violation_text(told, "zh") == "应在0.00至1.00元之间"
    assert violation_text(told, "en") == "must lie between 0.00 and 1.00 yuan"


@pytest.mark.parametrize("rule", ["json.type", "json.enum", "json.range", "json.null"])
def test_what_json_should_be_is_told_in_the_readers_language(rule: str) -> None:
    for shape in WORDS["shape"]:
        values = {"shape": shape, "known": "MED_TYPE_OUTPATIENT", "least": "0", "most": "9"}
        assert_worded(rule_text(rule, values, "zh"), rule_text(rule, values, "en"), values, rule)


@pytest.mark.parametrize(
    ("chinese", "left"),
    [
        ("当前状态为cancelled", ["cancelled"]),
        ("费用 same_as stay", ["same_as", "stay"]),
        ("应为10.00 yuan", ["yuan"]),
        ("接入方…未登记", ["…"]),
        ("最多{}行", ["{", "}"]),
        ("请用msgid重发", []),
        ("应为None", ["None"]),
        ("取值MED_TYPE_OUTPATIENT不符", ["MED_TYPE_OUTPATIENT"]),
        ("总额medfee_sumamt_fen不符", ["medfee_sumamt_fen"]),
        ("违反string.max_len", ["string.max_len"]),
        ("字段mdtrt_id必填，见bill_state", ["bill_state"]),
        ("类型<class str>", ["<class str>"]),
        ("值'x'不符", ["'x'"]),
    ],
)
def test_what_has_no_place_in_a_chinese_text_is_found(chinese: str, left: list[str]) -> None:
    assert leftovers(chinese, {}) == left
