"""The part of the demo that looks at pictures: a CT taken in Shandong is found and opened by a Beijing doctor after the patient's
code is scanned, and its repeat is advised against. Without the code the same question finds nothing.

The province's node is a program of its own, which takes pictures by STOW-RS and tells the index of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from services.kernel.clock import BEIJING
from services.runtime.wire import day_message
from tools import demo_story as story
from tools.cli.mesh_client import MeshClient, MeshRefusal
from tools.demo_told import Unexpected, same, title
from tools.running import HOST, RunningMesh, free_ports, root
from tools.sandbox_keys import CHANNEL, key_of
from yibao.identity.v1 import api_key_pb2, credential_pb2
from yibao.imaging.v1 import audit_pb2, node_pb2, reader_pb2, recognition_pb2
from yibao.options.v1 import options_pb2

_NODE: Final = "SD1"
_DOCTOR: Final = "D11010100001"
_TAKEN_ON: Final = "20261105"
_WAIT_S: Final = 30.0
_PART: Final = "demo-part"
_STOW: Final = f'multipart/related; type="application/dicom"; boundary={_PART}'
_PATIENTS: Final = ("00100020", "00080020", "00080061", "00081030", "00080080")
_READERS: Final = "yibao.imaging.v1.ReaderService"
_RECOGNITION: Final = "yibao.imaging.v1.RecognitionService"


class Imaging:
    """A node in Shandong with one CT, and a doctor in Beijing."""

    def __init__(self, mesh: RunningMesh, folder: Path) -> None:
        self._mesh = mesh
        self._folder = folder
        self._home, self._care = mesh.urls[story.INSURED_CELL], mesh.urls[story.CARE_CELL]
        self._port = free_ports(1)[0]

    def play(self) -> None:
        """Plays all of it."""
        title("9 · 影像调阅：山东的CT，北京的医师 · pictures: a CT of Shandong, a doctor in Beijing")
        with self._node() as node, _http() as http:
            study = self._taken(http, node)
            with MeshClient(self._care, key_of("institution", story.BEIJING_HOSPITAL.code)) as desk:
                asked = reader_pb2.OpenSessionRequest(fixmedins_code=story.BEIJING_HOSPITAL.code, dr_codg=_DOCTOR)
                session = desk.call(f"{_READERS}.OpenSession", asked)
                viewer = _http(authorization=f"Bearer {session.session_token}")
                with viewer:
                    self._without_consent(desk, viewer, session.session_token)
                    self._scanned(desk, session.session_token)
                    self._opened(viewer, study)
                    _advised(desk, study)
            self._audited(session.session_no)

    @contextmanager
    def _node(self) -> Iterator[str]:
        """The province's node, registered and running; its address."""
        address = f"http://{HOST}:{self._port}"
        with MeshClient(self._home, self._mesh.operator_key) as operator:
            told = node_pb2.Node(
                node_no=_NODE,
                node_name="山东影像节点",
                admdvs="370000",
                uscc=story.STORING_UNIT,
                retrieve_roots=[address],
            )
            request = node_pb2.RegisterNodeRequest(request_id="demo-node", node=told)
            operator.call("yibao.imaging.v1.NodeService.RegisterNode", request)
            asked = api_key_pb2.IssueApiKeyRequest(
                request_id="demo-node-key", role=options_pb2.ROLE_NODE, subject=_NODE, label="demo"
            )
            key = operator.call("yibao.identity.v1.PartnerService.IssueApiKey", asked).api_key
        key_file = self._folder / "node.key"
        key_file.write_text(key, encoding="ascii")
        command = [sys.executable, "-m", "tools.pacs_node", str(self._folder / "node"), "--node-no", _NODE]
        command += ["--port", str(self._port), "--index", self._home, "--api-key-file", str(key_file)]
        command += ["--settle", "0.2", "--recognised", "nation"]
        with (self._folder / "node.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=root(), stdout=log, stderr=log)
        try:
            yield address
        finally:
            process.terminate()
            process.wait(timeout=_WAIT_S)

    def _taken(self, http: httpx.Client, node: str) -> str:
        """The scanner sends its pictures to the node, which tells the index; the study's UID."""
        from tools.pacs_node.samples import Person, chest_ct, study_uid  # noqa: PLC0415 - numpy takes a while

        patient = story.TRAVELLER
        person = Person(patient.psn_no, f"Ce^Jia={patient.name}", "F", "19770621")
        files = list(chest_ct(person, _TAKEN_ON, story.JINAN_HOSPITAL.code))
        key_file = self._folder / "node" / "operator.key"
        _until(key_file.exists)
        head = f"--{_PART}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + each + b"\r\n" for each in files) + f"--{_PART}--\r\n".encode()
        headers = {"authorization": f"Bearer {key_file.read_text(encoding='ascii').strip()}", "content-type": _STOW}
        answer = _until(lambda: _answer(http, "POST", f"{node}/dicom-web/studies", content=body, headers=headers))
        same("STOW-RS", 200, answer.status_code)
        print(
            f"  STOW-RS → {_NODE}: {len(files)} 幅图像 pictures, {len(body):,} bytes; 索引已登记 the index knows of them"
        )
        self._indexed(1)
        return study_uid(person, _TAKEN_ON)

    def _indexed(self, watermark: int) -> None:
        with MeshClient(self._home, self._mesh.operator_key) as operator:
            request = node_pb2.GetNodeRequest(node_no=_NODE)
            _until(lambda: operator.call("yibao.imaging.v1.NodeService.GetNode", request).node.watermark >= watermark)

    def _without_consent(self, desk: MeshClient, viewer: httpx.Client, token: str) -> None:
        found = viewer.get(f"{self._care}/dicom-web/studies", params={"limit": "25"})
        same("studies without consent", (200, []), (found.status_code, found.json()))
        request = reader_pb2.AddPatientRequest(session_token=token, psn_no=story.TRAVELLER.psn_no)
        try:
            desk.call(f"{_READERS}.AddPatient", request)
        except MeshRefusal as refused:
            same("a person without a grant", "NO_ACCESS", refused.reason)
            print(f"  未扫码 without the code: QIDO-RS → []; {refused.told('zh')}")
            return
        raise Unexpected("a person who granted nothing was added")

    def _scanned(self, desk: MeshClient, token: str) -> None:
        """The person shows the code on the phone, the desk scans it."""
        patient = story.TRAVELLER
        with MeshClient(self._home, key_of("channel", CHANNEL)) as channel:
            asked = credential_pb2.ActivateCredentialRequest(
                request_id="demo-activate-traveller",
                channel_code=CHANNEL,
                psn_name=patient.name,
                psn_cert_type="01",
                certno=patient.certno,
            )
            channel.call("yibao.identity.v1.CredentialService.ActivateCredential", asked)
        with MeshClient(self._home, key_of("person", patient.psn_no)) as phone:
            request = credential_pb2.ShowCodeRequest(psn_no=patient.psn_no)
            code = phone.call("yibao.identity.v1.CredentialService.ShowCode", request).ec_qr_code
        added = desk.call(
            f"{_READERS}.AddPatient", reader_pb2.AddPatientRequest(session_token=token, ec_token=code)
        ).patient
        end = added.to_time.ToDatetime(BEIJING)
        print(f"  扫码 the code is scanned: {added.patient_id[:8]}… 可调阅 may be read until {end:%m-%d %H:%M}")

    def _opened(self, viewer: httpx.Client, uid: str) -> None:
        """The doctor's viewer asks the index and opens the picture at the node."""
        found = viewer.get(f"{self._care}/dicom-web/studies", params={"includefield": "00081030,00080080"}).json()
        same("studies with consent", [uid], [_value(each, "0020000D") for each in found])
        told = "  ".join(str(_value(found[0], tag)) for tag in _PATIENTS[1:])
        print(f"  QIDO-RS → {told}")
        url = str(_value(found[0], "00081190"))
        # Until the node has said that it is there, 503.
        ticketed = _until(lambda: viewer.get(f"{url}/metadata").headers.get("location"))
        with _http() as stranger:  # The ticket in the path is all that the node asks for.
            instances = stranger.get(ticketed, headers={"accept": "application/dicom+json"})
            same("metadata at the node", 200, instances.status_code)
            first = instances.json()[0]
            below = f"series/{_value(first, '0020000E')}/instances/{_value(first, '00080018')}/rendered"
            picture = stranger.get(ticketed.replace("/metadata", f"/{below}"), headers={"accept": "image/jpeg"})
            same("a picture", (200, b"\xff\xd8"), (picture.status_code, picture.content[:2]))
        print(f"  WADO-RS → 307 → {_NODE}: {len(instances.json())} 幅 instances, JPEG {len(picture.content):,} bytes")

    def _audited(self, session_no: str) -> None:
        with MeshClient(self._care, self._mesh.operator_key) as operator:
            request = audit_pb2.ListAuditRequest(session_no=session_no)
            entries = operator.call("yibao.imaging.v1.AuditService.ListAudit", request).entries
            print(f"  审计日志 the audit log, {len(entries)} 条 entries:")
            for each in reversed(entries):
                action = audit_pb2.AuditAction.Name(each.action).removeprefix("AUDIT_ACTION_").lower()
                outcome = audit_pb2.AuditOutcome.Name(each.outcome).removeprefix("AUDIT_OUTCOME_").lower()
                print(f"    {each.seq:>4} {action:<16} {outcome:<8} {each.organisation:<13} {each.hash[:16]}…")
            verified = operator.call("yibao.imaging.v1.AuditService.VerifyAudit", audit_pb2.VerifyAuditRequest())
            same("what does not hold", [], list(verified.findings))
            print(f"  yibao audit verify: {verified.checked} 条相符 entries hold")


def _advised(desk: MeshClient, study: str) -> None:
    """Before the scan is billed again the hospital asks, and the doctor accepts what is there."""
    scan = next(each for each in story.VISIT if each.name == "CT平扫")
    asked = recognition_pb2.AdviseRequest(
        fixmedins_code=story.BEIJING_HOSPITAL.code,
        dr_codg=_DOCTOR,
        psn_no=story.TRAVELLER.psn_no,
        item_code=scan.code,
        body_part="胸部",
        planned_day=day_message(story.DAY),
    )
    advice = desk.call(f"{_RECOGNITION}.Advise", asked)
    same("prior examinations", [study], [each.study_uid for each in advice.priors])
    prior = advice.priors[0]
    same("the verdict", recognition_pb2.VERDICT_RECOGNISABLE, prior.verdict)
    print(
        f"  互认 before {scan.code} {scan.name} is billed again: {_TAKEN_ON} 可互认 may be recognised, no repeat is needed"
    )
    accepted = recognition_pb2.RecordDecisionRequest(
        request_id="demo-decision",
        fixmedins_code=story.BEIJING_HOSPITAL.code,
        advice_no=advice.advice_no,
        accepted=recognition_pb2.Acceptance(study_uid=study),
    )
    desk.call(f"{_RECOGNITION}.RecordDecision", accepted)
    print("  医师认可，已登记 the doctor accepts; recorded")


def _http(**headers: str) -> httpx.Client:
    return httpx.Client(timeout=20.0, trust_env=False, headers=headers)


def _value(record: dict[str, Any], tag: str) -> Any:
    values = record.get(tag, {}).get("Value", [""])
    return values[0] if len(values) == 1 else "\\".join(map(str, values))


def _answer(http: httpx.Client, method: str, url: str, **more: Any) -> httpx.Response | None:
    try:
        return http.request(method, url, **more)
    except httpx.ConnectError:
        return None


def _until(look: Any) -> Any:
    """What comes once something comes; Unexpected where nothing does in half a minute."""
    end = time.monotonic() + _WAIT_S
    while not (found := look()):
        if time.monotonic() > end:
            raise Unexpected("the node did not answer in half a minute")
        time.sleep(0.05)
    return found
