"""`yibao token` and `yibao mesh-keys`: what holds the mesh key makes for those that call members without the gateway.

Both work alone, from the key in the settings or from that of a sandbox's data folder, and reach no mesh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from services import cells, mesh
from services.kernel.clock import system_clock
from services.runtime import keys
from services.runtime.auth import TokenSigner
from services.runtime.call import Caller, Role
from services.runtime.config import Config, ConfigError

DEFAULT_TTL_S: Final = 300
LONGEST_TTL_S: Final = 3600

_NAMED_AFTER_ITSELF: Final = (Role.SERVICE, Role.OPERATOR)


class TokenRefused(Exception):
    """A token that no member would believe; the text says why."""


def configured(environ: Mapping[str, str], data_dir: Path | None) -> Config:
    """The settings, with another data folder; a folder that holds a sandbox's key makes a sandbox. ConfigError."""
    given = dict(environ) | ({"YIBAO_DATA_DIR": str(data_dir)} if data_dir else {})
    config = Config.load(given)
    named = any(config.text(name) for name in ("YIBAO_MESH_KEY", "YIBAO_MESH_KEY_FILE"))
    if named or not (config.data_dir / "mesh.key").is_file():
        if not named and config.sandbox:
            # Making one here would help nobody: the mesh makes its own when it starts.
            raise ConfigError([f"YIBAO_MESH_KEY: {config.data_dir} holds no mesh.key; is this the mesh's data folder?"])
        return config
    return Config.load(given, {"YIBAO_SANDBOX": "on"})


def token(
    config: Config, name: str, audience: str, role: Role, subject: str, ttl_s: int, cell: str = cells.SANDBOX
) -> str:
    """A caller token of `name` for one member of a cell; TokenRefused where the table or the role does not allow it."""
    if not subject and role not in (*_NAMED_AFTER_ITSELF, Role.PUBLIC):
        raise TokenRefused(f"--subject is needed: a token of role {role} says who it is that calls")
    own = name if role in _NAMED_AFTER_ITSELF else ""
    caller = Caller(role, subject or own, config.sandbox)
    signer = TokenSigner(keys.load(config).of(f"{cell}/{name}"), system_clock)
    try:
        return signer.sign(caller, audience, ttl_s)
    except ValueError as error:
        raise TokenRefused(f"{error}; it lets {name} call {', '.join(mesh.callees_of(name)) or 'nobody'}") from None


def handed_out(
    config: Config, names: Sequence[str], *, as_environment: bool, codes: Sequence[str] = (cells.SANDBOX,)
) -> str:
    """A line for each name and cell: its keys as a setting or key file takes them, or as the variable that compose.yaml reads.

    A national member has one line with its keys of all the cells.
    """
    given = keys.load(config)
    lines = []
    for name in names or mesh.callers():
        for chosen in [codes] if mesh.is_national(name) else [(code,) for code in codes]:
            text = given.text(f"{code}/{name}" for code in chosen)
            seat = mesh.seat_name(name, chosen[0]).upper().replace("/", "_")
            lines.append(f'KEYS_OF_{seat}="{text}"' if as_environment else text)
    return "\n".join(lines)
