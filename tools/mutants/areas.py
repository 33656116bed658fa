"""Where faults are planted: five areas by patterns of paths, so that a room which is moved or split stays in its area.

Left out are migrations (what they make is compared with the tables at each start) and the texts of faults.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

AREAS: Final[Mapping[str, tuple[str, ...]]] = {
    "servicers": ("services/*/servicer/**/*.py", "services/*/servicer.py"),
    "stores": ("services/*/store/**/*.py", "services/*/store.py"),
    "booking": (
        "services/*/operations/**/*.py",
        "services/payment/domain/**/*.py",
        "services/routing/domain/clearing/**/*.py",
        "services/routing/domain/sagas.py",
        "services/settlement/domain/books/**/*.py",
        *(
            f"services/runtime/{name}.py"
            for name in ("batch", "committer", "idempotency", "journal", "leases", "writes")
        ),
    ),
    "admission": (
        *(
            f"services/runtime/{name}.py"
            for name in ("admission", "auth", "bounds", "call", "contract", "inbound", "keys", "rule_values", "sealing")
        ),
        *(
            f"gateway/{name}.py"
            for name in (
                "bodies",
                "connections",
                "door",
                "doors",
                "held",
                "nonces",
                "origins",
                "partners",
                "reading",
                "shares",
            )
        ),
        "gateway/mobile/**/*.py",
        "gateway/national/signatures.py",
    ),
    "codec": (
        "gateway/jsoncodec/**/*.py",
        "gateway/national/codec/**/*.py",
        "gateway/national/envelope.py",
        "gateway/national/lenience.py",
        "gateway/national/refusals.py",
        "gateway/national/transactions.py",
        "gateway/charset.py",
        "gateway/spelling.py",
        "services/runtime/national/**/*.py",
        "services/runtime/pos/**/*.py",
        *(f"services/runtime/{name}.py" for name in ("columns", "forms", "packing", "pieces", "wire", "zips")),
    ),
}
_LEFT_OUT: Final = frozenset({"migrations", "texts"})


def groups_of(root: Path, patterns: tuple[str, ...]) -> dict[str, list[str]]:
    """The files of an area by service (or `runtime`, `gateway`), sorted; a file stands once."""
    found: dict[str, set[str]] = defaultdict(set)
    for pattern in patterns:
        for path in root.glob(pattern):
            place = path.relative_to(root)
            if not _LEFT_OUT & set(place.parts):
                found[place.parts[1] if place.parts[0] == "services" else place.parts[0]].add(place.as_posix())
    return {group: sorted(files) for group, files in sorted(found.items())}
