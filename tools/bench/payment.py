"""Mobile payment beside its twins on this machine: orders a second, what an adapter's call costs, notifies, and how soon a killed
payment has brought every order to rest. The twins and the load are on the same cores and counted.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import uvloop

from services.kernel.clock import system_clock
from services.payment.channels.protocol import merchant_of
from services.payment.domain.charges import ChannelState
from services.payment.loader import Merchants, read_merchants
from services.payment.store.terminal_rows import TerminalRows
from services.payment.store.unit import PaymentStore
from services.payment.wiring import Lines, channels_of
from services.runtime import rsa
from services.runtime.config import Config
from services.runtime.db import Database
from services.runtime.outgoing import Outgoing
from services.runtime.pos.line import PosLine
from services.runtime.telemetry import Telemetry
from services.runtime.trace_store import TraceStore
from tools.bench import processes, report
from tools.bench.figures import several, spread
from tools.bench.measures import Disagreement, Terms
from tools.bench.payment_street import AT_ONCE, Caller, Street, each_of, street
from tools.bench.preparation import Unprepared
from tools.bench.subject import SQLITE
from tools.sandbox_keys import INSTITUTION
from tools.twins.bank.cards import PLAIN
from yibao.payment.v1 import channel_pb2

GOAL_PER_S, MUST_PER_S = 150, 80
MOST_ADAPTER_MS: Final = 1.0
NOTIFIES_PER_S: Final = 100
MOST_NOTIFY_MS: Final = 50.0
HALF_STATES: Final = 1_000
MOST_RECOVERY_S: Final = 60.0
_TRACES: Final = 0.05
"""As outside a sandbox, and in the figures of settling. Of notifies every trace is kept: they are measured by their spans."""
_CALLS: Final = 200
_DOOR: Final = "POST /v1/channels/"
_NUMBERS: Final = iter(range(1, 10**9))


def payment(terms: Terms) -> None:
    """All of it, on SQLite, one cell."""
    quick = terms.runs == 1
    people = 200 if quick else HALF_STATES
    choice = terms.choice(SQLITE, _TRACES)
    print(f"   {choice}", flush=True)
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder, street(Path(folder), people, choice) as at:
        try:
            uvloop.run(_measured(at, terms.runs, people))
        except ExceptionGroup as group:
            # The first of many that run at once.
            raise Unprepared(f"{group.exceptions[0]!r}") from None


async def _measured(at: Street, runs: int, people: int) -> None:
    caller = Caller(at)
    try:
        await caller.keys()
        print(report.heading(f"orders through the twin of WeChat (goal {GOAL_PER_S}/s, at least {MUST_PER_S}/s)"))
        await _orders(at, caller, runs)
        print(report.heading(f"an adapter's call, processor time (at most {MOST_ADAPTER_MS:.0f} ms)"))
        await _adapters(at)
        print(report.heading(f"notifies at {NOTIFIES_PER_S}/s (p99 at most {MOST_NOTIFY_MS:.0f} ms)"))
        await _notifies(at, caller)
        print(report.heading(f"recovery of {people} orders after a kill (at most {MOST_RECOVERY_S:.0f} s)"))
        await _recovery(at, caller)
    finally:
        await caller.close()


async def _orders(at: Street, caller: Caller, runs: int) -> None:
    """Each of the people has one order: placed, then paid by a code; beside it the adapter alone at the same twin."""
    placing, paying, alone, whole = [], [], [], []
    latencies: list[float] = []
    spent: dict[str, float] = {}
    whole_spent: dict[str, float] = {}
    for _ in range(runs):
        first, begun = _cpu(at), time.perf_counter()
        placed, _ = await each_of(at.people, caller.placed)
        took_s = time.perf_counter() - begun
        placing.append(len(placed) / took_s)
        before, begun = _cpu(at), time.perf_counter()
        _, each_ms = await each_of(placed, caller.by_code)
        paid_s = time.perf_counter() - begun
        after = _cpu(at)
        spent = _each_ms(before, after, len(placed))
        whole_spent = _each_ms(first, after, len(placed))
        latencies += each_ms
        paying.append(len(placed) / paid_s)
        whole.append(len(placed) / (took_s + paid_s))
        alone.append(await _alone(at, len(placed)))
    seen = spread(latencies)
    rates = {
        "paid": paying,
        "placed": placing,
        "whole": whole,
        "floor": alone,
        "ratio": [one / floor for one, floor in zip(paying, alone, strict=True)],
    }
    told = {name: several(values, more_is_better=True) for name, values in rates.items()}
    spread_told = f"p50 {seen.p50_ms:.0f} ms, p99 {seen.p99_ms:.0f} ms; {AT_ONCE} at once"
    print(f"   paid by a scanned code    {report.figure(told['paid'], '/s', 0)}   {spread_told}")
    print(f"   authorised, saved, placed {report.figure(told['placed'], '/s', 0)}")
    print(f"   all of an order           {report.figure(told['whole'], '/s', 0)}")
    print(f"   floor: charges by the adapter alone {report.figure(told['floor'], '/s', 0)}", end="   ")
    print(f"paid are {report.figure(told['ratio'], '×', 2)} of it")
    for what, parts in (("a payment", spent), ("an order", whole_spent)):
        named = ", ".join(f"{name} {value:.1f}" for name, value in parts.items())
        print(f"   {sum(parts.values()):.1f} ms of processor time {what}: {named}", flush=True)


def _cpu(at: Street) -> dict[str, float]:
    """Processor seconds until now of the mesh's processes by what they run, of the twins, and of this load."""
    mesh = processes.tree(at.mesh.process.pid)
    found = {usage.command.removeprefix("services "): processes.cpu_s([pid]) for pid, usage in mesh.items()}
    twins = processes.cpu_s(processes.tree(at.twins.process.pid))
    return found | {"twins": twins, "load": processes.cpu_s([os.getpid()])}


def _each_ms(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, float]:
    """Milliseconds of one, between two moments."""
    return {name: (value - before[name]) / count * 1000 for name, value in after.items()}


class Bench:
    """The adapters in this process, as payment has them."""

    def __init__(self, at: Street, folder: Path) -> None:
        self.merchants = Merchants(
            tuple(each for each in read_merchants(at.twins.merchants).accounts if each.fixmedins_code == INSTITUTION)
        )
        telemetry = Telemetry("payment", Config.load({"YIBAO_TRACE_EXPORTER": "none"}))
        self._outgoing = Outgoing(telemetry)
        self._database = Database(f"sqlite:///{folder}/bench.sqlite", system_clock)
        book = TerminalRows(self._database, system_clock)
        self._pos = PosLine(telemetry)
        lines = Lines(self._outgoing, self._pos, book, system_clock, Config.load({}).text("YIBAO_LIBCRYPTO"))
        self.channels = {each.terms.name: each for each in channels_of(self.merchants, lines)}

    async def start(self) -> None:
        """The book of terminals."""
        await PaymentStore(self._database).start()

    async def close(self) -> None:
        """Lets go of everything."""
        await self._outgoing.close()
        await self._pos.close()
        await self._database.close()

    def charge(self, channel: str) -> channel_pb2.ChannelCharge:
        """A new charge of 25.00 by a code, or pushed to the app."""
        account = next(each for each in self.merchants.accounts if each.channel == channel)
        number, now = f"C{time.time_ns()}", datetime.now(UTC)
        made = channel_pb2.ChannelCharge(
            charge_no=number[:20],
            pay_ord_id=f"ORD990100{next(_NUMBERS)}",
            med_org_ord=number[-12:],
            merchant=merchant_of(account),
            order_type=channel_pb2.PAY_ORDER_TYPE_CONSULTATION,
            form=channel_pb2.PAY_FORM_APP if channel == "national" else channel_pb2.PAY_FORM_CODE,
            user_no="USER1" if channel == "national" else "",
            code=f"{PLAIN}=4912" if channel == "bank" else "130000000000000001",
            total_fen=2_500,
            cash_fen=2_500,
            charge_fen=2_500,
        )
        made.created_time.FromDatetime(now)
        made.expires_time.FromDatetime(now + timedelta(minutes=15))
        return made


async def _alone(at: Street, count: int) -> float:
    """Charges a second by the adapter and the twin alone."""
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        bench = Bench(at, Path(folder))
        channel = bench.channels["wechat"]

        async def charged(_place: int) -> None:
            seen = await channel.place(bench.charge("wechat"))
            if seen.standing is not ChannelState.CHARGED:
                raise Disagreement(f"the twin says {seen.standing} {seen.code}")

        begun = time.perf_counter()
        await each_of(range(count), charged)
        took_s = time.perf_counter() - begun
        await bench.close()
    return count / took_s


async def _adapters(at: Street) -> None:
    """One call after another, by this thread's own processor time."""
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        bench = Bench(at, Path(folder))
        await bench.start()
        key = next(each.private_key for each in bench.merchants.accounts if each.channel == "wechat")
        signing = rsa.private_key(key)
        begun = time.thread_time()
        for _ in range(_CALLS):
            rsa.sign(signing, b"a request")
        print(f"   floor: one RSA signature {(time.thread_time() - begun) / _CALLS * 1000:.2f} ms")
        for name, channel in bench.channels.items():
            if name == "cash":
                continue
            charges = [bench.charge(name) for _ in range(_CALLS)]
            placed = await _of_call(channel.place, charges)
            looked = await _of_call(channel.look, charges)
            print(f"   {name:<9} place {placed:.2f} ms   look {looked:.2f} ms", flush=True)
        await bench.close()


async def _of_call(act: Callable[[Any], Awaitable[Any]], charges: Sequence[Any]) -> float:
    """Milliseconds of processor time of one."""
    begun = time.thread_time()
    for each in charges:
        await act(each)
    return (time.thread_time() - begun) / len(charges) * 1000


async def _notifies(at: Street, caller: Caller) -> None:
    """People pay at the twin at an even pace; the gateway's span of each notify is what it took."""
    at.tracing(1.0)
    charges = await _waiting(at, caller)
    began_ns, paid, begun = time.time_ns(), at.phases().get("paid", 0), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for place, charge_no in enumerate(charges):
            await asyncio.sleep(max(0.0, begun + place / NOTIFIES_PER_S - time.perf_counter()))
            group.create_task(caller.pays(charge_no))
    took_s = time.perf_counter() - begun
    await _until_paid(at, paid + len(charges), 60.0)
    await asyncio.sleep(2.0)
    store = TraceStore(Path(at.values["YIBAO_DATA_DIR"]) / "traces.sqlite")
    spans = [
        each.duration_ms for each in store.all_spans() if each.start_ns >= began_ns and each.name.startswith(_DOOR)
    ]
    seen = spread(spans)
    told = f"p50 {seen.p50_ms:.1f} ms, p99 {seen.p99_ms:.1f} ms, max {seen.max_ms:.1f} ms"
    print(f"   {seen.count} notifies of {len(charges)} orders at {len(charges) / took_s:.0f}/s: {told}", flush=True)


async def _recovery(at: Street, caller: Caller) -> None:
    """Everybody's order waits at WeChat; the mesh is killed, all pay, and it is started again: until all are paid."""
    at.tracing(_TRACES)
    charges = await _waiting(at, caller)
    paid = at.phases().get("paid", 0)
    at.kill()
    await each_of(charges, caller.pays)
    begun = time.perf_counter()
    at.again()
    started_s = time.perf_counter() - begun
    whole_s = await _until_paid(at, paid + len(charges), MOST_RECOVERY_S * 3) + started_s
    print(
        f"   {len(charges)} orders that were paid meanwhile at rest after {whole_s:.1f} s, {started_s:.1f} s of them the start"
    )


async def _waiting(at: Street, caller: Caller) -> list[str]:
    placed, _ = await each_of(at.people, caller.placed)
    charges, _ = await each_of(placed, caller.waits)
    return charges


async def _until_paid(at: Street, wanted: int, most_s: float) -> float:
    """Seconds until so many orders are paid."""
    begun = time.perf_counter()
    while at.phases().get("paid", 0) < wanted:
        if time.perf_counter() - begun > most_s:
            raise Disagreement(f"after {most_s:.0f} s orders stand so: {at.phases()}; {wanted} should be paid")
        await asyncio.sleep(0.1)
    return time.perf_counter() - begun
