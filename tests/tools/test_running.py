"""A mesh that ends while it starts: what it said of this start is shown, and nothing of earlier ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.running import StartError, settings, start


def test_a_mesh_that_stops_while_it_starts_is_shown_with_its_own_last_words(tmp_path: Path) -> None:
    (tmp_path / "mesh.log").write_text("words of an earlier mesh\n" * 3, encoding="utf-8")
    damaged = tmp_path / "identity.sqlite"
    damaged.write_bytes(b"this is no database" * 100)
    with pytest.raises(StartError) as caught:
        start(settings(tmp_path, "a key of the test", own_ports=True))
    assert str(caught.value) == (
        f"The mesh stopped while it started:\n  identity cannot start: {damaged} is damaged or no SQLite database; move it "
        "away, or choose another folder by YIBAO_DATA_DIR or another database by YIBAO_IDENTITY_DATABASE_URL"
    )
