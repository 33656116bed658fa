"""`docs/cases.md` says what a case file holds as it is read: its example is played, its tables are compared with the reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services.kernel.errors import Fault
from services.kernel.policy.domains import FACTS
from tools.cli import case
from tools.cli.case_document import DEFAULT_FACTS, read_case
from tools.tidy import ROOT

PAGE: Final = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
# The path of a member that no reader knows, by the heading that tells its neighbours.
PLACES: Final = {
    "The file": "",
    "The account": "account_before",
    "An operation": "ops[0]",
    "A fee line": "ops[0].lines[0]",
}


def block(kind: str) -> str:
    """The only block of a kind."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, less its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(heading: str) -> set[str]:
    """The names in the first column of a table."""
    return {name for row in rows(heading) for name in re.findall(r"`(\w+)`", row[0])}


def example() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(block("yaml"))
    return read


def read_with(document: dict[str, Any], folder: Path) -> Fault:
    """What is refused of a document."""
    file = folder / "case.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(Fault) as caught:
        read_case(file)
    return caught.value


def at(document: dict[str, Any], path: str) -> dict[str, Any]:
    found: Any = document
    for word in re.findall(r"\w+", path):
        found = found[int(word)] if word.isdigit() else found[word]
    place: dict[str, Any] = found
    return place


def test_the_example_agrees_and_shows_what_the_page_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "example.yaml"
    file.write_text(block("yaml"), encoding="utf-8")
    assert case.main([file], show=True) == 0
    assert capsys.readouterr().out == block("text")


def test_a_difference_reads_as_the_page_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = re.findall(r"`(EXAMPLE-01 visit hifp_pay: [^`]*)`", PAGE)
    expected, got = re.findall(r"\d+", told.partition("hifp_pay")[2])
    # The case expects what the engine gives; the page's engine gave something else.
    file = tmp_path / "example.yaml"
    assert f"hifp_pay: {expected}" in block("yaml")
    file.write_text(block("yaml").replace(f"hifp_pay: {expected}", f"hifp_pay: {got}"), encoding="utf-8")
    assert case.main([file]) == 1
    assert told.replace(expected, "?").replace(got, expected).replace("?", got) in capsys.readouterr().out


@pytest.mark.parametrize("heading", PLACES)
def test_each_table_names_what_is_read_there_and_nothing_else(heading: str, tmp_path: Path) -> None:
    document = example()
    at(document, PLACES[heading])["no_such_key"] = 1
    (violation,) = read_with(document, tmp_path).violations
    assert names(heading) == set(violation.values["known"].split(", "))


@pytest.mark.parametrize("heading", PLACES)
def test_what_the_page_calls_needed_is(heading: str, tmp_path: Path) -> None:
    for row in rows(heading):
        kind = row[1]
        for name in re.findall(r"`(\w+)`", row[0]):
            document = example()
            place = "ops[1]" if kind == "of a refund" else PLACES[heading]
            if kind:
                del at(document, place)[name]
                refused = read_with(document, tmp_path)
                assert {each.path.removeprefix(f"{place}.") for each in refused.violations} & {name, place}, name


def values(text: str) -> Iterator[object]:
    """Values of a fact as the page writes them."""
    for word in re.findall(r'`("?[\w]+"?)`', text):
        yield word.strip('"')


def test_the_table_of_facts_has_every_fact_with_its_values_and_its_default() -> None:
    assert names("Facts") == set(FACTS)
    for row in rows("Facts"):
        for name in re.findall(r"`(\w+)`", row[0]):
            domain, default = FACTS[name], DEFAULT_FACTS.get(name)
            told = "–" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
            assert row[2].strip('`"') == told, name
            if domain.numeric:
                assert row[1] == f"{domain.low} to {domain.high}", name
            elif isinstance(domain.values[0], bool):
                assert row[1].startswith("true: "), name
            else:
                assert list(values(row[1])) == [*domain.values, *domain.beside], name
