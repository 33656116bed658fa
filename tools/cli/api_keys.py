"""`yibao api-keys list` and `revoke`: which keys stand for callers of a running mesh, and taking one away.

It never sees a key: the mesh keeps digests alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import uuid4

from services.kernel.clock import BEIJING
from services.runtime.wire import moment_of
from tools.cli.language import Words
from tools.cli.mesh_client import MeshClient, pages
from yibao.identity.v1 import api_key_pb2
from yibao.options.v1 import options_pb2

_SERVICE: Final = "yibao.identity.v1.PartnerService"
_COLUMNS: Final = "key\trole\tsubject\tissued\tlast used\trevoked\tlabel"


def listed(client: MeshClient, subject: str, words: Words, *, with_revoked: bool) -> int:
    """Prints a line for each key, the oldest first; times are Beijing's, the last use is exact to the hour."""
    print(words(_COLUMNS))
    for key in _keys(client, subject, with_revoked=with_revoked):
        role = options_pb2.Role.Name(key.role).removeprefix("ROLE_").lower()
        times = (_time(key, name) for name in ("issued_at", "last_used_at", "revoked_at"))
        print(
            "\t".join(
                (key.key_id, role, key.subject, *times, key.label or (words("(setting)") if key.bootstrap else ""))
            )
        )
    return 0


def revoked(client: MeshClient, key_id: str, words: Words) -> int:
    """Revokes a key; gateways believe it for at most a minute more."""
    request = api_key_pb2.RevokeApiKeyRequest(request_id=f"revoke-{uuid4().hex}", key_id=key_id)
    key = client.call(f"{_SERVICE}.RevokeApiKey", request).api_key
    told = {"key_id": key.key_id, "subject": key.subject, "moment": _time(key, "revoked_at")}
    print(words("{key_id} of {subject} is revoked since {moment}", **told))
    return 0


def _keys(client: MeshClient, subject: str, *, with_revoked: bool) -> Iterator[api_key_pb2.ApiKey]:
    request = api_key_pb2.ListApiKeysRequest(subject=subject, with_revoked=with_revoked)
    for page in pages(client, f"{_SERVICE}.ListApiKeys", request):
        yield from page.api_keys


def _time(key: api_key_pb2.ApiKey, name: str) -> str:
    if not key.HasField(name):  # type: ignore[arg-type]  # one of the three names of moments
        return "–"
    return f"{moment_of(getattr(key, name)).astimezone(BEIJING):%Y-%m-%d %H:%M}"
