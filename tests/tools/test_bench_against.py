"""Today beside an earlier revision: what its ratios tell, what is sent, and the folder that a revision is run from."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tools.bench import against_report, paired, revision, world
from tools.bench.__main__ import against_terms_of, parser
from tools.bench.against import HOSPITALS, Round
from tools.bench.paired import Ratio
from tools.bench.plan import CHAIN
from tools.bench.volley import Answers, Unanswered, volley
from tools.cli.records import message_of
from tools.cli.seed_rows import KINDS

SLOW, FAST = 1.0, 1.6


def measured(rounds: int, factor: float, noise: float, seed: int) -> list[float]:
    """Values of a machine that changes its speed every few rounds, of a side that takes `factor` times as long."""
    chance = Random(seed)
    return [factor * (SLOW if place // 3 % 2 else FAST) * chance.gauss(1, noise) for place in range(rounds)]


class TestRatios:
    def test_a_regression_of_four_percent_is_told_on_a_machine_of_two_speeds(self) -> None:
        ours, theirs, again = (measured(24, factor, 0.015, seed) for factor, seed in ((1.04, 1), (1.0, 2), (1.04, 3)))
        mean = [(one + two) / 2 for one, two in zip(ours, again, strict=True)]
        ratio, same = paired.of_values(mean, theirs), paired.of_values(again, ours)
        assert 1.02 < ratio.low < ratio.value < ratio.high < 1.065
        assert paired.told(ratio, same, 24) == f"{ratio.value - 1:.1%} more"

    def test_equal_trees_are_not_told_apart(self) -> None:
        told = []
        for seed in range(8):
            ours, theirs, again = (measured(24, 1.0, 0.03, 100 * seed + each) for each in range(3))
            mean = [(one + two) / 2 for one, two in zip(ours, again, strict=True)]
            told.append(paired.told(paired.of_values(mean, theirs), paired.of_values(again, ours), 24))
        assert sum(each.startswith("no difference") for each in told) >= 7

    def test_what_lies_within_the_trees_own_noise_is_no_difference(self) -> None:
        assert paired.told(Ratio(1.02, 1.01, 1.03), Ratio(1.0, 0.97, 1.02), 6) == "no difference above 3.0%"
        assert paired.told(Ratio(0.9, 0.88, 0.92), Ratio(1.0, 0.97, 1.02), 6) == "10.0% less"
        assert paired.told(Ratio(0.9, 0.88, 0.92), Ratio(1.0, 0.97, 1.02), 5).startswith("too few rounds")

    def test_a_tail_is_that_of_all_rounds_together(self) -> None:
        theirs = [[1.0] * 9 + [10.0]] * 10
        ours = [[1.0] * 9 + [20.0]] * 10
        assert paired.of_percentiles(ours, theirs, 0.99) == Ratio(2.0, 2.0, 2.0)
        assert paired.of_percentiles(ours, theirs, 0.5) == Ratio(1.0, 1.0, 1.0)

    def test_the_same_figures_tell_the_same_interval(self) -> None:
        ours, theirs = measured(9, 1.1, 0.05, 1), measured(9, 1.0, 0.05, 2)
        assert paired.of_values(ours, theirs) == paired.of_values(ours, theirs)

    @pytest.mark.parametrize("take", [paired.of_values, lambda a, b: paired.of_percentiles(a, b, 0.5)])
    def test_without_a_round_on_each_side_there_is_no_ratio(
        self, take: Callable[[list[object], list[object]], Ratio]
    ) -> None:
        with pytest.raises(ValueError, match=r"round|shorter|longer"):
            take([], [])
        with pytest.raises(ValueError, match=r"round|shorter|longer"):
            take([[1.0]], [])


def played(factor: float) -> list[Round]:
    whats = (*CHAIN, against_report.OPEN)
    cpu, wall = dict.fromkeys(whats, 0.001 * factor), dict.fromkeys(whats, 0.002 * factor)
    return [Round(cpu, wall, 0.006 * factor, [5.0 * factor] * 20) for _ in range(6)]


def test_the_table_tells_both_trees_their_ratio_and_the_tree_beside_itself() -> None:
    lines = against_report.table(played(1.1), played(1.0), played(1.1), "today's", "older").splitlines()
    (bill,) = (line for line in lines if "processor time per bill" in line)
    assert bill.split()[-8:] == ["6.60", "6.00", "1.100", "[1.100–1.100]", "1.000", "[1.000–1.000]", "10.0%", "more"]
    (speed,) = (line for line in lines if "visits a second" in line)
    assert speed.endswith("9.1% less")
    assert sum("2207 open, p" in line for line in lines) == 2


class Gateway(asyncio.Protocol):
    """Answers each request with its own body; says nothing to one that asks for silence."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # of uvloop

    def data_received(self, data: bytes) -> None:
        if b"go away" in data:
            self.transport.close()
        else:
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data))


class TestVolley:
    async def sent(self, requests: list[bytes], moments: list[float] | None = None) -> Answers:
        server = await asyncio.get_running_loop().create_server(Gateway, "127.0.0.1", 0)
        async with server:
            return await volley(server.sockets[0].getsockname()[1], requests, 3, iter((1.0, 3.5)).__next__, moments)

    async def test_every_answer_comes_back_in_the_order_of_the_requests(self) -> None:
        requests = [b"request %d" % number for number in range(50)]
        answers = await self.sent(requests)
        assert answers.bodies == requests
        assert answers.spent == 2.5
        assert all(latency > 0 for latency in answers.latencies_ms)

    async def test_at_given_moments_nothing_is_sent_before_its_own(self) -> None:
        slowest = []
        for _ in range(5):  # a busy machine may answer one late
            answers = await self.sent([b"one", b"two"], [0.0, 0.05])
            assert answers.lasted_s >= 0.05
            slowest.append(max(answers.latencies_ms))
            if slowest[-1] < 50:
                return
        raise AssertionError(slowest)

    async def test_a_lost_connection_is_told(self) -> None:
        with pytest.raises(Unanswered):
            await self.sent([b"go away"])


class TestRevision:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        folder = tmp_path / "repository"
        (folder / "package").mkdir(parents=True)
        (folder / "package" / "__init__.py").write_text("WORD = 'old'\n", encoding="utf-8")
        pinned = '[project]\nname = "pinned"\nversion = "1"\nrequires-python = ">=3.99"\n'
        (folder / "pyproject.toml").write_text(pinned, encoding="utf-8")
        git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=n@localhost"]
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "old"]):
            subprocess.run([*git, *words], check=True)
        return folder

    def test_an_unknown_name_is_told(self, repository: Path) -> None:
        with pytest.raises(revision.Unavailable, match="git knows no revision no-such-thing"):
            revision.earlier("no-such-thing", sys.executable, repository, repository.parent / "cache")
        with pytest.raises(revision.Unavailable, match="git knows no revision --all"):
            revision.earlier("--all", sys.executable, repository, repository.parent / "cache")

    def test_one_that_cannot_be_installed_leaves_nothing_behind(
        self, repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache = repository.parent / "cache"
        with pytest.raises(revision.Unavailable, match="--python PATH"):
            revision.earlier("HEAD", str(interpreter_without_packages(repository.parent)), repository, cache)
        assert list(cache.iterdir()) == []
        assert (
            len(
                subprocess.run(
                    ["git", "worktree", "list"], cwd=repository, capture_output=True, check=True
                ).stdout.splitlines()
            )
            == 1
        )

    def test_one_that_is_ready_is_used_again(self, repository: Path) -> None:
        cache = repository.parent / "cache"
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
        ).stdout
        (cache / commit[:12]).mkdir(parents=True)
        (cache / commit[:12] / ".ready").touch()
        tree = revision.earlier("HEAD", "no-python-at-all", repository, cache)
        assert tree.folder == cache / commit[:12] / "tree"
        revision.discard(tree, repository)
        assert list(cache.iterdir()) == []

    def test_today_says_what_is_not_committed(self, repository: Path) -> None:
        assert "not committed" not in revision.today(repository).title
        (repository / "package" / "__init__.py").write_text("WORD = 'new'\n", encoding="utf-8")
        assert revision.today(repository).title.endswith(" and what is not committed")


def interpreter_without_packages(folder: Path) -> Path:
    """A Python whose environments install nothing."""
    program = folder / "python-of-the-test"
    program.write_text("#!/bin/sh\necho 'requires a different Python' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_the_people_of_a_comparison_are_seed_rows_of_this_contract() -> None:
    documents = world.seed_documents(revision.ROOT, HOSPITALS, 1000, 7, each=3)
    assert [len(document.get("persons", ())) for document in documents] == [0, 3, 3, 1]
    for document in documents:
        for kind, rows in document.items():
            for row in rows:
                assert message_of(KINDS[kind].message, json.loads(json.dumps(row))).ByteSize()


def test_a_quick_comparison_is_short_and_says_so() -> None:
    terms = against_terms_of(parser().parse_args(["--against", "HEAD", "--quick"]))
    assert (terms.rounds, terms.starts) == (3, 1)
    assert str(terms).startswith("3 rounds in 1 starts")
    assert against_terms_of(parser().parse_args(["--against", "HEAD", "--rounds", "1"])).starts == 1
