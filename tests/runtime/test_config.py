"""Settings: one table, typed, and honest about mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from buf.validate import validate_pb2
from services import mesh
from services.runtime.config import Config, ConfigError, settings_markdown
from services.runtime.contract import Contract
from services.runtime.keys import lines_of
from services.runtime.setting_table import SETTINGS
from services.runtime.texts.settings import SETTINGS_ZH


def test_the_defaults_are_complete_and_valid() -> None:
    config = Config.load({})
    assert not config.sandbox
    assert config.integer("YIBAO_MAX_BATCH") == 64
    assert config.seconds("YIBAO_STOP_GRACE_S") == 5.0
    assert config.address("identity") == "127.0.0.1:7411"
    assert config.database_url("identity") == "sqlite:///var/identity.sqlite"


def test_an_unknown_setting_is_an_error_that_names_its_neighbours() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({"YIBAO_SANDBOKS": "on", "PATH": "/bin"})
    assert caught.value.problems == ("YIBAO_SANDBOKS: no such setting; did you mean YIBAO_SANDBOX?",)


@pytest.mark.parametrize(
    ("said", "trunks"),
    [
        ("on", "on"),
        ("TRUE", "on"),
        ("1", "on"),
        ("grpc", "grpc"),
        ("off", "off"),
        ("false", "off"),
        ("0", "off"),
        ("", "on"),
    ],
)
def test_the_words_of_the_flag_that_trunks_were_still_hold(said: str, trunks: str) -> None:
    assert Config.load({"YIBAO_TRUNKS": said}).trunks == trunks


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("YIBAO_SANDBOX", "perhaps", "on or off"),
        ("YIBAO_GATEWAY_PORT", "70000", "a port, 0 to 65535"),
        ("YIBAO_MAX_BATCH", "0", "a whole number from 1 to 64"),
        ("YIBAO_MAX_BATCH", "65", "a whole number from 1 to 64"),
        ("YIBAO_MAX_QUEUE", "0", "a whole number of at least 1"),
        ("YIBAO_TRACE_RATIO", "5%", "a number from 0 to 1"),
        ("YIBAO_TRACE_RATIO", "1.5", "a number from 0 to 1"),
        ("YIBAO_IDENTITY_ADDRESS", "7411", "host:port"),
        ("YIBAO_DATA_DIR", "/data/what?", "a path without a question mark"),
        ("YIBAO_TRUNKS", "socket", "one of on, grpc, off"),
        ("YIBAO_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("YIBAO_TRACE_EXPORTER", "paper", "one of sqlite, otlp, none"),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_setting(name: str, value: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({name: value})
    assert caught.value.problems == (f"{name}: {value!r} is not {wanted}",)


def test_a_bad_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({"YIBAO_MESH_KEY": "short"})
    assert caught.value.problems == ("YIBAO_MESH_KEY: the value given is not at least 32 characters long",)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({"YIBAO_NOTHING": "1", "YIBAO_MAX_BATCH": "x", "YIBAO_SANDBOX": "x"})
    assert len(caught.value.problems) == 3


def test_commits_at_the_same_time_need_as_many_connections() -> None:
    assert Config.load({"YIBAO_COMMIT_WORKERS": "3", "YIBAO_DATABASE_POOL": "3"}).integer("YIBAO_COMMIT_WORKERS") == 3
    with pytest.raises(ConfigError) as caught:
        Config.load({"YIBAO_COMMIT_WORKERS": "9"})
    assert caught.value.problems == (
        "YIBAO_COMMIT_WORKERS: 9 commits need as many connections, YIBAO_DATABASE_POOL has 8",
    )


def test_notices_through_nats_need_servers() -> None:
    with pytest.raises(ConfigError, match="YIBAO_NOTICES: nats needs the servers in YIBAO_NATS_URL"):
        Config.load({"YIBAO_NOTICES": "nats"})
    assert Config.load({"YIBAO_NOTICES": "nats", "YIBAO_NATS_URL": "nats://a:4222"}).text("YIBAO_NOTICES") == "nats"


def test_clocks_are_moved_by_cell_and_in_a_sandbox_only() -> None:
    values = {"YIBAO_SANDBOX": "on", "YIBAO_CLOCK_OFFSET_S": "90", "YIBAO_110000_CLOCK_OFFSET_S": "-600"}
    config = Config.load(values)
    offsets = [config.of_cell(code).clock_offset_s(national=False) for code in ("sandbox", "110000", "370000")]
    assert (offsets, config.of_cell("110000").clock_offset_s(national=True)) == ([90, -600, 0], 90)
    with pytest.raises(ConfigError) as caught:
        Config.load({name: value for name, value in values.items() if name != "YIBAO_SANDBOX"})
    assert caught.value.problems == tuple(
        f"YIBAO_{cell}CLOCK_OFFSET_S: only a sandbox's clocks are moved (YIBAO_SANDBOX=on)" for cell in ("", "110000_")
    )
    with pytest.raises(ConfigError, match="is not a whole number of seconds, at most ten years"):
        Config.load(values | {"YIBAO_CLOCK_OFFSET_S": "soon"})


def test_the_largest_batch_that_may_be_set_is_taken_by_every_list_form() -> None:
    largest = Config.load({"YIBAO_MAX_BATCH": "64"}).integer("YIBAO_MAX_BATCH")
    forms = [method for method in Contract.of_mesh().methods.values() if method.batch is not None]
    for method in forms:
        assert method.batch is not None
        items = method.request_class.DESCRIPTOR.fields_by_name[method.batch.items]
        assert items.GetOptions().Extensions[validate_pb2.field].repeated.max_items >= largest
    assert len(forms) >= 3


def test_overrides_win_over_the_environment() -> None:
    assert Config.load({"YIBAO_MAX_BATCH": "8"}, {"YIBAO_MAX_BATCH": "9"}).integer("YIBAO_MAX_BATCH") == 9


def test_a_member_has_its_own_database_or_the_common_one() -> None:
    common = {"YIBAO_DATABASE_URL": "postgresql://h/{member}"}
    assert Config.load(common).database_url("catalogue") == "postgresql://h/catalogue"
    own = {**common, "YIBAO_CATALOGUE_DATABASE_URL": "sqlite:///c.sqlite"}
    assert Config.load(own).database_url("catalogue") == "sqlite:///c.sqlite"


def test_traces_are_all_kept_in_the_sandbox_and_few_outside() -> None:
    assert Config.load({"YIBAO_SANDBOX": "on"}).trace_ratio == 1.0
    assert Config.load({}).trace_ratio == 0.05
    assert Config.load({"YIBAO_SANDBOX": "on", "YIBAO_TRACE_RATIO": "0"}).trace_ratio == 0.0


def test_production_needs_a_key_and_the_sandbox_keeps_one_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="YIBAO_MESH_KEY must be set"):
        lines_of(Config.load({}))
    settings = {"YIBAO_SANDBOX": "on", "YIBAO_DATA_DIR": str(tmp_path / "new")}
    (key,) = lines_of(Config.load(settings))
    assert len(key) == 64
    assert lines_of(Config.load(settings)) == [key]
    file = tmp_path / "new" / "mesh.key"
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in file.parent.iterdir()] == ["mesh.key"]
    assert lines_of(Config.load({**settings, "YIBAO_MESH_KEY": "k" * 32})) == ["k" * 32]


def test_every_setting_stands_in_the_table_that_the_readme_prints() -> None:
    lines = settings_markdown().splitlines()
    assert len(lines) == len(SETTINGS) + 2
    for setting in SETTINGS:
        assert setting.name.startswith("YIBAO_")
        assert any(line.startswith(f"| `{setting.name}` |") and setting.doc in line for line in lines)


def test_every_setting_is_told_in_chinese_and_nothing_else_is() -> None:
    chinese = settings_markdown("zh").splitlines()[2:]
    for setting, line in zip(SETTINGS, chinese, strict=True):
        meaning = line.split("|")[3]
        assert line.startswith(f"| `{setting.name}` |")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in meaning), line
        assert setting.member in meaning
    names = {
        each.name.replace(f"_{each.member.upper()}_", "_{MEMBER}_") if each.member else each.name for each in SETTINGS
    }
    assert names == SETTINGS_ZH.keys()


def test_every_member_that_serves_rpcs_has_an_address_and_every_store_a_database() -> None:
    names = {setting.name for setting in SETTINGS}
    for member in mesh.MESH:
        assert (f"YIBAO_{member.name.upper()}_ADDRESS" in names) == bool(member.services)
        assert (f"YIBAO_{member.name.upper()}_DATABASE_URL" in names) == member.has_store


@pytest.mark.parametrize(
    ("sandbox", "said", "private"), [("on", "", True), ("off", "", False), ("on", "off", False), ("off", "on", True)]
)
def test_addresses_of_this_network_are_called_in_a_sandbox_or_where_it_is_said(
    sandbox: str, said: str, private: bool
) -> None:
    given = {"YIBAO_SANDBOX": sandbox, "YIBAO_MESH_KEY": "k" * 32, "YIBAO_PRIVATE_CALLBACKS": said}
    assert Config.load({}, given).private_callbacks == private
