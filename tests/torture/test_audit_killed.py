"""The audit log beside processes that are killed, and beside whoever has its file in hand."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from services.runtime.db import StoreError
from services.runtime.store_errors import StoreUnavailable
from tests.imaging.auditing import Audited, searched
from tests.imaging.conftest import opened

pytestmark: Final = pytest.mark.torture
KILLS: Final = 12
FLIPS: Final = 300


async def write_on(url: str) -> None:
    """Writes until it is killed, 8 at a time, and says each study that is in the log."""
    async with opened(url) as store:
        audited = Audited(store)

        async def writer(place: int) -> None:
            for number in range(place, 10**9, 8):
                await audited.log.write([searched(number)])
                sys.stdout.write(f"{number}\n")
                sys.stdout.flush()

        await asyncio.gather(*map(writer, range(8)))


def killed_after(url: str, many: int) -> list[int]:
    """What a process said that was killed once it had said so many."""
    begun = subprocess.Popen([sys.executable, "-m", __name__, url], stdout=subprocess.PIPE, text=True)
    assert begun.stdout is not None
    said = [begun.stdout.readline() for _ in range(many)]
    os.kill(begun.pid, signal.SIGKILL)
    rest, _ = begun.communicate()
    # The last line may be cut off.
    return [int(each) for each in (*said, *rest.split("\n")[:-1])]


async def test_whenever_it_is_killed_what_was_answered_is_in_the_log_and_the_chain_is_whole(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'imaging.sqlite'}"
    dice = random.Random(11)
    answered = [each for _ in range(KILLS) for each in killed_after(url, dice.randrange(1, 200))]
    async with opened(url) as store:
        audited = Audited(store)
        assert await audited.findings() == []
        assert len(await audited.rows()) >= len(answered) > KILLS


async def test_a_flipped_bit_of_the_file_is_found_or_the_store_is_refused_or_nothing_of_the_log_is_changed(
    tmp_path: Path,
) -> None:
    """Bits of the whole file: some are of other tables, and of room that is empty."""
    file, spoiled = tmp_path / "imaging.sqlite", tmp_path / "spoiled.sqlite"
    async with opened(f"sqlite:///{file}") as store:
        audited = Audited(store)
        for number in range(0, 500, 50):
            await audited.log.write([searched(number + each) for each in range(50)])
        before, end = await audited.rows(), await audited.end()
    dice, found = random.Random(7), 0
    for _ in range(FLIPS):
        shutil.copyfile(file, spoiled)
        data = bytearray(spoiled.read_bytes())
        place = dice.randrange(len(data))
        data[place] ^= 1 << dice.randrange(8)
        spoiled.write_bytes(data)
        try:
            async with opened(f"sqlite:///{spoiled}") as store:
                audited = Audited(store)
                if await audited.findings():
                    found += 1
                else:
                    assert (await audited.rows(), await audited.end()) == (before, end)
        except (StoreError, StoreUnavailable):
            found += 1
    assert found > FLIPS // 10


if __name__ == "__main__":
    asyncio.run(write_on(sys.argv[1]))
