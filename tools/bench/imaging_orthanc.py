"""The questions of `imaging_search` to Debian's Orthanc, filled with as many studies of one small instance each."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom import uid as uids
from pydicom.dataset import FileDataset, FileMetaDataset

from tools.bench import imaging_made, report
from tools.bench.imaging_asking import Asked, Question, Took, measured, told
from tools.bench.imaging_desk import STUDIES_OF
from tools.bench.preparation import Unprepared

_PLUGINS: Final = Path("/usr/share/orthanc/plugins")
_COUNTS, _QUICK_COUNTS = (1_000, 10_000), (1_000,)
_RUNS, _ASKED, _QUICK_ASKED = 3, 100, 40
_PAGE, _DEPTH = 25, 30
_AT_ONCE: Final = 4
_UP_WITHIN_S: Final = 30.0
_WITHIN_S: Final = 60.0
_NODE: Final = 1


@dataclass(frozen=True, slots=True)
class _Archive:
    port: int
    pid: int


def beside(mesh: Mapping[int, Mapping[str, Took]], *, quick: bool) -> None:
    """Its figures, and how many times those of the mesh they are at as many studies."""
    print(report.heading("the same questions to Orthanc"))
    program = shutil.which("Orthanc")
    if program is None or not list(_PLUGINS.glob("*DicomWeb*")):
        print("   not installed: apt-get install orthanc orthanc-dicomweb", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder, _running(program, Path(folder)) as archive:
        stored = 0
        for count in _QUICK_COUNTS if quick else _COUNTS:
            begun = time.perf_counter()
            _fill(archive.port, stored, count)
            stored = count
            print(f"   {count:,} studies (filled in {time.perf_counter() - begun:.0f} s)")
            asked = _QUICK_ASKED if quick else _ASKED
            (found,) = measured([Asked(archive.port, [archive.pid], _questions(count))], _RUNS, asked)
            for name, took in found.items():
                ours = mesh.get(count, {}).get(name)
                more = (
                    f"   {took.cpu_ms / ours.cpu_ms:.1f}× the mesh's, p50 {took.p50_ms / ours.p50_ms:.1f}×"
                    if ours
                    else ""
                )
                print(told(name, took, more), flush=True)


def _questions(count: int) -> Mapping[str, Sequence[Question]]:
    """By the names of those of the mesh; what is a list there is all of the archive here."""
    some = next(imaging_made.entries(_NODE, 1, 1))
    return {
        "by person": [Question(f"studies?PatientID={_person(1)}", "", STUDIES_OF)],
        "by StudyInstanceUID": [Question(f"studies?StudyInstanceUID={some.study_instance_uid}", "", 1)],
        "own list, AccessionNumber": [Question(f"studies?AccessionNumber={some.study.accession_no}", "", 1)],
        "own list, first page": [Question(f"studies?limit={_PAGE}", "", _PAGE)],
        "own list, deep page": [Question(f"studies?limit={_PAGE}&offset={count - _DEPTH}", "", _PAGE)],
    }


def _person(number: int) -> str:
    return f"P{number:08}"


def _fill(port: int, stored: int, count: int) -> None:
    """Sends one instance of each study."""

    def send(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WITHIN_S)
        try:
            for seq in range(first, count + 1, _AT_ONCE):
                connection.request("POST", "/instances", _instance(seq), {"Content-Type": "application/dicom"})
                answer = connection.getresponse()
                if (said := answer.read()) and answer.status != 200:
                    raise Unprepared(f"Orthanc refused an invented instance: {answer.status} {said[:200]!r}")
        finally:
            connection.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(send, range(stored + 1, stored + 1 + _AT_ONCE)))


def _instance(seq: int) -> bytes:
    """The study of a number as one instance without pixels."""
    (entry,) = imaging_made.entries(_NODE, seq, 1)
    told_study, series = entry.study, entry.series[0]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = uids.CTImageStorage
    meta.MediaStorageSOPInstanceUID = uids.UID(f"{series.series_instance_uid}.1")
    meta.TransferSyntaxUID = uids.ExplicitVRLittleEndian
    found = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    found.SpecificCharacterSet = "ISO_IR 192"
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    found.PatientID, found.PatientName = _person((seq + STUDIES_OF - 1) // STUDIES_OF), told_study.patient_name
    found.PatientSex, found.StudyDescription = told_study.patient_sex, told_study.description
    found.StudyInstanceUID, found.SeriesInstanceUID = entry.study_instance_uid, series.series_instance_uid
    found.StudyDate, found.StudyTime = told_study.study_date, told_study.study_time
    found.AccessionNumber, found.Modality = told_study.accession_no, series.modality
    found.SeriesNumber, found.InstanceNumber, found.InstitutionName = series.series_no, 1, told_study.fixmedins_code
    file = BytesIO()
    found.save_as(file, enforce_file_format=True)
    return file.getvalue()


@contextmanager
def _running(program: str, folder: Path) -> Iterator[_Archive]:
    """It on this machine's own interface, with its DICOMweb and a storage of its own."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
    settings = {
        "Name": "bench",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(each) for each in _PLUGINS.glob("*DicomWeb*")],
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        # Its files are not measured: they need not be made durable one by one.
        "SyncStorageArea": False,
        "DicomWeb": {"Enable": True},
    }
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with subprocess.Popen([program, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            yield _Archive(port, process.pid)
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    until = time.monotonic() + _UP_WITHIN_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WITHIN_S)
        try:
            connection.request("GET", "/system")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        if time.monotonic() > until:
            raise Unprepared("Orthanc does not answer")
        time.sleep(0.1)
