"""Invented entries: a CT of an invented person, told by the node of an invented storing unit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from services.imaging.domain.nodes import Node
from yibao.imaging.v1 import entry_pb2

NOON: Final = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
USCC: Final = "12990100MB00000331"
OTHER_USCC: Final = "12990100MB0000041U"
HOSPITAL: Final = "H99010000001"
PSN_NO: Final = "99000000000000000001"
OTHER_PSN_NO: Final = "99000000000000000002"
NODE: Final = Node("SD01", "一号影像中心", "990000", USCC, ("http://127.0.0.1:8042/dicom-web",))
OTHER_NODE: Final = Node("BJ01", "二号影像中心", "990000", OTHER_USCC, ("http://127.0.0.1:8043/dicom-web",))


def uid(number: int) -> str:
    """A study's UID below the root of UUIDs."""
    return f"2.25.{10**30 + number}"


def upsert(seq: int, number: int | None = None, version: int = 1, **fields: Any) -> entry_pb2.Entry:
    """A CT of one series; `fields` are of the study, or of the entry itself."""
    entry = entry_pb2.Entry(
        source_seq=seq,
        operation=entry_pb2.OPERATION_UPSERT,
        study_instance_uid=uid(seq if number is None else number),
        version=version,
        psn_no=PSN_NO,
        study=entry_pb2.Study(
            fixmedins_code=HOSPITAL,
            study_date="20260301",
            study_time="093015",
            accession_no=f"A{seq if number is None else number}",
            modalities=["CT"],
            description="胸部CT平扫",
            body_part="CHEST",
            patient_name="Zhang^San=张^三",
            patient_sex="M",
            birth_year=1990,
            availability=entry_pb2.AVAILABILITY_ONLINE,
        ),
        series=[
            entry_pb2.Series(
                series_instance_uid=f"{uid(seq if number is None else number)}.1",
                series_no=1,
                modality="CT",
                instance_count=120,
            )
        ],
    )
    for name, value in fields.items():
        owner: Any = entry if name in entry.DESCRIPTOR.fields_by_name else entry.study
        if isinstance(value, list):
            owner.ClearField(name)
            getattr(owner, name).extend(value)
        else:
            setattr(owner, name, value)
    return entry


def withdrawal(seq: int, number: int, version: int) -> entry_pb2.Entry:
    """A study is taken out, as the person asked for it."""
    return entry_pb2.Entry(
        source_seq=seq,
        operation=entry_pb2.OPERATION_WITHDRAW,
        study_instance_uid=uid(number),
        version=version,
        reason=entry_pb2.WITHDRAW_REASON_PATIENT_REQUEST,
    )


def move(seq: int, number: int, version: int, psn_no: str = OTHER_PSN_NO) -> entry_pb2.Entry:
    """A study belongs to another person."""
    return entry_pb2.Entry(
        source_seq=seq,
        operation=entry_pb2.OPERATION_MOVE_PERSON,
        study_instance_uid=uid(number),
        version=version,
        psn_no=psn_no,
    )
