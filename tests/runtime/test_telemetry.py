"""Traces: what is kept, what is refused, and what the local file tells of them."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from services.kernel.errors import not_found
from services.runtime import span_file
from services.runtime.config import Config
from services.runtime.telemetry import ROOT, SpanKind, Telemetry, UndeclaredAttribute, current_span, extract, inject
from services.runtime.trace_store import Node, TraceStore
from tests.runtime.spoiling import spoil


def ratio(settings: dict[str, str], share: str) -> Config:
    return Config.load({**settings, "YIBAO_TRACE_RATIO": share})


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def telemetry(config: Config, kept: InMemorySpanExporter) -> Telemetry:
    return Telemetry("settlement", config, kept)


def test_context_survives_the_wire(telemetry: Telemetry) -> None:
    with telemetry.span("work") as span:
        ref = extract(inject())
    assert ref == (span.trace_id, span.span_id, True)
    assert inject(ref) == f"00-{span.trace_id:032x}-{span.span_id:016x}-01"
    assert inject() == ""


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        "x" * 55,
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"ff-{'1' * 32}-{'1' * 16}-01",
    ],
)
def test_a_malformed_traceparent_is_none_at_all(traceparent: str) -> None:
    assert extract(traceparent) is None


def test_a_span_hangs_below_the_current_one_unless_it_is_told_otherwise(telemetry: Telemetry) -> None:
    with telemetry.span("outer") as outer:
        with telemetry.span("inner") as inner:
            assert current_span() is inner
            with telemetry.span("alone", parent=ROOT) as alone:
                pass
        assert current_span() is outer
    assert (inner.trace_id, inner.parent_id) == (outer.trace_id, outer.span_id)
    assert alone.trace_id != outer.trace_id
    assert alone.parent_id == 0


def test_an_attribute_that_is_not_declared_is_refused(telemetry: Telemetry) -> None:
    with telemetry.span("work") as span:
        with pytest.raises(UndeclaredAttribute):
            span.set_attribute("yibao.psn_name", "a name")
        with pytest.raises(UndeclaredAttribute):
            span.set_attributes({"yibao.msgid": "m", "certno": "1"})
    with pytest.raises(UndeclaredAttribute):
        telemetry.span("work", attributes={"psn_no": "1"})


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (not_found("NOTE_NOT_FOUND"), "NOT_FOUND", "NOTE_NOT_FOUND"),
        (KeyError("a person"), "INTERNAL", "KeyError"),
        (asyncio.CancelledError(), "CANCELLED", "CANCELLED"),
    ],
)
def test_a_span_that_is_left_by_an_exception_tells_code_and_reason(
    settings: dict[str, str], kept: InMemorySpanExporter, error: BaseException, code: str, reason: str
) -> None:
    telemetry = Telemetry("settlement", ratio(settings, "0"), kept)

    def fail() -> None:
        with telemetry.span("outer"), telemetry.span("work"):
            raise error

    with pytest.raises(type(error)):
        fail()
    telemetry.stop()
    for span in kept.get_finished_spans():
        assert span.status.status_code is StatusCode.ERROR
        assert dict(span.attributes or {}) == {"yibao.code": code, "yibao.reason": reason}
    assert len(kept.get_finished_spans()) == 2


def test_the_ratio_decides_for_whole_traces(settings: dict[str, str], kept: InMemorySpanExporter) -> None:
    telemetry = Telemetry("settlement", ratio(settings, "0.25"), kept)
    for _ in range(2000):
        with telemetry.span("root"), telemetry.span("child"):
            pass
    telemetry.stop()
    spans = kept.get_finished_spans()
    assert 2 * 400 < len(spans) < 2 * 600
    by_trace: dict[int, int] = {}
    for span in spans:
        assert span.context is not None
        by_trace[span.context.trace_id] = by_trace.get(span.context.trace_id, 0) + 1
    assert set(by_trace.values()) == {2}


def test_a_sampled_parent_or_link_decides_before_the_ratio(
    settings: dict[str, str], kept: InMemorySpanExporter
) -> None:
    telemetry = Telemetry("settlement", ratio(settings, "0"), kept)
    sampled = extract(f"00-{'1' * 32}-{'2' * 16}-01")
    unsampled = extract(f"00-{'3' * 32}-{'4' * 16}-00")
    assert sampled is not None
    assert unsampled is not None
    assert telemetry.span("child", parent=sampled).sampled
    assert telemetry.span("commit", links=[unsampled, sampled]).sampled
    assert not telemetry.span("commit", links=[unsampled]).sampled
    assert not Telemetry("x", ratio(settings, "1"), kept).span("child", parent=unsampled).sampled


def test_a_kept_span_is_linked_to_what_is_kept_and_one_that_failed_alone_to_all(
    settings: dict[str, str], kept: InMemorySpanExporter
) -> None:
    telemetry = Telemetry("settlement", ratio(settings, "0"), kept)
    sampled, unsampled = extract(f"00-{'1' * 32}-{'2' * 16}-01"), extract(f"00-{'3' * 32}-{'4' * 16}-00")
    assert sampled is not None
    assert unsampled is not None
    with telemetry.span("commit", parent=ROOT, links=[unsampled, sampled]):
        pass
    with telemetry.span("failed", parent=ROOT, links=[unsampled]) as span:
        span.fail("INTERNAL", "INTERNAL_ERROR")
    telemetry.stop()
    told = {span.name: [link.context.trace_id for link in span.links] for span in kept.get_finished_spans()}
    assert told == {"commit": [sampled.trace_id], "failed": [unsampled.trace_id]}


def names(nodes: tuple[Node, ...]) -> list[object]:
    return [(f"{node.span.service}:{node.span.name}", names(node.children)) for node in nodes]


def test_the_file_finds_a_trace_by_its_numbers_and_shows_the_commit_it_shared(config: Config) -> None:
    gateway, settlement = Telemetry("gateway", config), Telemetry("settlement", config)
    with gateway.span("2207", SpanKind.SERVER, {"yibao.msgid": "H1-msg-1"}) as http:
        wire = extract(inject())
    with settlement.span("Settle", SpanKind.SERVER, {"yibao.request_id": "2207:H1-msg-1"}, parent=wire) as item:
        item.set_attribute("yibao.setl_id", "S77")
    with settlement.span("other", SpanKind.SERVER) as other:
        pass
    with (
        settlement.span("commit settle", parent=ROOT, links=[item, other]),
        settlement.span("insert", SpanKind.CLIENT, {"db.operation": "write"}),
    ):
        pass
    gateway.stop()
    settlement.stop()

    store = TraceStore(config.trace_file)
    trace = f"{http.trace_id:032x}"
    assert store.find("H1-msg-1") == store.find("2207:H1-msg-1") == store.find("S77") == [trace]
    assert store.find("nothing") == []
    tree = store.tree(trace)
    assert names(tree) == [
        (
            "gateway:2207",
            [("settlement:Settle", [("settlement:commit settle", [("settlement:insert", [])])])],
        )
    ]
    commit = tree[0].children[0].children[0]
    assert commit.linked
    assert not tree[0].children[0].linked
    assert commit.children[0].span.attributes == {"db.operation": "write"}
    assert tree[0].span.duration_ms >= 0
    assert store.edges() == {("gateway", "settlement")}


def test_as_many_spans_as_ended_are_in_the_file_each_with_its_own_numbers_and_links(config: Config) -> None:
    telemetry = Telemetry("settlement", config)
    begun = []
    for number in range(347):
        with telemetry.span("request", parent=ROOT) as request:
            pass
        with telemetry.span("work", attributes={"yibao.msgid": f"m{number}"}, parent=ROOT, links=[request]) as work:
            begun.append((request, work))
    telemetry.stop()
    store = TraceStore(config.trace_file)
    assert [span.name for span in store.all_spans()] == ["request", "work"] * 347
    for number, (request, work) in enumerate(begun):
        assert store.find(f"m{number}") == [f"{work.trace_id:032x}"]
        assert names(store.tree(f"{request.trace_id:032x}")) == [("settlement:request", [("settlement:work", [])])]


def test_members_that_open_the_file_at_the_same_moment_all_write_to_it(config: Config) -> None:
    members = [Telemetry(f"member{number}", config) for number in range(8)]
    barrier = threading.Barrier(len(members))

    def work(member: Telemetry) -> None:
        with member.span("work"):
            pass
        barrier.wait(5)
        member.flush()

    threads = [threading.Thread(target=work, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for member in members:
        member.stop()
    written = {span.service for span in TraceStore(config.trace_file).all_spans()}
    assert written == {member.service_name for member in members}


def test_a_span_whose_parent_was_not_kept_is_a_root(config: Config) -> None:
    telemetry = Telemetry("settlement", config)
    parent = extract(f"00-{'1' * 32}-{'2' * 16}-01")
    with telemetry.span("child", parent=parent):
        pass
    telemetry.stop()
    assert names(TraceStore(config.trace_file).tree("1" * 32)) == [("settlement:child", [])]


def test_the_file_holds_so_many_spans_and_no_more(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_file, "_PRUNE_EVERY", 1)
    config = Config.load({**settings, "YIBAO_TRACE_KEEP_SPANS": "10"})
    telemetry = Telemetry("settlement", config)
    for number in range(30):
        with telemetry.span("work", attributes={"yibao.msgid": f"m{number}"}):
            pass
        telemetry.flush()
    telemetry.stop()
    store = TraceStore(config.trace_file)
    assert len(store.all_spans()) == 10
    assert (store.find("m0"), len(store.find("m29"))) == ([], 1)
    with closing(sqlite3.connect(config.trace_file)) as connection:
        assert connection.execute("SELECT count(*) FROM span_keys").fetchone() == (10,)


def test_a_trace_file_that_cannot_be_written_stops_nobody(settings: dict[str, str], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    telemetry = Telemetry("settlement", Config.load({**settings, "YIBAO_DATA_DIR": str(blocked)}))
    with telemetry.span("work"):
        pass
    telemetry.flush()
    telemetry.stop()
    assert blocked.read_text() == "no folder"


def test_a_trace_file_that_is_damaged_stops_nobody(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    spoil(config.trace_file)
    telemetry = Telemetry("settlement", config)
    with telemetry.span("work"):
        pass
    telemetry.flush()
    telemetry.stop()
    assert [each.getMessage() for each in caplog.records if each.exc_info] == []


def test_a_file_that_does_not_exist_holds_no_traces(tmp_path: Path) -> None:
    store = TraceStore(tmp_path / "none.sqlite")
    assert (store.find("x"), store.tree("x"), store.all_spans(), store.edges()) == ([], (), [], frozenset())


def test_without_an_exporter_spans_go_nowhere(settings: dict[str, str], tmp_path: Path) -> None:
    telemetry = Telemetry("settlement", Config.load({**settings, "YIBAO_TRACE_EXPORTER": "none"}))
    with telemetry.span("work"):
        pass
    telemetry.stop()
    assert not (tmp_path / "traces.sqlite").exists()
