"""Generated code follows its sources and nothing else, and a change that breaks released callers is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import copytree

import protovalidate
import pytest
from google.protobuf.descriptor_pb2 import FieldOptions

from buf.validate import validate_pb2
from tools import check, gen_protos

NOTE = """
syntax = "proto3";
package yibao.note.v1;
import "buf/validate/validate.proto";
import "yibao/options/v1/options.proto";

// Notes.
service NoteService {
  // Keeps a note.
  rpc Keep(KeepRequest) returns (KeepResponse);
}
message KeepRequest {
  string text = 1 [(buf.validate.field).string.min_len = 3, (options.v1.data_class) = DATA_CLASS_PUBLIC];
}
message KeepResponse {}
"""


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    folder = tmp_path / "protos"
    copytree(gen_protos.PROTOS / "yibao" / "options", folder / "yibao" / "options")
    return write(folder, NOTE)


def write(folder: Path, text: str) -> Path:
    (folder / "yibao" / "note" / "v1").mkdir(parents=True, exist_ok=True)
    (folder / "yibao" / "note" / "v1" / "note.proto").write_text(text, encoding="utf-8")
    return folder


def generated(folder: Path, protos: Path) -> Path:
    folder.mkdir()
    gen_protos.generate(folder, protos)
    return folder


def test_the_same_sources_give_the_same_files(tmp_path: Path, protos: Path) -> None:
    first, second = generated(tmp_path / "first", protos), generated(tmp_path / "second", protos)
    assert gen_protos.differences(first, second) == []
    note = first / "yibao" / "note" / "v1"
    assert sorted(path.name for path in note.iterdir()) == [
        "__init__.py", "note_pb2.py", "note_pb2.pyi", "note_pb2_grpc.py", "note_pb2_grpc.pyi",
    ]  # fmt: skip
    assert not (first / "yibao" / "options" / "v1" / "options_pb2_grpc.py").exists()


def test_what_is_changed_missing_or_left_over_is_named(tmp_path: Path, protos: Path) -> None:
    wanted, found = generated(tmp_path / "wanted", protos), generated(tmp_path / "found", protos)
    (found / "yibao" / "note" / "v1" / "note_pb2.py").write_text("# changed\n", encoding="utf-8")
    (found / "yibao" / "note" / "v1" / "note_pb2.pyi").unlink()
    (found / "yibao" / "old_pb2.py").touch()
    assert gen_protos.differences(wanted, found) == [
        "yibao/note/v1/note_pb2.py",
        "yibao/note/v1/note_pb2.pyi",
        "yibao/old_pb2.py",
    ]


def test_a_file_that_does_not_compile_is_explained(tmp_path: Path, protos: Path) -> None:
    with pytest.raises(gen_protos.CompileError, match="NoSuchMessage"):
        generated(tmp_path / "gen", write(protos, NOTE.replace("Keep(KeepRequest)", "Keep(NoSuchMessage)")))


def test_the_generated_rules_are_those_that_protovalidate_reads() -> None:
    options = FieldOptions()
    options.Extensions[validate_pb2.field].string.min_len = 3
    assert options.Extensions[validate_pb2.field].string.min_len == 3
    assert protovalidate.collect_violations(validate_pb2.StringRules(min_len=3)) == []


@pytest.mark.parametrize(
    ("good", "bad", "step", "expected"),
    [
        ("string text = 1", "bytes text = 1", "buf-breaking", "changed type"),
        ("// Keeps a note.\n", "", "buf-lint", "non-empty comment"),
        ("KeepResponse", "Answer", "buf-lint", "KeepResponse"),
        ("string text = 1", "string text = 1", "buf-breaking", ""),
    ],
)
def test_buf_judges_the_images(tmp_path: Path, protos: Path, good: str, bad: str, step: str, expected: str) -> None:
    released, image = tmp_path / "released.binpb", tmp_path / "image.binpb"
    gen_protos.write_image(released, protos, comments=False)
    gen_protos.write_image(image, write(protos, NOTE.replace(good, bad)))
    command = next(each.command for each in check.reading_steps(image, released) if each.name == step)
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == (not expected)
    assert expected in run.stdout


def test_an_unknown_step_is_refused_with_the_names_of_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["no-such-step"]) == 2
    assert "there are mypy, generated, contract, imports" in capsys.readouterr().out
