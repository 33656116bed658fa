"""Strict documents: what loaders disagree about is refused with its place, everything else is plain and exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.kernel.errors import Fault
from services.runtime.documents.csv_rows import read_csv
from services.runtime.documents.faults import MAX_DEPTH, MAX_NODES
from services.runtime.documents.files import read_document
from services.runtime.documents.json_values import read_json
from services.runtime.documents.yaml_values import YamlRow, read_yaml, yaml_rows


def rules(text: str | bytes) -> list[tuple[str, str]]:
    """Path and rule of everything wrong with a YAML text."""
    with pytest.raises(Fault) as caught:
        read_yaml(text, "file.yaml")
    assert caught.value.reason == "DOCUMENT_INVALID"
    assert caught.value.metadata == {"source": "file.yaml"}
    return [(violation.path, violation.rule) for violation in caught.value.violations]


def test_plain_values_are_what_every_loader_takes_them_for() -> None:
    text = 'a: 1\nb: -20\nc: true\nd: null\ne:\nf: 85%\ng: 2025-01-01\nh: "1.5"\ni: [x, "on"]\nj: {k: 无}\n'
    assert read_yaml(text) == {
        "a": 1,
        "b": -20,
        "c": True,
        "d": None,
        "e": None,
        "f": "85%",
        "g": "2025-01-01",
        "h": "1.5",
        "i": ["x", "on"],
        "j": {"k": "无"},
    }


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "Yes", "NO", "True", "FALSE", "y", "N", "Null"])
def test_a_word_that_some_loaders_take_for_a_boolean_must_be_quoted(word: str) -> None:
    assert rules(f"a: {word}") == [("a", "yaml.boolean")]
    assert rules(f"{word}: 1")[0][1] == "yaml.boolean"
    assert read_yaml(f"a: '{word}'") == {"a": word}


@pytest.mark.parametrize(
    "number",
    [
        *(
            "1.5",
            "1.",
            ".5",
            "1e5",
            "1.0e-3",
            "-2.5",
            "+1",
            "1_000",
            "12:30",
            "190:20:30",
            "0x1F",
            "0o17",
            "0b1",
            "012",
        ),
        *(".inf", "-.INF", ".nan", "-0", "99999999999999999999"),
    ],
)
def test_a_number_that_is_not_a_plain_whole_one_must_be_quoted(number: str) -> None:
    assert rules(f"a: {number}") == [("a", "yaml.number")]
    assert read_yaml(f'a: "{number}"') == {"a": number}


def test_keys_are_text_and_stand_once() -> None:
    assert rules("1: a") == [("", "key.text")]
    assert rules("a: {true: 1}")[0][1] == "key.text"
    assert rules("a: {b: 1, c: 2, b: 3}") == [("a.b", "key.duplicate")]
    assert rules("? [a]\n: 1")[0][1] == "key.text"


def test_all_violations_are_told_with_their_lines() -> None:
    with pytest.raises(Fault) as caught:
        read_yaml("a: 1.5\nb:\n  - on\n  - 1_0\n")
    assert [(v.path, v.rule, v.description.split(":")[0]) for v in caught.value.violations] == [
        ("a", "yaml.number", "line 1"),
        ("b[0]", "yaml.boolean", "line 3"),
        ("b[1]", "yaml.number", "line 4"),
    ]


def test_an_alias_is_the_value_it_names() -> None:
    assert read_yaml("a: &x {b: [1]}\nc: *x") == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_aliases_that_multiply_beyond_the_bound_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    assert [rule for _, rule in rules("\n".join(lines))] == ["expansion"]
    assert rules("&a [*a]")[0][1] == "expansion"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: !!float '1'", "yaml"),
        ("a: !!str 5", "yaml"),
        ("!!python/object:os.system {}", "yaml"),
        ("a: 1\n---\nb: 2", "yaml"),
        ("a: [1", "yaml"),
        ("a: *nobody", "yaml"),
        ("[" * (MAX_DEPTH + 5), "yaml"),
        ("a: \x01", "yaml"),
        (b"a: \xff", "utf8"),
        ("<<: {a: 1}", "yaml.merge"),
    ],
)
def test_tags_broken_text_and_absurd_depth_are_refused(text: str | bytes, rule: str) -> None:
    assert rules(text)[0][1] == rule


def test_characters_beyond_the_basic_plane_survive() -> None:
    assert read_yaml("a: 𬌗𧿹".encode()) == {"a": "𬌗𧿹"}
    assert read_csv("name\n𬌗𧿹\n", ["name"])[0].cells == {"name": "𬌗𧿹"}
    assert read_json('{"a": "𬌗𧿹"}') == {"a": "𬌗𧿹"}


@pytest.mark.parametrize(
    "text", ['{"a": 1.5}', '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": 1e3}', "{", '{"a": 12345678901234567890}']
)
def test_json_is_as_strict(text: str) -> None:
    with pytest.raises(Fault, match="DOCUMENT_INVALID"):
        read_json(text)


def test_a_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    for name, text in (("a.json", '{"a": 1}'), ("a.yaml", "a: 1"), ("a.yml", "a: 1")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_document(tmp_path / name) == {"a": 1}
    (tmp_path / "a.toml").write_text("a = 1", encoding="utf-8")
    with pytest.raises(Fault, match="DOCUMENT_INVALID"):
        read_document(tmp_path / "a.toml")


def test_csv_cells_stay_text_under_their_columns() -> None:
    rows = read_csv('\ufeffcode,name,note\n007,"a, b",\n1e5, x ,"line\nbreak"\n'.encode(), ["code", "name"], ["note"])
    assert [row.cells for row in rows] == [
        {"code": "007", "name": "a, b", "note": ""},
        {"code": "1e5", "name": " x ", "note": "line\nbreak"},
    ]
    assert [row.line for row in rows] == [2, 4]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", ["line 1"]),
        ("code\n1\n", ["line 1"]),
        ("code,name,name\n", ["line 1"]),
        ("code,name,colour\n", ["line 1"]),
        ("code,name\n1\n2,b\n3,c,d\n", ["line 2", "line 4"]),
        ('code,name\n"1"x,b\n', ["line 2"]),
    ],
)
def test_a_csv_that_is_not_what_was_asked_for_is_refused_line_by_line(text: str, places: list[str]) -> None:
    with pytest.raises(Fault) as caught:
        read_csv(text, ["code", "name"], ["note"])
    assert [violation.path for violation in caught.value.violations] == places


def pieces(text: str) -> list[YamlRow | tuple[str, object]]:
    """A document in pieces."""
    return list(yaml_rows(text, "file.yaml"))


def test_a_document_is_given_row_by_row_with_the_line_of_each() -> None:
    assert pieces("# note\na:\n  - {b: 1}\n  -\n    b: 2\nc: x\nd: []\n") == [
        YamlRow("a", 0, 3, {"b": 1}),
        YamlRow("a", 1, 5, {"b": 2}),
        ("c", "x"),
        ("d", []),
    ]
    assert pieces("[1]") == [("", [1])]
    assert pieces("") == [("", None)]


def test_rows_are_as_strict_as_a_whole_document_and_are_bounded_one_by_one() -> None:
    rows = yaml_rows("a:\n  - {b: 1}\n  - {b: 1.5}\n  - {b: on, b: 2}\n", "file.yaml")
    assert next(rows) == YamlRow("a", 0, 2, {"b": 1})
    with pytest.raises(Fault) as caught:
        list(rows)
    assert [(each.path, each.rule) for each in caught.value.violations] == [
        ("a[1].b", "yaml.number"),
        ("a[2].b", "yaml.boolean"),
        ("a[2].b", "key.duplicate"),
    ]
    many = "a:\n" + "  - [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" * (MAX_NODES // 9)
    assert sum(1 for _ in yaml_rows(many)) == MAX_NODES // 9
    assert rules(many)[0][1] == "expansion"


@pytest.mark.parametrize("text", ["a: [1, 2", "a: [1]\n---\nb: [1]", "a: [*b]", "a: [!x 1]", "{a: 1", "? [a]\n: [1]"])
def test_a_broken_document_is_refused_after_its_last_good_row(text: str) -> None:
    with pytest.raises(Fault, match="DOCUMENT_INVALID"):
        pieces(text)
