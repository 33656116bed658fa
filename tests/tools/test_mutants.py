"""A small shop with its tests: what `make mutants` says of the faults in it, and that a sample is drawn by its seed alone."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from tools.mutants.areas import AREAS, groups_of
from tools.mutants.faults import faults_in, sample
from tools.mutants.kept import Kept, summary
from tools.mutants.playing import Limits, Stage, Verdict, copied, recorded
from tools.mutants.record import Record
from tools.mutants.source import Fault
from tools.tidy import ROOT

TILL: Final = """
def total(prices: list[int]) -> int:
    paid = 0
    for price in prices:
        if price > 0:
            paid += price
    return paid


def wait(left: int) -> int:
    while left > 0:
        left -= 1
    return left


def unknown() -> bool:
    return True
"""
TESTS: Final = """
from pathlib import Path

from shop.till import total, wait


def test_prices_are_added():
    assert total([2, 3]) == 5


def test_waiting_ends():
    wait(1)
"""
AFTERWARDS: Final = """
from shop.till import wait


def test_nothing_is_left():
    assert wait(0) == 0
    assert wait(-1) == -1
"""
ONCE: Final = """
from pathlib import Path

from shop.till import total


def test_that_is_good_once(tmp_path_factory):
    mark = Path(__file__).with_name("played")
    played = mark.exists()
    mark.touch()
    assert total([]) == 0 and not played
"""


@dataclass(frozen=True)
class Shop:
    """The copy of a project, and what is known of its tests."""

    tree: Path
    scratch: Path
    record: Record

    def played(self, line: str, planted: str) -> Verdict:
        """What becomes of the only fault that makes one line of the other."""
        text = (self.tree / "shop/till.py").read_bytes()
        (fault,) = {
            each.planted(text): each
            for each in faults_in("shop/till.py", text)
            if each.diff(text).splitlines() == [f"-{line}", f"+{planted}"]
        }.values()
        stage = Stage(self.tree, self.scratch, self.record, Limits(20.0, patience_s=4.0), {})
        verdict = stage.played(fault, self.record.running(fault))
        assert (self.tree / "shop/till.py").read_bytes() == text
        return verdict


def opened(folder: Path, **tests: str) -> Shop:
    root = folder / "project"
    files = {f"tests/test_{name}.py": text for name, text in tests.items()}
    files |= {"shop/till.py": TILL, "shop/__init__.py": "", "tests/__init__.py": ""}
    files["pyproject.toml"] = (
        "[tool.pytest.ini_options]\nasyncio_default_fixture_loop_scope = 'function'\ntestpaths = ['tests']\n"
    )
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    tree = copied(root, folder / "tree")
    return Shop(tree, folder, recorded(tree, folder / "record", ["shop/till.py"], {}, processes=1))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return opened(tmp_path_factory.mktemp("shop"), till=TESTS)


def test_a_fault_is_caught_by_the_test_that_fails(shop: Shop) -> None:
    verdict = shop.played("            paid += price", "            paid -= price")
    assert verdict.killer == "tests/test_till.py::test_prices_are_added"


def test_a_fault_that_no_test_looks_at_survives(shop: Shop) -> None:
    verdict = shop.played("        if price > 0:", "        if price >= 0:")
    assert (verdict.killer, verdict.why) == (None, "all 2 tests that come near it pass")


def test_a_fault_in_a_line_that_no_test_runs_survives(shop: Shop) -> None:
    verdict = shop.played("    return True", "    return False")
    assert (verdict.killer, verdict.why) == (None, "no test runs it")


def test_a_test_that_does_not_end_catches_nothing(shop: Shop) -> None:
    verdict = shop.played("        left -= 1", "        pass")
    assert (verdict.killer, verdict.hung) == (None, ("tests/test_till.py::test_waiting_ends",))
    assert "did not end" in verdict.why


def test_a_fault_with_which_no_test_can_be_collected_at_all_is_caught_by_the_first_one(tmp_path: Path) -> None:
    shop = opened(tmp_path, till=TESTS)
    (shop.tree / "tests/conftest.py").write_text("from shop.till import total\n\nassert total([2, 3]) == 5\n")
    verdict = shop.played("            paid += price", "            paid -= price")
    assert verdict.killer == "tests/test_till.py::test_prices_are_added"
    survivor = shop.played("        if price > 0:", "        if price >= 0:")
    assert survivor.killer is None


def test_behind_a_test_that_does_not_end_others_go_on(tmp_path: Path) -> None:
    shop = opened(tmp_path, till=TESTS, zero=AFTERWARDS)
    shop.record.seconds.update({name: 9.0 for name in shop.record.seconds if "nothing_is_left" in name})
    verdict = shop.played("    while left > 0:", "    while left >= 0:")
    assert verdict.killer == "tests/test_zero.py::test_nothing_is_left"
    stuck = shop.played("    while left > 0:", "    while left > 1:")
    assert (stuck.killer, stuck.hung) == (None, ())


def test_a_test_that_fails_without_the_fault_catches_nothing(tmp_path: Path) -> None:
    shop = opened(tmp_path, once=ONCE)
    assert shop.played("            paid += price", "            pass").killer is None


def test_tests_are_recorded_again_when_their_file_changed(tmp_path: Path) -> None:
    shop = opened(tmp_path, till=TESTS, zero=AFTERWARDS)
    changed = TESTS.replace("test_prices_are_added", "test_two_prices_are_added")
    (shop.tree / "tests/test_till.py").write_text(changed, encoding="utf-8")
    record = recorded(shop.tree, tmp_path / "record", ["shop/till.py"], {}, processes=1)
    assert {name.split("::")[1] for name in record.seconds} == {
        "test_two_prices_are_added",
        "test_waiting_ends",
        "test_nothing_is_left",
    }
    assert not any("test_prices_are_added" in name for name in record.ordered(record.seconds))


def test_the_tests_that_are_soonest_through_come_first() -> None:
    record = Record({"a.py::slow": 3.0, "a.py::quick": 0.1, "b.py::only": 1.0}, {})
    assert record.ordered(record.seconds) == ["b.py::only", "a.py::quick", "a.py::slow"]


def test_a_test_that_is_named_after_the_file_comes_first_then_those_of_its_service() -> None:
    seconds = {
        "tests/mesh/test_a.py::a": 0.1,
        "tests/runtime/test_db.py::a": 1.0,
        "tests/runtime/test_batch.py::a": 3.0,
    }
    record = Record(seconds, {})
    named = ["tests/runtime/test_batch.py::a", "tests/runtime/test_db.py::a", "tests/mesh/test_a.py::a"]
    assert record.ordered(seconds, "services/runtime/batch.py") == named


def test_a_test_of_all_tables_comes_first_for_those_of_one_room() -> None:
    seconds = {"tests/mesh/test_tables.py::a": 9.0, "tests/routing/test_sagas.py::a": 0.1}
    ordered = Record(seconds, {}).ordered(seconds, "services/routing/store/registry_tables.py")
    assert ordered == list(seconds)


def test_a_test_that_reads_a_file_is_played_against_it_by_its_name() -> None:
    fault = Fault("services/a/servicer/b.py", 1, "argument forgotten", 0, 1, "", 1, 1, outside=False)
    seconds = {"t.py::reads[a/servicer/b.py]": 1.0, "t.py::reads[a/servicer/c.py]": 1.0, "t.py::runs": 0.1}
    assert Record(seconds, {}).running(fault) == ["t.py::reads[a/servicer/b.py]"]
    run = Record(seconds, {fault.file: {1: frozenset({"t.py::runs"})}})
    assert run.running(fault) == ["t.py::reads[a/servicer/b.py]", "t.py::runs"]


def test_what_few_tests_run_is_played_by_those_of_its_file_and_of_its_importers() -> None:
    fault = Fault("tables.py", 1, "code", 0, 1, "", 1, 1, outside=True)
    rows = {"rows.py": {7: frozenset({"t.py::a"})}}
    record = Record({"t.py::a": 1.0, "t.py::b": 1.0, "t.py::c": 1.0}, rows)
    assert record.running(fault) == []
    assert record.running(fault, {"rows.py"}) == ["t.py::a"]
    own = Record(
        record.seconds, rows | {"tables.py": {1: frozenset({"t.py::b"}), 9: frozenset({"t.py::c", "t.py::b"})}}
    )
    assert own.running(fault, {"rows.py"}) == ["t.py::b", "t.py::c", "t.py::a"]
    assert own.running(replace(fault, first=5, last=5, outside=False), {"rows.py"}) == []
    beside = Record(record.seconds, {"services/a/store/rows.py": {7: frozenset({"t.py::a"})}})
    assert beside.running(replace(fault, file="services/a/store/tables.py")) == ["t.py::a"]
    assert beside.running(replace(fault, file="services/a/domain/tables.py")) == []


@pytest.mark.parametrize(
    ("line", "planted"),
    [
        ("return a < b", {"return a <= b"}),
        ("return not a", {"return a"}),
        ("return a + b", {"return a - b"}),
        ("return -a", {"return a"}),
        ("return a and b", {"return a or b", "return b", "return a"}),
        ("return a if b else c", {"return (a)", "return (c)"}),
        ("return f(1)", {"return f(2)"}),
        ("return f(3000)", {"return f(1500)"}),
        ('return "NOT_FOUND"', {'return "NOT_FOUND_"'}),
        ('return "words for people"', set()),
        ('return f"{a}"', set()),
        ("await f(a)", {"pass"}),
        ("self.a = b", {"pass"}),
        ("a -= b", {"pass", "a += b"}),
        ("raise Fault(a)", {"pass"}),
        (
            "return Row(no=a.no, name=a.name)",
            {"return Row(no=a.name, name=a.no)", "return Row(name=a.name)", "return Row(no=a.no, )"},
        ),
        ("return f(a, b)", {"return f(b, a)"}),
        ("return Row(cash_fen=a)", {"return Row(cash_fen=-(a))", "return Row()"}),
        ("return [x for x in a if b]", {"return []", "return [x for x in a if True]"}),
        ("return min(a)", {"return max(a)"}),
        (
            'return sql("a = ?1 AND b <= ?2")',
            {
                'return sql("a <> ?1 AND b <= ?2")',
                'return sql("a = ?2 AND b <= ?2")',
                'return sql("a = ?1 OR b <= ?2")',
                'return sql("a = ?1 AND b < ?2")',
                'return sql("a = ?1 AND b <= ?1")',
            },
        ),
        ('log.info("done", a)', set()),
        ('T = TypeVar("T")', set()),
    ],
)
def test_what_may_be_wrong_in_a_line(line: str, planted: set[str]) -> None:
    text = f"async def f(a, b, c):\n    {line}\n".encode()
    assert {each.planted(text).decode().splitlines()[1].strip() for each in faults_in("f.py", text)} == planted


@pytest.mark.parametrize(
    ("promised", "planted"),
    [("int", {"0"}), ("bool", {"False", "True"}), ("list[int]", {"[]"}), ("Row | None", {"None"}), ("Row", set())],
)
def test_nothing_is_returned_of_the_type_that_is_promised(promised: str, planted: set[str]) -> None:
    text = f"def f(a) -> {promised}:\n    return a\n".encode()
    assert {each.text for each in faults_in("f.py", text)} == planted


def test_what_a_file_calls_itself_as_it_is_imported_is_run_there_as_what_stands_outside_of_functions() -> None:
    text = """
def form(size):
    return half(size) + 1

def half(size):
    return size // 2

def used(size):
    return size - 1

class Kept:
    sizes = form(4)

    def size(self):
        return used(2)
"""
    outside = {line: each.outside for each in faults_in("f.py", text.encode()) for line in (each.line,)}
    assert outside == {3: True, 6: True, 9: False, 12: True, 15: False}


def test_a_sample_is_drawn_by_its_seed_alone_and_takes_no_line_twice() -> None:
    groups = groups_of(ROOT, AREAS["servicers"])
    first, again, other = (sample(ROOT, groups, 40, seed) for seed in ("one", "one", "two"))
    assert first == again
    assert first != other
    assert len({(each.file, each.line) for each in first}) == 40


@pytest.mark.parametrize("area", AREAS)
def test_the_faults_of_an_area_are_spread_over_all_that_it_holds(area: str) -> None:
    groups = groups_of(ROOT, AREAS[area])
    members = (
        {"gateway", "runtime"}
        if area in ("admission", "codec")
        else {path.parent.name for path in ROOT.glob("services/*/wiring.py")}
    )
    assert members <= groups.keys()
    places = {file: group for group, files in groups.items() for file in files}
    drawn = [places[each.file] for each in sample(ROOT, groups, 40, "seed")]
    assert {group: drawn.count(group) for group in groups}.keys() == set(drawn)
    assert min(drawn.count(group) for group in groups) >= 40 // len(groups)


@pytest.mark.parametrize("pattern", [pattern for patterns in AREAS.values() for pattern in patterns])
def test_a_room_is_found_where_it_is(pattern: str) -> None:
    optional = pattern.endswith(("/servicer.py", "/store.py"))
    assert optional or any(ROOT.glob(pattern)), pattern


def test_outcomes_are_kept_and_the_last_one_of_a_fault_counts(tmp_path: Path) -> None:
    fault, other = (Fault("f.py", line, "code", 0, 1, "b", line, line, outside=False) for line in (1, 2))
    kept = Kept(tmp_path / "kept.jsonl")
    kept.add("stores", fault, "-a\n+b", Verdict(None, "no test runs it", 1.0))
    kept.add("codec", other, "-a\n+b", Verdict(None, "1 of 1 tests that run it pass", 1.0))
    kept.add("stores", fault, "-a\n+b", Verdict("t.py::a", "", 1.0))
    outcomes = [found for each in (fault, other) if (found := Kept(tmp_path / "kept.jsonl").of(each))]
    told = summary(outcomes, AREAS).splitlines()
    assert [line.split() for line in told[-3:]] == [["stores", "1/1"], ["codec", "0/1"], ["all", "1/2"]]
    assert told[0].startswith("SURVIVED  codec f.py:2")
    assert "-a" in told
    first = kept.at_first(outcomes)
    assert [each.killer for each in first] == [None, None]
    told = summary(outcomes, AREAS, first).splitlines()
    assert [" ".join(line.split()) for line in told[-3:]] == [
        "stores 1/1, at first sight 0",
        "codec 0/1, at first sight 0",
        "all 1/2, at first sight 0",
    ]
