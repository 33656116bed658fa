"""The call that is being served is that of the block, and of nobody behind it."""

from __future__ import annotations

from datetime import UTC, datetime

from services.runtime.call import CallContext, Caller, Role, find_call, use_call

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def call(subject: str) -> CallContext:
    return CallContext(Caller(Role.INSTITUTION, subject), "/s/Any", None, None, NOW)


def test_behind_a_block_nobody_calls_and_in_an_inner_one_the_inner_caller() -> None:
    seen = [find_call()]
    with use_call(call("H1")) as outer:
        with use_call(call("H2")) as inner:
            seen.append(find_call())
        seen.append(find_call())
    seen.append(find_call())
    assert seen == [None, inner, outer, None]
