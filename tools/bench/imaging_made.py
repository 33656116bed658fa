"""Invented studies for the figures of imaging: as many as are asked for, from one seed, as a province's archive has them.

Modalities, series and texts are of usual kinds and lengths: a third of the studies is CT with four series, a fifth MR with six,
the rest has one; three series a study. Nobody of them exists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Final

from services.imaging.domain.checking import checked
from services.imaging.domain.entries import Poison
from services.imaging.domain.nodes import Node
from services.imaging.domain.studies import KeptStudy, Series, State
from services.imaging.domain.uploads import study_ref
from services.imaging.servicer.entries import told_entry
from tools.bench.preparation import Unprepared
from yibao.imaging.v1 import entry_pb2

USCC: Final = "12990100MB00000331"
FIRST_DAY: Final = date(2026, 1, 1)
DAYS: Final = 300
_PERSONS: Final = 250_000
_HOSPITALS: Final = 200
_DEVICES: Final = 300
_KINDS: Final = (
    *[("CT", "胸部CT平扫+增强", "CHEST", 4, 180)] * 10,
    *[("MR", "颅脑MRI平扫", "HEAD", 6, 40)] * 6,
    *[("DX", "胸部正侧位", "CHEST", 1, 2)] * 8,
    *[("US", "上腹部彩超", "ABDOMEN", 1, 12)] * 6,
)
_NAMES: Final = ("测^试甲", "样^例乙", "示^范丙", "虚^构丁")


def node_of(number: int) -> Node:
    """A node that may speak for the hospitals."""
    return Node(f"BENCH{number}", "性能测试节点", "990000", USCC, ("http://127.0.0.1:8042/dicom-web",))


def entries(node: int, first: int, count: int) -> Iterator[entry_pb2.Entry]:
    """Entries of a node by their numbers, from the first on."""
    for seq in range(first, first + count):
        yield _entry(node, seq)


def kept_studies(node: int, node_ref: int, first: int, count: int) -> Iterator[tuple[KeptStudy, tuple[Series, ...]]]:
    """The same as the index keeps them."""
    known, today = node_of(node), FIRST_DAY + timedelta(days=DAYS)
    for made in entries(node, first, count):
        entry = checked(told_entry(made), known, today)
        if isinstance(entry, Poison):
            raise Unprepared(f"an invented entry is refused: {entry.refused}")
        key = hashlib.blake2b(entry.psn_no.encode(), digest_size=16).digest()
        ref = study_ref(node_ref, entry.source_seq)
        kept = KeptStudy(ref, node_ref, entry.uid, 1, State.ACTIVE, key, entry.entry_hash, entry.study)
        yield kept, entry.series


def _entry(node: int, seq: int) -> entry_pb2.Entry:
    chance = Random(node << 40 | seq)
    modality, description, part, series, instances = chance.choice(_KINDS)
    hospital, person = chance.randrange(_HOSPITALS), chance.randrange(_PERSONS)
    day = FIRST_DAY + timedelta(days=chance.randrange(DAYS))
    at = f"{chance.randrange(8, 18):02}{chance.randrange(60):02}{chance.randrange(60):02}"
    uid = f"1.2.156.112605.{chance.randrange(_DEVICES)}.{day:%Y%m%d}{at}.{node}.{seq}"
    return entry_pb2.Entry(
        source_seq=seq,
        operation=entry_pb2.OPERATION_UPSERT,
        study_instance_uid=uid,
        version=1,
        psn_no=f"9900{person:016}",
        study=entry_pb2.Study(
            fixmedins_code=f"H99{hospital:09}",
            study_date=f"{day:%Y%m%d}",
            study_time=at,
            accession_no=f"{modality}{day:%y%m%d}{chance.randrange(10_000):04}",
            modalities=[modality],
            description=description,
            body_part=part,
            item_code=f"2103000{chance.randrange(50):02}",
            patient_name=f"Ce^Shi={_NAMES[seq % len(_NAMES)]}",
            patient_sex="MF"[seq % 2],
            birth_year=1930 + chance.randrange(90),
            size_bytes=instances * series * 526_000,
            availability=entry_pb2.AVAILABILITY_ONLINE,
        ),
        series=[
            entry_pb2.Series(
                series_instance_uid=f"{uid}.{number}",
                series_no=number,
                modality=modality,
                description=f"{description} {number}",
                body_part=part,
                series_time=at,
                instance_count=instances,
                sop_hash=hashlib.sha256(f"{uid}.{number}".encode()).hexdigest(),
            )
            for number in range(1, series + 1)
        ],
    )
