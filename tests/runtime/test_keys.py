"""Keys of caller tokens: derived by edge, handed out by member, two sets at a time, changed under a running mesh."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from services import __main__ as main
from services import mesh
from services.kernel.errors import Fault
from services.runtime.auth import TokenSigner
from services.runtime.call import CALLER_KEY, Caller, Role
from services.runtime.config import Config, ConfigError
from services.runtime.keys import KeyLines, Keys, follow, hkdf, load
from services.runtime.status import from_rpc_error
from tests.said import said
from tests.tokens import Tokens
from tools.running import HOST, free_ports
from yibao.identity.v1 import partner_pb2, partner_pb2_grpc

OLD, NEW = "the old mesh key of these tests, long", "the new mesh key of these tests, long"
OPERATOR = Caller(Role.OPERATOR, "OP1", sandbox=True)
NOW = datetime(2026, 3, 5, tzinfo=UTC)


def test_keys_follow_from_one_by_hkdf() -> None:
    """RFC 5869, appendix A.1, the first 32 bytes."""
    made = hkdf(b"\x0b" * 22, bytes.fromhex("000102030405060708090a0b0c"), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"))
    assert made.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_both_ends_of_an_edge_hold_its_key_and_no_two_keys_are_equal() -> None:
    keys = Keys.of_mesh_key(OLD)
    seen = [keys.of(name)[0].own for name in mesh.names()]
    for caller in mesh.callers():
        for callee, key in keys.of(caller)[0].calls.items():
            assert keys.of(callee)[0].of_caller(caller) == key
            seen.append(key)
    assert len(set(seen)) == len(seen)


def test_what_is_handed_out_for_a_member_is_all_that_it_needs_and_nothing_of_another() -> None:
    whole = Keys.of_mesh_key(OLD)
    for name in mesh.callers():
        alone = Keys([whole.text([name])])
        assert alone.of(name) == whole.of(name)
        assert tuple(alone.of(name)[0].calls) == mesh.callees_of(name)
        for other in set(mesh.callers()) - {name}:
            with pytest.raises(ConfigError, match=f"no keys of {other}"):
                alone.of(other)
    assert not whole.of("cli")[0].own
    assert OLD not in whole.text(mesh.callers())


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["short"], "at least 32 characters"),
        (["nobody:" + "0" * 64], "as yibao mesh-keys prints them"),
        (["identity:" + "0" * 64 + ";x"], "as yibao mesh-keys prints them"),
        ([OLD, NEW, "a third mesh key of these tests, long"], "at most 2 hold at a time"),
        ([], "holds no key"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_being_shown(lines: list[str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        Keys(lines)
    assert not any(line in str(caught.value) for line in lines)


def test_a_setting_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give one of the two"):
        Config.load({"YIBAO_MESH_KEY": OLD, "YIBAO_MESH_KEY_FILE": str(tmp_path / "keys")})


def test_the_first_set_signs_and_both_are_accepted_until_one_is_gone() -> None:
    def token(*lines: str) -> str:
        return TokenSigner(Keys(lines).of("gateway"), lambda: NOW).sign(OPERATOR, "identity")

    identity = TokenSigner(Keys([OLD, NEW]).of("identity"), lambda: NOW)
    assert token(OLD) == token(OLD, NEW) != token(NEW, OLD) == token(NEW)
    for each in (token(OLD), token(NEW)):
        assert identity.verify(each) == OPERATOR
    identity.renew(Keys([NEW]).of("identity"))
    assert identity.verify(token(NEW)) == OPERATOR
    with pytest.raises(Fault, match="CALLER_TOKEN_INVALID"):
        identity.verify(token(OLD))


def test_a_file_that_became_unusable_leaves_the_old_keys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{OLD}\n\n{NEW}\n")
    config = Config.load({"YIBAO_MESH_KEY_FILE": str(file)})
    keys = load(config)
    before = keys.text(["identity"])
    assert not follow(keys, config, ["identity"])
    with caplog.at_level(logging.WARNING):
        for content in (b"short", b"\xff\xfe", Keys.of_mesh_key(NEW).text(["catalogue"]).encode()):
            file.write_bytes(content)
            assert not follow(keys, config, ["identity"])
            assert not follow(keys, config, ["identity"])
        file.unlink()
        assert not follow(keys, config, ["identity"])
    assert len(said(caplog, "yibao.keys")) == 4
    assert keys.text(["identity"]) == before
    file.write_text(NEW)
    assert follow(keys, config, ["identity"])
    assert keys.text(["identity"]) == Keys([NEW]).text(["identity"])


def test_a_sandbox_whose_folder_is_gone_keeps_its_keys_and_makes_no_others(tmp_path: Path) -> None:
    config = Config.load({"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path / "data")})
    keys = load(config)
    before = keys.text(["identity"])
    (tmp_path / "data" / "mesh.key").unlink()
    (tmp_path / "data").rmdir()
    assert not follow(keys, config, ["identity"])
    assert keys.text(["identity"]) == before
    assert not (tmp_path / "data").exists()


async def asked(stub: partner_pb2_grpc.PartnerServiceStub, key: str, cell: str = "sandbox") -> str:
    """The reason with which identity answers an operator's question that is signed with a mesh key."""
    token = Tokens(key, lambda: datetime.now(UTC), cell).sign(OPERATOR, "identity", "cli")
    try:
        await stub.GetPartner(partner_pb2.GetPartnerRequest(partner_code="X"), metadata=((CALLER_KEY, token),))
    except grpc.aio.AioRpcError as error:
        fault = from_rpc_error(error, "identity")
        assert isinstance(fault, Fault)
        return fault.reason
    return ""


async def until_it_says(
    reason: str, stub: partner_pb2_grpc.PartnerServiceStub, key: str, cell: str = "sandbox"
) -> None:
    said = ""
    for _ in range(100):
        said = await asked(stub, key, cell)
        if said == reason:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(said)


@pytest.mark.parametrize(
    ("layout", "cell"),
    [
        pytest.param("--single", "sandbox", id="--single"),
        pytest.param("--split", "sandbox", id="--split"),
        pytest.param("--split", "110000", id="--split of another cell", marks=pytest.mark.torture),
    ],
)
async def test_keys_rotate_under_a_running_mesh_without_a_refusal(tmp_path: Path, layout: str, cell: str) -> None:
    """Both keys, then the new one first, then the new one alone; all the while callers with a good key are answered."""
    file, port = tmp_path / "keys", free_ports(1)[0]
    file.write_text(OLD)
    settings = {
        "YIBAO_SANDBOX": "on",
        "YIBAO_DATA_DIR": str(tmp_path),
        "YIBAO_MESH_KEY_FILE": str(file),
        "YIBAO_IDENTITY_ADDRESS" if cell == "sandbox" else f"YIBAO_{cell}_IDENTITY_ADDRESS": f"{HOST}:{port}",
        "YIBAO_CELLS": cell,
        "PATH": os.environ["PATH"],
    }
    command = (sys.executable, "-m", "services", "identity", layout)
    process = await asyncio.to_thread(subprocess.Popen, command, env=settings, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert await asyncio.to_thread(process.stdout.readline)
        async with grpc.aio.insecure_channel(f"{HOST}:{port}") as channel:
            stub = partner_pb2_grpc.PartnerServiceStub(channel)
            assert (await asked(stub, OLD, cell), await asked(stub, NEW, cell)) == (
                "PARTNER_NOT_FOUND",
                "CALLER_TOKEN_INVALID",
            )
            file.write_text(f"{OLD}\n{NEW}\n")
            await until_it_says("PARTNER_NOT_FOUND", stub, NEW, cell)
            assert await asked(stub, OLD, cell) == "PARTNER_NOT_FOUND"
            file.write_text(f"{NEW}\n{OLD}\n")
            for _ in range(15):
                assert {await asked(stub, OLD, cell), await asked(stub, NEW, cell)} == {"PARTNER_NOT_FOUND"}
                await asyncio.sleep(0.1)
            file.write_text(NEW)
            await until_it_says("CALLER_TOKEN_INVALID", stub, OLD, cell)
            assert await asked(stub, NEW, cell) == "PARTNER_NOT_FOUND"
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
        process.stdout.close()


async def test_whatever_befalls_a_look_at_the_file_the_next_one_comes_and_hands_the_keys_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    looks = [RuntimeError("a bug"), True, False, False]

    def look(*_: object) -> bool:
        found = looks.pop(0) if looks else False
        if isinstance(found, Exception):
            raise found
        return bool(found)

    def broken() -> None:
        told.append("broken")
        if len(told) < 3:
            raise OSError("a child is gone")

    monkeypatch.setattr(main, "follow", look)
    monkeypatch.setattr(main, "_LOOK_FOR_KEYS_S", 0.001)
    with caplog.at_level(logging.ERROR, "yibao.keys"):
        async with main._following_keys(
            Config.load({}), Keys.of_mesh_key(OLD), [], [broken, lambda: told.append("last")]
        ):
            for _ in range(200):
                await asyncio.sleep(0.002)
                if "last" in told and not looks:
                    break
    assert told == ["broken", "broken", "broken", "last"]
    # Once for each cause, however often it comes.
    assert [each.message for each in said(caplog, "yibao.keys")] == ["keys not handed on; tried again"] * 2


@pytest.mark.parametrize("first", ["keys of a member", "keys of another"], ids=lambda line: f"{len(line)} letters")
def test_a_child_gets_the_first_line_by_itself_whatever_its_parent_has_written_behind_it(first: str) -> None:
    here, there = os.pipe()
    # A read of more than has come would wait for a parent that has nothing more to say.
    os.set_blocking(here, False)
    lines = KeyLines(here)
    try:
        os.write(there, f"{first}\nsecond\nhalf of the th".encode())
        assert lines.first() == first
        assert lines.more() == ["second"]
        os.write(there, b"ird\n")
        assert lines.more() == ["half of the third"]
    finally:
        os.close(there)
    assert lines.more() is None
    os.close(here)
