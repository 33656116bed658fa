"""`yibao token` and `yibao mesh-keys`: tokens that members believe, and keys that hold no more than they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.kernel.clock import system_clock
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller, Role
from services.runtime.config import Config, ConfigError
from services.runtime.keys import Keys, load
from tools.cli.main import main

KEY = "the mesh key of these tests, 32 bytes"


@pytest.fixture(autouse=True)
def mesh_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever starts a mesh outside the sandbox."""
    monkeypatch.setenv("YIBAO_MESH_KEY", KEY)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command prints that ends well."""
    assert main(words) == 0
    return capsys.readouterr().out.strip()


def seen_by(member: str, token: str, keys: Keys | None = None) -> Caller:
    """Whom a member takes the token's bearer for."""
    return TokenSigner((keys or Keys.of_mesh_key(KEY)).of(member), system_clock).verify(token)


def test_a_token_opens_its_member_in_its_role(capsys: pytest.CaptureFixture[str]) -> None:
    token = printed(capsys, "token", "--as", "internal", "--audience", "settlement", "--role", "service")
    caller = seen_by("settlement", token)
    assert (caller, caller.via) == (Caller(Role.SERVICE, "internal"), "internal")
    words = ("--as", "cli", "--audience", "identity", "--role", "institution", "--subject", "H99010000001")
    assert seen_by("identity", printed(capsys, "token", *words)) == Caller(Role.INSTITUTION, "H99010000001")


def test_the_key_of_a_sandbox_is_found_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("YIBAO_MESH_KEY")
    config = Config.load({"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path)})
    keys = load(config)
    words = ("token", "--as", "cli", "--audience", "catalogue", "--role", "operator", "--data-dir")
    assert seen_by("catalogue", printed(capsys, *words, str(tmp_path)), keys) == Caller(
        Role.OPERATOR, "cli", sandbox=True
    )
    assert main([*words, str(tmp_path / "none")]) == 1
    assert "YIBAO_MESH_KEY must be set" in capsys.readouterr().err
    monkeypatch.setenv("YIBAO_SANDBOX", "on")
    assert main([*words, str(tmp_path / "none")]) == 1
    assert "is this the mesh's data folder?" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--as catalogue --audience identity --role service", "does not allow catalogue to call identity"),
        ("--as settlement --audience identity --role operator", "settlement may not speak for another"),
        ("--as internal --audience identity --role service --subject settlement", "internal may not speak for another"),
        ("--as internal --audience identity --role person", "--subject is needed"),
    ],
)
def test_a_token_that_no_member_would_believe_is_refused(
    words: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", *words.split()]) == 1
    said = capsys.readouterr()
    assert (said.out, told in said.err) == ("", True), said.err


@pytest.mark.parametrize(
    "words",
    [
        "token --as nobody --audience identity --role service",
        "token --as cli --audience gateway --role service",
        "token --as cli --audience identity --role king",
        "token --as cli --audience identity --role operator --ttl 999999",
        "mesh-keys nobody",
    ],
)
def test_names_that_the_table_lacks_are_wrong_use(words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert caught.value.code == 2


def test_the_keys_of_one_member_are_printed_for_a_setting_and_for_compose(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "mesh-keys", "settlement")
    assert Keys([text]).of("settlement") == Keys.of_mesh_key(KEY).of("settlement")
    lines = printed(capsys, "mesh-keys", "--env").splitlines()
    assert f'KEYS_OF_SETTLEMENT="{text}"' in lines
    assert KEY not in "".join(lines)


def test_whoever_holds_its_own_keys_alone_makes_its_own_tokens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIBAO_MESH_KEY", printed(capsys, "mesh-keys", "internal"))
    token = printed(capsys, "token", "--as", "internal", "--audience", "identity", "--role", "service")
    assert seen_by("identity", token).via == "internal"
    assert main(["token", "--as", "cli", "--audience", "identity", "--role", "operator"]) == 1
    assert "no keys of cli" in capsys.readouterr().err


def test_a_token_and_keys_are_of_the_cell_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--as", "cli", "--audience", "identity", "--role", "operator", "--cell", "110000")
    assert seen_by("110000/identity", printed(capsys, "token", *words)) == Caller(Role.OPERATOR, "cli")
    whole = Keys.of_mesh_key(KEY)
    assert printed(capsys, "mesh-keys", "routing") == whole.text(["sandbox/routing"])
    line = printed(capsys, "mesh-keys", "settlement", "routing", "--cell", "110000,370000")
    assert line.splitlines() == [
        whole.text(["110000/settlement"]),
        whole.text(["370000/settlement"]),
        whole.text(["110000/routing", "370000/routing"]),
    ]
    named = printed(capsys, "mesh-keys", "settlement", "routing", "--cell", "110000", "--env")
    assert [each.partition("=")[0] for each in named.splitlines()] == ["KEYS_OF_110000_SETTLEMENT", "KEYS_OF_ROUTING"]
    with pytest.raises(SystemExit):
        main(["mesh-keys", "--cell", "999999"])


def test_a_cell_deployed_apart_runs_on_what_it_was_handed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    file.write_text(printed(capsys, "mesh-keys", "identity", "settlement", "gateway", "--cell", "110000"))
    held = load(Config.load({"YIBAO_CELL": "110000", "YIBAO_MESH_KEY_FILE": str(file)}))
    assert held.of("110000/settlement") == Keys.of_mesh_key(KEY).of("110000/settlement")
    with pytest.raises(ConfigError, match="holds no keys of settlement"):
        held.of("settlement")
