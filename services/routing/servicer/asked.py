"""Who is meant by a unary request that routing carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Final

from services.kernel.clock import beijing_day
from services.kernel.credential_marks import cell_of
from services.routing.domain.resolution import Query
from services.routing.operations.elsewhere import AskedPerson
from services.routing.servicer.convert import cert_type
from services.runtime.call import current_call
from services.runtime.wire import moment_of
from yibao.common.v1 import codes_pb2

_NO_CERTIFICATE: Final = (codes_pb2.MDTRT_CERT_TYPE_EC, codes_pb2.MDTRT_CERT_TYPE_SOCIAL_SECURITY_CARD)


def shown(desk: Any, node: Any, name: str) -> AskedPerson:
    """Whose the credential of a node is that is called `name`: an ecToken tells its cell, else it is whoever has the certificate
    beside the credential, or the one that is the credential. Of cards routing knows nothing.
    """
    made_in = cell_of(node.mdtrt_cert_no) if node.mdtrt_cert_type == codes_pb2.MDTRT_CERT_TYPE_EC else None
    certno, path = _certificate(node, name)
    day = beijing_day(moment_of(node.begntime) if node.HasField("begntime") else current_call().now)
    query = _query(desk, day, certno=certno, psn_cert_type=cert_type(node.psn_cert_type))
    return AskedPerson(query, path, made_in or "")


def registered(desk: Any, node: Any, name: str) -> AskedPerson:
    """The same of a registration, whose enrolment pays. Where nothing was shown, its `psn_no` says who it is; beside a credential
    that is a hint, which the insured cell checks.
    """
    asked = shown(desk, node, name)
    of_type = replace(asked.query, insutype=node.insutype)
    if asked.query.certno or node.mdtrt_cert_no:
        return replace(asked, query=of_type)
    return replace(asked, query=replace(of_type, psn_no=node.psn_no), path=f"{name}.psn_no")


def numbered(desk: Any, node: Any, name: str, day: date) -> AskedPerson:
    """Whoever has the number that a node says."""
    return AskedPerson(_query(desk, day, psn_no=node.psn_no), f"{name}.psn_no")


def _certificate(node: Any, name: str) -> tuple[str, str]:
    """The number of a certificate and its path; without a number the path of what should have told it."""
    if beside := node.certno.strip():
        return beside, f"{name}.certno"
    no_certificate = node.mdtrt_cert_type in _NO_CERTIFICATE
    return "" if no_certificate else node.mdtrt_cert_no.strip(), f"{name}.mdtrt_cert_no"


def _query(desk: Any, day: date, psn_no: str = "", certno: str = "", psn_cert_type: str = "") -> Query:
    """Seen from the cell that asks; what the client says of the insured place decides nothing."""
    care, hint = current_call().caller.cell, desk.insuplc_admdvs
    return Query(psn_no, certno, psn_cert_type, "", day, hint_admdvs=hint, care_cell=care)
