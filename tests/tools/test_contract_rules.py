"""Each rule about the contract finds its fault when it is planted into a small contract of its own."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools import contract_rules, gen_protos, reasons
from yibao.options.v1 import options_pb2

SERVICE = """
syntax = "proto3";
package yibao.sample.v1;
import "google/api/annotations.proto";
import "yibao/options/v1/options.proto";

service SampleService {
  // Looks a name up.
  rpc Look(LookRequest) returns (LookResponse) {
    option (options.v1.access) = {
      roles: [ROLE_PERSON]
      bindings: [{role: ROLE_PERSON, field: "who.psn_no"}]
    };
    option (options.v1.effect) = EFFECT_READ;
    option (options.v1.transaction) = {infno: "9999"};
    option (google.api.http) = {post: "/v1/sample:look"};
  }
  // Looks many up.
  rpc BatchLook(BatchLookRequest) returns (BatchLookResponse) {
    option (options.v1.access) = {roles: [ROLE_SERVICE]};
    option (options.v1.effect) = EFFECT_READ;
    option (options.v1.batch) = {method: "yibao.sample.v1.SampleService.Look", items: "items", outcomes: "outcomes"};
  }
}
message Who {
  string psn_no = 1 [(options.v1.data_class) = DATA_CLASS_IDENTITY];
}
message LookRequest {
  Who who = 1;
}
message LookResponse {
  int64 total_fen = 1;
  map<string, string> names = 2 [(options.v1.data_class) = DATA_CLASS_IDENTITY];
}
message BatchLookRequest {
  repeated LookRequest items = 1;
}
message BatchLookResponse {
  repeated LookResponse outcomes = 1;
}
"""


@pytest.fixture(scope="module")
def protos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("protos")
    copytree(gen_protos.PROTOS / "yibao" / "options", folder / "yibao" / "options")
    (folder / "yibao" / "sample" / "v1").mkdir(parents=True)
    return folder


def problems(protos: Path, text: str) -> list[str]:
    (protos / "yibao" / "sample" / "v1" / "sample.proto").write_text(text, encoding="utf-8")
    image = protos / "image.binpb"
    gen_protos.write_image(image, protos)
    contract = contract_rules.Contract(FileDescriptorSet.FromString(image.read_bytes()))
    return [problem for problem in contract_rules.problems(contract) if not problem.startswith(reasons.ENUM)]


def test_a_good_contract_has_no_problem(protos: Path) -> None:
    assert problems(protos, SERVICE) == []


@pytest.mark.parametrize(
    ("good", "bad", "expected"),
    [
        ("      roles: [ROLE_PERSON]\n", "", "no access option"),
        ("EFFECT_READ;\n    option (options.v1.tr", "EFFECT_UNSPECIFIED;\n    option (options.v1.tr", "no effect"),
        ("  // Looks a name up.\n", "", "no comment"),
        ('"who.psn_no"', '"who.name"', "binds the field 'who.name'"),
        ("role: ROLE_PERSON", "role: ROLE_CHANNEL", "binds ROLE_CHANNEL, which may not call"),
        ('    option (google.api.http) = {post: "/v1/sample:look"};\n', "", "no google.api.http route"),
        (
            "    option (google.api.http)",
            '    option (options.v1.stream_of) = "yibao.sample.v1.SampleService.Look";\n    option (google.api.http)',
            "though a stream has no REST form",
        ),
        ("SampleService.Look", "SampleService.See", "which does not exist"),
        ('items: "items"', 'items: "rows"', "names 'rows' as its list"),
        ("repeated LookResponse outcomes", "LookResponse outcomes", "names 'outcomes' as its list"),
        ("psn_no = 1 [(options.v1.data_class) = DATA_CLASS_IDENTITY]", "psn_no = 1", "Who.psn_no: text without"),
        ("names = 2 [(options.v1.data_class) = DATA_CLASS_IDENTITY]", "names = 2", "LookResponse.names: text without"),
        ("{roles: [ROLE_SERVICE]}", '{roles: [ROLE_SERVICE] callers: ["routing"]}', "names the caller 'routing'"),
        ("{roles: [ROLE_SERVICE]}", '{roles: [ROLE_SERVICE] callers: ["routing"]}', "has other callers than"),
        ("roles: [ROLE_PERSON]", 'roles: [ROLE_PERSON] callers: ["gateway"]', "though no service may call"),
        (
            "option (options.v1.batch)",
            'option (options.v1.transaction) = {infno: "9999", wrapper: WRAPPER_INFNO}; option (options.v1.batch)',
            "serves 9999, as yibao.sample.v1.SampleService",
        ),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(protos: Path, good: str, bad: str, expected: str) -> None:
    assert SERVICE.count(good) == 1
    found = problems(protos, SERVICE.replace(good, bad))
    assert [problem for problem in found if expected in problem] != []


def test_a_named_caller_is_one_that_the_mesh_table_lets_call_the_member() -> None:
    confirm = "yibao.settlement.v1.OrderService.Confirm"
    service = options_pb2.ROLE_SERVICE
    for caller, wrong in (("routing", 0), ("internal", 0), ("imaging", 1), ("identity", 1)):
        access = options_pb2.Access(roles=[service], callers=[caller])
        assert len(list(contract_rules.caller_problems(confirm, access))) == wrong, caller


def test_a_reason_needs_a_comment_a_text_and_somebody_who_raises_it() -> None:
    found = "\n".join(reasons.problems({"NOBODY_RAISES_THIS_ONE"}, {}))
    assert "NOBODY_RAISES_THIS_ONE has no comment" in found
    assert "NOBODY_RAISES_THIS_ONE has no text" in found


def test_a_method_that_names_an_unknown_error_is_found() -> None:
    comments = {"yibao.sample.v1.SampleService.Look": "Looks. Errors: SOME_KNOWN, NEVER_DECLARED."}
    found = reasons.problems({"SOME_KNOWN"}, comments)
    assert [problem for problem in found if problem.startswith("yibao.sample")] == [
        "yibao.sample.v1.SampleService.Look: names the error NEVER_DECLARED, which is not declared"
    ]


def test_what_the_kernel_itself_raises_is_seen() -> None:
    found = reasons.problems({"SOME_KNOWN"}, {})
    assert f"{reasons.ENUM}: SOME_KNOWN is declared, but no code raises it" in found
    assert [problem for problem in found if problem.startswith("services/kernel/money.py:")] != []


def test_no_answer_to_a_channel_holds_what_is_clinical(protos: Path) -> None:
    asked = SERVICE.replace("roles: [ROLE_PERSON]\n", "roles: [ROLE_PERSON, ROLE_CHANNEL]\n")
    clinical = asked.replace(
        "2 [(options.v1.data_class) = DATA_CLASS_IDENTITY];\n}", "2 [(options.v1.data_class) = DATA_CLASS_CLINICAL];\n}"
    )
    assert (asked != SERVICE, clinical != asked) == (True, True)
    wrong = "yibao.sample.v1.SampleService.Look: answers a channel with yibao.sample.v1.LookResponse.names, which is clinical"
    assert (wrong in problems(protos, asked), wrong in problems(protos, clinical)) == (False, True)


@pytest.mark.parametrize("kind", ["int64", "Sort", "bool", "google.protobuf.Timestamp", "map<string, string>"])
@pytest.mark.parametrize(
    ("option", "faults"),
    [
        ("[(options.v1.data_class) = DATA_CLASS_FINANCIAL]", 0),
        ("[(options.v1.data_class) = DATA_CLASS_CLINICAL]", 1),
        ("", 1),
    ],
)
def test_what_a_channel_is_told_has_a_class_that_it_may_see(protos: Path, kind: str, option: str, faults: int) -> None:
    folder = protos / "yibao" / "payment" / "v1"
    folder.mkdir(parents=True, exist_ok=True)
    text = (
        'syntax = "proto3";\npackage yibao.payment.v1;\nimport "yibao/options/v1/options.proto";\n'
        'import "google/protobuf/timestamp.proto";\nenum Sort {\n  SORT_UNSPECIFIED = 0;\n}\n'
        f"message Charge {{\n  Part part = 1;\n}}\nmessage Part {{\n  {kind} value = 1 {option};\n}}\n"
    )
    (folder / "channel.proto").write_text(text, encoding="utf-8")
    found = problems(protos, SERVICE)
    (folder / "channel.proto").unlink()
    assert len([problem for problem in found if "a channel is told it" in problem]) == faults
