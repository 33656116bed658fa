"""The national face: one request through reading, proof, decoding, the mesh and back, in the form its client knows.

Every business answer is HTTP 200. Where the outcome of a request is not known (a member away, time up, a bug) the status
says so as well: clients take it for a lost answer and send the same message number again, which is what keeps a
settlement from happening twice (our decision). A body that did not come is 408: nothing was begun.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.message import Message

from gateway.aside import Aside
from gateway.backend import Backend, CallOptions
from gateway.bugs import internal_error
from gateway.charset import to_gbk
from gateway.failures import Failures
from gateway.http import Request, Response, business_date, network_of
from gateway.national import envelope as outer
from gateway.national.codec.notes import Notes
from gateway.national.envelope import Envelope, Serials
from gateway.national.lenience import Finding, in_answer, not_conforming
from gateway.national.notices import joined
from gateway.national.refusals import LIMIT, lenient_warning, outcome_of, refusal
from gateway.national.signatures import WINDOW_MINUTES, authenticate, speaks_bus
from gateway.national.transactions import Served, Transactions
from gateway.nonces import Nonces
from gateway.observing import Observed, Observer, RequestOutcome
from gateway.partners import Partners, Profile
from gateway.problems import retry_after
from gateway.reading import Unreadable
from gateway.shares import Shares
from services.kernel.clock import Clock
from services.kernel.errors import Fault, FaultKind, Violation, precondition
from services.runtime.status import InternalError
from services.runtime.texts.gateway import BUS_TEXTS, rule_text
from services.runtime.texts.table import text_of
from yibao.identity.v1 import partner_pb2

# Clients give up after ten seconds; an answer must come before that. It counts from the arrival of the request's body, and
# the two look-ups before the call, of at most 3 s each, have their part in it.
TIMEOUT_S: Final = 7.5

_JSON: Final = "application/json;charset=UTF-8"
_JSON_IN_GBK: Final = "application/json;charset=GBK"
_FILE: Final = "application/octet-stream"
_NO_OUTPUT: Final = "{}"


@dataclass(slots=True)
class _KnownRequest:
    """What is known of a request so far; a refusal is written with whatever that is.

    `sign_in` and `since` are warnings: of the sign-in number, and of what has happened since to what is answered again.
    `lenient` is what the message has otherwise than the national text.
    """

    envelope: Envelope | None = None
    served: Served | None = None
    profile: Profile | None = None
    sign_in: str = ""
    since: str = ""
    lenient: list[Finding] = field(default_factory=list)
    numbers: Mapping[str, str] = field(default_factory=dict)


class NationalFace:
    """Serves the envelope. `new_id` numbers requests that bring no message number of their own."""

    def __init__(
        self,
        transactions: Transactions,
        partners: Partners,
        shares: Shares,
        aside: Aside,
        backend: Backend,
        observer: Observer,
        clock: Clock,
        serials: Serials,
        new_id: Callable[[str], str],
        sandbox: bool,
        failures: Failures,
    ) -> None:
        self._failures = failures
        self._nonces = Nonces(WINDOW_MINUTES * 60)
        self._transactions = transactions
        self._partners = partners
        self._shares = shares
        self._aside = aside
        self._backend = backend
        self._observer = observer
        self._clock = clock
        self._serials = serials
        self._new_id = new_id
        self._sandbox = sandbox
        self._read_json = outer.decoder()
        self._log = logging.getLogger("yibao.gateway")

    async def handle(self, request: Request) -> Response:
        """The answer to one POST; never raises but when it is cancelled."""
        visit = _KnownRequest()
        with self._observer.request(request, "/*") as observed:
            try:
                output = await self._answer(request, visit)
            except (Fault, InternalError) as error:
                return self._refused(request, visit, error, observed)
            except Exception as error:  # noqa: BLE001  # a bug of ours: told by an id, found in the log
                return self._refused(request, visit, internal_error(self._log, error, self._sandbox), observed)
            observed.ended(RequestOutcome(200, infcode=0), *_numbers(visit), visit.numbers)
            if visit.served is not None and visit.served.file:
                return Response(200, output, _FILE)
            return _response(200, output, visit.profile)

    def refused(self, request: Request, error: Fault) -> Response:
        """Refuses a request before it is looked at."""
        with self._observer.request(request, "/*") as observed:
            return self._refused(request, _KnownRequest(), error, observed)

    async def _answer(self, request: Request, visit: _KnownRequest) -> bytes:
        headers = request.headers
        kind, encoding = headers.get("content-type", ""), headers.get("content-encoding", "")
        request.left_s(TIMEOUT_S)
        visit.envelope = envelope = await self._aside.read(
            network_of(request.source),
            len(request.body),
            lambda: outer.read_body(self._read_json, request.body, kind, encoding, self._transactions.lists),
        )
        infno = envelope.infno or self._hinted(request.path)
        visit.served = served = self._transactions.find(infno, envelope.wrapper)
        _require(served, envelope)
        try:
            visit.profile = profile = await self._partners.profile(envelope.fixmedins_code)
            self._prove(profile, request, served.infno)
        except Fault as fault:
            raise await self._failures.told(request.source, envelope.fixmedins_code, fault) from None
        # Not before the proof: by a mere name anybody could use up another's share.
        claimant = self._partners.claimant(profile.caller)
        async with self._shares.place(claimant, request.received):
            return await self._proven(request, visit, envelope, served, profile)

    def _prove(self, profile: Profile, request: Request, infno: str) -> None:
        now, body = self._clock(), request.body
        authenticate(profile, request.headers, now, self._sandbox, infno=infno, body=body, nonces=self._nonces)

    async def _proven(
        self, request: Request, visit: _KnownRequest, envelope: Envelope, served: Served, profile: Profile
    ) -> bytes:
        day = business_date(request.headers, self._sandbox and profile.sandbox)
        visit.sign_in = await self._sign_no_warning(served, envelope, profile)
        key = f"{served.key}:{envelope.msgid or self._new_id('')}"
        partner, method, size = profile.caller.subject, served.method.full_name, len(request.body)
        message = await self._aside.read(partner, size, lambda: _read(visit, served, envelope, profile, key))
        async with self._aside.place(partner, method, size, request.left_s(TIMEOUT_S)):
            options = CallOptions(profile.caller, request.left_s(TIMEOUT_S), day)
            answer = await self._backend.call(served.method, message, options)
            failure = served.notices.failure(answer)
            if failure is not None:
                raise failure
            visit.since = served.notices.warning(answer)
            numbers = served.method.response_numbers
            visit.numbers = {each.attribute: told for each in numbers if (told := each.get(answer))}
            write_all = partial(self._written, request, visit, envelope, profile, answer)
            return await self._aside.written(partner, method, answer, write_all)

    def _written(
        self, request: Request, visit: _KnownRequest, envelope: Envelope, profile: Profile, answer: Message
    ) -> bytes:
        served = visit.served
        assert served is not None
        if served.file:
            return base64.b64decode(getattr(answer, served.file))
        output = _output(served, envelope, profile, answer)
        if envelope.wrapper == outer.EC_LOCAL:
            return outer.write_decoded(envelope.fixmedins_code, output)
        now = self._clock()
        return outer.write_answer(
            reference=outer.refmsgid(envelope.region, now, self._serials.take()),
            received=request.received,
            answered=now,
            output=output,
            warning=_warning(visit),
            code_as_text=profile.dialect.infcode_as_text,
        )

    def _hinted(self, path: str) -> str:
        """The number at the end of a path: a hint, used where the body names none."""
        hint = path.rpartition("/")[2]
        if self._transactions.title(hint):
            return hint
        raise Unreadable("body.no_infno").fault("ENVELOPE_INVALID", "infno", "zh")

    async def _sign_no_warning(self, served: Served, envelope: Envelope, profile: Profile) -> str:
        """Signing in is optional; a number that is given and unknown is warned about, or refused where that is wanted."""
        if not (served.signed and envelope.sign_no):
            return ""
        strict = profile.dialect.strict_sign_no or profile.dialect.strict
        try:
            known = await self._partners.sign_no_is_open(profile.code, envelope.sign_no)
        except (Fault, InternalError):
            if strict:
                raise
            return ""
        if known:
            return ""
        if strict:
            raise precondition("SIGN_NO_UNKNOWN")
        return f"[SIGN_NO_UNKNOWN] {text_of('SIGN_NO_UNKNOWN', {}, 'zh')}"

    def _refused(
        self, request: Request, visit: _KnownRequest, error: Fault | InternalError, observed: Observed
    ) -> Response:
        outcome = outcome_of(error)
        observed.ended(outcome, *_numbers(visit))
        envelope, profile = visit.envelope, visit.profile
        bus = profile.auth_style == partner_pb2.AUTH_STYLE_CSB if profile else speaks_bus(request.headers)
        if bus and outcome.code == FaultKind.UNAUTHENTICATED.value and outcome.reason in BUS_TEXTS:
            told = BUS_TEXTS[outcome.reason][0].format_map(error.metadata)
            return _response(200, outer.write_bus_refusal(told), profile)
        descriptor: Any = visit.served.method.request_class.DESCRIPTOR if visit.served else None
        said = refusal(error, descriptor)
        if envelope is not None and envelope.wrapper == outer.EC_LOCAL:
            return _response(outcome.status, outer.write_not_decoded(said), profile, retry_after(error))
        now = self._clock()
        body = outer.write_answer(
            reference=outer.refmsgid(envelope.region if envelope else "000000", now, self._serials.take()),
            received=request.received,
            answered=now,
            refusal=said,
            warning=_warning(visit),
            code_as_text=profile.dialect.infcode_as_text if profile else False,
        )
        return _response(outcome.status, body, profile, retry_after(error))


def _read(visit: _KnownRequest, served: Served, envelope: Envelope, profile: Profile, key: str) -> Message:
    """The request; what is lenient in it is kept for the answer, or refused where the profile is strict."""
    if envelope.wrapper != outer.INFNO or not (profile.lenient_warnings or profile.dialect.strict):
        return served.read(envelope.row, envelope.root, key)
    notes = Notes()
    try:
        message = served.read(envelope.row, envelope.root, key, notes)
    except Fault as fault:
        refused = {violation.path for violation in fault.violations}
        found = served.lenience.findings(envelope.row, notes, None, envelope.odd)
        visit.lenient = [each for each in found if each.path not in refused]
        raise
    found = in_answer(served.lenience.findings(envelope.row, notes, message, envelope.odd))
    if found and profile.dialect.strict:
        raise not_conforming(found)
    visit.lenient = found
    return message


def _output(served: Served, envelope: Envelope, profile: Profile, answer: Message) -> str:
    """What the answer's `output` holds, or the decoder's `data`."""
    bare = served.bare_for(profile.dialect)
    if bare is not None:
        return bare(answer)
    output = served.answer.output(answer)
    return (
        "null" if output == _NO_OUTPUT and profile.dialect.null_output and envelope.wrapper == outer.INFNO else output
    )


def _response(
    status: int, body: bytes, profile: Profile | None, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """The answer in the charset of its partner; UTF-8 where it is not known who asks."""
    if profile is None or not profile.dialect.answers_in_gbk:
        return Response(status, body, _JSON, headers)
    return Response(status, to_gbk(body.decode()), _JSON_IN_GBK, headers)


def _require(served: Served, envelope: Envelope) -> None:
    """What routing and proof need before anything is decoded."""
    rule = "national.required"
    names = served.missing(envelope.msgid, envelope.fixmedins_code)
    missing = [Violation(name, rule, rule_text(rule, {}, "zh")) for name in names]
    if missing:
        raise Fault(FaultKind.INVALID, "INVALID_REQUEST", violations=missing)


def _warning(visit: _KnownRequest) -> str:
    if not visit.lenient:
        return joined(since=visit.since, sign_in=visit.sign_in)
    room = LIMIT - len(joined(since=visit.since, sign_in=visit.sign_in, lenient=" "))
    return joined(since=visit.since, sign_in=visit.sign_in, lenient=lenient_warning(visit.lenient, room + 1))


def _numbers(visit: _KnownRequest) -> tuple[str, str, str]:
    """Number of the transaction as far as it is known, message number, institution."""
    if visit.envelope is None:
        return "", "", ""
    infno = visit.served.infno if visit.served else ""
    return infno, visit.envelope.msgid[:40], visit.profile.code if visit.profile else ""
