"""A node and a feed tell mistakes of their command lines before they begin, with what is expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tools.pacs_node import __main__ as node
from tools.pacs_node import feed_of

FEED = ("--folder", "feed", "--node-no", "SD1", "--index", "http://127.0.0.1:1")


def refused(capsys: pytest.CaptureFixture[str], program: Callable[[Sequence[str]], int], *arguments: str) -> str:
    """What is said when the program does not begin."""
    with pytest.raises(SystemExit) as ended:
        program(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err.rpartition("error: ")[2].strip()


@pytest.mark.parametrize(
    ("half", "said"),
    [
        (("--index", "localhost:7400"), "argument --index: a URL is expected"),
        (("--index", "http://"), "argument --index: a URL is expected"),
        (("--index", "http://127.0.0.1:x"), "argument --index: a URL is expected"),
        (("--api-key-file", "nowhere.key"), "argument --api-key-file: nowhere.key cannot be read (No such file"),
        (("--index", "http://127.0.0.1:1"), "--index and --api-key-file go together"),
        (("--samples", "2026-03-15"), "argument --samples: a day is expected, yyyyMMdd"),
        (("--samples", "20260231"), "argument --samples: a day is expected, yyyyMMdd"),
        (("--node-no", "sd1"), "argument --node-no: a node's number"),
    ],
)
def test_a_node_does_not_begin_with_what_it_cannot_use(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, half: tuple[str, ...], said: str
) -> None:
    assert refused(capsys, node.main, str(tmp_path / "node"), *half).startswith(said)
    assert not (tmp_path / "node").exists()


@pytest.mark.parametrize(
    ("held", "said"), [(b"", "holds no key"), (b"two words", "holds no key"), (b"\xff", "no text")]
)
def test_a_file_that_holds_no_key_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, held: bytes, said: str
) -> None:
    (tmp_path / "key").write_bytes(held)
    told = refused(capsys, feed_of.main, "http://127.0.0.1:1/dicom-web", *FEED, "--api-key-file", str(tmp_path / "key"))
    assert said in told


def test_a_look_that_was_not_whole_ends_with_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("k\n", encoding="ascii")
    assert feed_of.main(("http://127.0.0.1:1/dicom-web", *FEED, "--api-key-file", "key", "--once")) == 1
    assert "the archive does not answer" in capsys.readouterr().out
    (tmp_path / "feed").rename(tmp_path / "other")
    (tmp_path / "feed").touch()
    assert feed_of.main(("http://127.0.0.1:1/dicom-web", *FEED, "--api-key-file", "key", "--once")) == 1
    assert "choose another --folder" in capsys.readouterr().err
