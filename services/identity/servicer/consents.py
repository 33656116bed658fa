"""ConsentService on the wire: the person's side and reviews here, the way of reading in a part of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from services.identity.domain import consent
from services.identity.domain.consent import Grant, Hidden, Kind, Purpose
from services.identity.operations.consent_desk import ConsentDesk
from services.identity.operations.consents import Consents
from services.identity.servicer.consent_desk import PURPOSES, ConsentDeskRpcs, optional_moment
from services.kernel.clock import to_micros
from services.runtime.call import Role, current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import micros_message, sent_moment
from yibao.identity.v1 import consent_pb2, consent_pb2_grpc, consent_reviews_pb2

_KINDS: Final = {
    Kind.GRANTED: consent_pb2.GRANT_KIND_GRANTED,
    Kind.PRESENCE: consent_pb2.GRANT_KIND_PRESENCE,
    Kind.EMERGENCY: consent_pb2.GRANT_KIND_EMERGENCY,
    Kind.SELF: consent_pb2.GRANT_KIND_SELF,
    Kind.SUPERVISION: consent_pb2.GRANT_KIND_SUPERVISION,
}


class ConsentServicer(ConsentDeskRpcs, consent_pb2_grpc.ConsentServiceServicer):
    """Messages in, messages out."""

    def __init__(self, operations: Consents, desk: ConsentDesk) -> None:
        ConsentDeskRpcs.__init__(self, desk)
        self._operations = operations

    async def GrantAccess(  # noqa: N802 - the contract's name
        self, request: consent_pb2.GrantAccessRequest, context: Any
    ) -> consent_pb2.GrantAccessResponse:
        """For treatment: no other purpose is a person's to grant."""
        call = current_call()
        now = to_micros(call.now)
        begins = to_micros(sent_moment(request.from_time, "from_time")) if request.HasField("from_time") else now
        scope = consent.check_scope(request.modalities, request.study_uid)
        by = "person" if call.caller.role is Role.PERSON else f"operator:{call.caller.subject}"
        reader = request.reader_code
        asked = Grant("", request.psn_no, Kind.GRANTED, Purpose.TREATMENT, reader, begins, 0, now, by, scope=scope)
        asked = replace(asked, reason=request.memo)
        stored = await self._operations.grant(stamp_of(call, request), asked, request.days, now, _granted)
        return consent_pb2.GrantAccessResponse.FromString(stored)

    async def ListGrants(  # noqa: N802 - the contract's name
        self, request: consent_pb2.ListGrantsRequest, context: Any
    ) -> consent_pb2.ListGrantsResponse:
        """A page."""
        place, size = asked_page(request, str)
        page = await self._operations.list(request.psn_no, place[0] if place else "", size)
        return consent_pb2.ListGrantsResponse(
            grants=[_grant(each) for each in page.entries], next_page_token=token_of(page.end)
        )

    async def RevokeGrant(  # noqa: N802 - the contract's name
        self, request: consent_pb2.RevokeGrantRequest, context: Any
    ) -> consent_pb2.RevokeGrantResponse:
        """At once."""
        call = current_call()
        now = to_micros(call.now)
        stored = await self._operations.revoke(stamp_of(call, request), request.psn_no, request.grant_no, now, _revoked)
        return consent_pb2.RevokeGrantResponse.FromString(stored)

    async def Hide(  # noqa: N802 - the contract's name
        self, request: consent_pb2.HideRequest, context: Any
    ) -> consent_pb2.HideResponse:
        """A study or an institution's."""
        call = current_call()
        now = to_micros(call.now)
        asked = Hidden("", request.psn_no, request.study_uid, request.fixmedins_code, now)
        stored = await self._operations.hide(stamp_of(call, request), asked, now, _hid)
        return consent_pb2.HideResponse.FromString(stored)

    async def Unhide(  # noqa: N802 - the contract's name
        self, request: consent_pb2.UnhideRequest, context: Any
    ) -> consent_pb2.UnhideResponse:
        """Shows it again."""
        call = current_call()
        stamp = stamp_of(call, request)
        await self._operations.unhide(stamp, request.psn_no, request.hidden_no, to_micros(call.now))
        return consent_pb2.UnhideResponse()

    async def ListHidden(  # noqa: N802 - the contract's name
        self, request: consent_pb2.ListHiddenRequest, context: Any
    ) -> consent_pb2.ListHiddenResponse:
        """All of it."""
        found = await self._operations.hidden(request.psn_no)
        return consent_pb2.ListHiddenResponse(hidden=[_hidden(each) for each in found])

    async def ListBreakGlass(  # noqa: N802 - the contract's name
        self, request: consent_reviews_pb2.ListBreakGlassRequest, context: Any
    ) -> consent_reviews_pb2.ListBreakGlassResponse:
        """A page."""
        now = to_micros(current_call().now)
        place, size = asked_page(request, int, str)
        after = (place[0], place[1]) if place else (0, "")
        page = await self._operations.emergencies(after, size, reviewed=request.reviewed)
        entries = [_emergency(each, now) for each in page.entries]
        return consent_reviews_pb2.ListBreakGlassResponse(entries=entries, next_page_token=token_of(page.end))

    async def ReviewBreakGlass(  # noqa: N802 - the contract's name
        self, request: consent_reviews_pb2.ReviewBreakGlassRequest, context: Any
    ) -> consent_reviews_pb2.ReviewBreakGlassResponse:
        """What it found."""
        call = current_call()
        now = to_micros(call.now)
        justified = request.verdict == consent_reviews_pb2.REVIEW_VERDICT_JUSTIFIED
        by, memo = call.caller.subject, request.memo
        verdict = partial(consent.reviewed, justified=justified, now=now, by=by, memo=memo)
        encode = partial(_reviewed, now=now)
        stored = await self._operations.review(stamp_of(call, request), request.grant_no, verdict, now, encode)
        return consent_reviews_pb2.ReviewBreakGlassResponse.FromString(stored)


def _granted(grant: Grant) -> bytes:
    return consent_pb2.GrantAccessResponse(grant=_grant(grant)).SerializeToString()


def _revoked(grant: Grant) -> bytes:
    return consent_pb2.RevokeGrantResponse(grant=_grant(grant)).SerializeToString()


def _hid(hidden: Hidden) -> bytes:
    return consent_pb2.HideResponse(hidden=_hidden(hidden)).SerializeToString()


def _reviewed(grant: Grant, now: int) -> bytes:
    return consent_reviews_pb2.ReviewBreakGlassResponse(entry=_emergency(grant, now)).SerializeToString()


def _grant(grant: Grant) -> consent_pb2.ConsentGrant:
    return consent_pb2.ConsentGrant(
        grant_no=grant.grant_no,
        kind=_KINDS[grant.kind],
        purpose=PURPOSES[grant.purpose],
        reader_code=grant.reader_code,
        dr_codg=grant.dr_codg,
        modalities=grant.scope.modalities,
        study_uid=grant.scope.study_uid,
        from_time=micros_message(grant.from_at),
        to_time=micros_message(grant.to_at),
        revoked_time=optional_moment(grant.revoked_at),
        reason=grant.reason,
    )


def _hidden(hidden: Hidden) -> consent_pb2.HiddenEntry:
    return consent_pb2.HiddenEntry(
        hidden_no=hidden.hidden_no,
        study_uid=hidden.study_uid,
        fixmedins_code=hidden.fixmedins_code,
        hidden_time=micros_message(hidden.hidden_at),
    )


def _emergency(grant: Grant, now: int) -> consent_reviews_pb2.BrokenGlass:
    review = grant.review
    assert review is not None, "an emergency is reviewed"
    verdicts = (consent_reviews_pb2.REVIEW_VERDICT_UNJUSTIFIED, consent_reviews_pb2.REVIEW_VERDICT_JUSTIFIED)
    return consent_reviews_pb2.BrokenGlass(
        grant_no=grant.grant_no,
        psn_no=grant.psn_no,
        fixmedins_code=grant.reader_code,
        dr_codg=grant.dr_codg,
        reason=grant.reason,
        made_time=micros_message(grant.made_at),
        due_time=micros_message(review.due),
        overdue=not review.at and now >= review.due,
        verdict=verdicts[review.justified] if review.at else consent_reviews_pb2.REVIEW_VERDICT_UNSPECIFIED,
        reviewed_time=optional_moment(review.at),
        reviewed_by=review.by,
        memo=review.memo,
    )
