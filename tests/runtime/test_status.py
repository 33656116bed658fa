"""A fault survives the wire: kind, reason, metadata, violations and delay come back as they went."""

from __future__ import annotations

import string

import grpc
import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.errors import Fault, FaultKind, Violation
from services.runtime.status import (
    InternalError,
    code_name,
    from_status,
    internal_status,
    reason_of,
    to_rpc_error,
    to_status,
)
from services.runtime.texts.gateway import RULES
from services.runtime.texts.table import TEXTS, text, text_of

words = st.text(min_size=0, max_size=20)
# Of a rule that the table knows the texts come back, also where it went without them.
unknown = words.filter(lambda rule: rule not in RULES)
faults = st.builds(
    Fault,
    st.sampled_from(FaultKind),
    st.text(string.ascii_uppercase + "_", min_size=1, max_size=30),
    st.dictionaries(words, words, max_size=4),
    violations=st.lists(st.builds(Violation, words, unknown, words), max_size=3),
    retry_after_s=st.one_of(st.none(), st.integers(0, 3600_000).map(lambda ms: ms / 1000)),
)


@given(faults)
def test_a_fault_comes_back_as_it_went(fault: Fault) -> None:
    back = from_status(Status.FromString(to_status(fault).SerializeToString()))
    assert isinstance(back, Fault)
    assert (back.kind, back.reason, back.metadata) == (fault.kind, fault.reason, fault.metadata)
    assert (back.violations, back.retry_after_s) == (fault.violations, fault.retry_after_s)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_has_a_code_of_grpc(kind: FaultKind) -> None:
    code, message, trailing = to_rpc_error(Fault(kind, "QUEUE_FULL", {"queue": "q"}))
    assert code is grpc.StatusCode[kind.value]
    assert message == "The queue q is full; try again later"
    assert trailing[0][0] == "grpc-status-details-bin"


def test_a_bug_stays_a_bug_with_its_id() -> None:
    error = from_status(internal_status("abc", "settlement"))
    assert isinstance(error, InternalError)
    assert (error.error_id, error.metadata["member"]) == ("abc", "settlement")


@pytest.mark.parametrize("code", [grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.INTERNAL])
def test_a_bare_code_that_is_no_refusal_is_a_bug(code: grpc.StatusCode) -> None:
    assert isinstance(from_status(Status(code=code.value[0]), member="identity"), InternalError)


def test_a_bare_code_of_grpc_itself_gets_a_reason() -> None:
    fault = from_status(Status(code=grpc.StatusCode.UNAVAILABLE.value[0]), member="identity")
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.metadata) == ("PEER_UNAVAILABLE", {"member": "identity"})


def test_a_status_tells_its_code_and_reason() -> None:
    status = to_status(Fault(FaultKind.NOT_FOUND, "NOTE_NOT_FOUND"))
    assert (code_name(status), reason_of(status)) == ("NOT_FOUND", "NOTE_NOT_FOUND")
    assert reason_of(Status(code=1)) == "CANCELLED"


def test_texts_name_the_metadata_in_both_languages() -> None:
    fault = Fault(FaultKind.UNAVAILABLE, "PEER_UNAVAILABLE", {"member": "identity"})
    assert text(fault, "zh") == "服务“参保身份”暂不可用，请稍后重试"
    assert text(fault, "en") == "identity cannot be reached; try again later"


def test_a_text_without_its_metadata_or_a_reason_without_a_text_still_speaks() -> None:
    assert text_of("PEER_UNAVAILABLE", {}, "en") == "… cannot be reached; try again later"
    assert text_of("NEVER_HEARD_OF", {}, "zh") == "NEVER_HEARD_OF"


@pytest.mark.parametrize("reason", sorted(TEXTS))
def test_the_english_text_names_nothing_that_the_chinese_one_does_not(reason: str) -> None:
    named = [{field for _, field, _, _ in string.Formatter().parse(each) if field} for each in TEXTS[reason]]
    assert named[1] <= named[0]
    assert all(name.isidentifier() and name.islower() for name in named[0])
