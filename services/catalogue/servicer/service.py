"""CatalogueService: each method reads its message, asks one operation, and makes the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from services.catalogue.domain.pricing import PriceScope
from services.catalogue.domain.queries import InstitutionFilter, PolicyPlace
from services.catalogue.domain.records import PolicyVersion
from services.catalogue.operations.lookups import Lookups
from services.catalogue.operations.publish import PublishCommand, Published
from services.catalogue.servicer.records import (
    disease_message,
    institution_message,
    local_med_type_message,
    priced_item_message,
    read_in_parts,
    term_message,
)
from services.kernel.clock import beijing_day
from services.runtime.call import Caller, current_call
from services.runtime.idempotency import stamp_of
from services.runtime.paging import asked_page, token_of
from services.runtime.wire import day_message, day_of, optional_day_message, optional_day_of
from yibao.catalogue.v1 import catalogue_pb2 as pb
from yibao.catalogue.v1.catalogue_pb2_grpc import CatalogueServiceServicer

Publish = Callable[[PublishCommand], Awaitable[bytes]]


class CatalogueServicer(CatalogueServiceServicer):
    """`publish` runs a command to its end whatever becomes of the caller."""

    def __init__(self, publish: Publish, lookups: Lookups) -> None:
        self._publish = publish
        self._lookups = lookups

    async def Publish(self, request: pb.PublishRequest, context: object) -> pb.PublishResponse:  # noqa: N802 - the contract's name
        """Publishes records, all or none."""
        call = current_call()
        read = await read_in_parts(request.records)
        command = PublishCommand(
            stamp=stamp_of(call, request),
            entries=read.entries,
            unreadable=read.violations,
            bad_policies=read.policies,
            at=call.now,
            render=_rendered,
        )
        return pb.PublishResponse.FromString(await self._publish(command))

    async def GetHead(self, request: pb.GetHeadRequest, context: object) -> pb.GetHeadResponse:  # noqa: N802 - the contract's name
        """Hash of the catalogue as it stands."""
        return pb.GetHeadResponse(head=await self._lookups.head())

    async def BatchGetItems(self, request: pb.BatchGetItemsRequest, context: object) -> pb.BatchGetItemsResponse:  # noqa: N802 - the contract's name
        """Priced items in the order asked."""
        scope = PriceScope(request.admdvs, request.hosp_lv, request.lmtpric_hosp_lv)
        keys = [(key.med_list_codg, day_of(key.day, f"keys[{place}].day")) for place, key in enumerate(request.keys)]
        found = await self._lookups.priced_items(scope, keys)
        outcomes = [
            pb.PricedItemOutcome(priced_item=None if priced is None else priced_item_message(priced))
            for priced in found
        ]
        return pb.BatchGetItemsResponse(outcomes=outcomes)

    async def GetItem(self, request: pb.GetItemRequest, context: object) -> pb.GetItemResponse:  # noqa: N802 - the contract's name
        """One item as it applies on a day."""
        scope = PriceScope(request.admdvs, request.hosp_lv, request.lmtpric_hosp_lv)
        priced = await self._lookups.priced_item(scope, request.med_list_codg, day_of(request.day, "day"))
        return pb.GetItemResponse(priced_item=priced_item_message(priced))

    async def ResolveStack(self, request: pb.ResolveStackRequest, context: object) -> pb.ResolveStackResponse:  # noqa: N802 - the contract's name
        """Policies of an insured place and insurance type."""
        begin = optional_day_of(request, "begin_day")
        resolved = await self._lookups.resolve_stack(
            request.admdvs, request.insutype, day_of(request.day, "day"), begin
        )
        return pb.ResolveStackResponse(policies=map(_stack_policy, resolved.versions), head=resolved.head)

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: object) -> pb.GetPolicyResponse:  # noqa: N802 - the contract's name
        """A policy document."""
        found = await self._lookups.policy(request.policy_id, request.version, request.policy_hash)
        return pb.GetPolicyResponse(
            policy_id=found.policy_id,
            version=found.version,
            policy_hash=found.policy_hash,
            document_json=found.document_json,
        )

    async def ListPolicies(self, request: pb.ListPoliciesRequest, context: object) -> pb.ListPoliciesResponse:  # noqa: N802 - the contract's name
        """A page of the list of policies."""
        after, size = asked_page(request, str, date, str)
        page = await self._lookups.list_policies(None if after is None else PolicyPlace(*after), size)
        return pb.ListPoliciesResponse(policies=map(_summary, page.entries), next_page_token=token_of(page.end))

    async def BatchGetInstitutions(  # noqa: N802 - the contract's name
        self, request: pb.BatchGetInstitutionsRequest, context: object
    ) -> pb.BatchGetInstitutionsResponse:
        """Institutions in the order asked."""
        found = await self._lookups.institutions(request.fixmedins_codes, day_of(request.day, "day"))
        outcomes = [
            pb.InstitutionOutcome(institution=None if each is None else institution_message(each)) for each in found
        ]
        return pb.BatchGetInstitutionsResponse(outcomes=outcomes)

    async def SearchInstitutions(  # noqa: N802 - the contract's name
        self, request: pb.SearchInstitutionsRequest, context: object
    ) -> pb.SearchInstitutionsResponse:
        """Institutions of today by type, code or part of the name."""
        wanted = request.medinsinfo
        found = await self._lookups.search_institutions(
            InstitutionFilter(wanted.fixmedins_type, wanted.fixmedins_name, wanted.fixmedins_code),
            beijing_day(current_call().now),
        )
        return pb.SearchInstitutionsResponse(medinsinfo=map(institution_message, found))

    async def GetTerm(self, request: pb.GetTermRequest, context: object) -> pb.GetTermResponse:  # noqa: N802 - the contract's name
        """A diagnosis or operation, today's where no day is named."""
        day = optional_day_of(request, "day") or beijing_day(current_call().now)
        return pb.GetTermResponse(term=term_message(await self._lookups.term(request.standard, request.code, day)))

    async def BatchGetDiseases(  # noqa: N802 - the contract's name
        self, request: pb.BatchGetDiseasesRequest, context: object
    ) -> pb.BatchGetDiseasesResponse:
        """Diseases in the order asked."""
        found = await self._lookups.diseases(request.admdvs, day_of(request.day, "day"), request.dise_codgs)
        outcomes = [pb.DiseaseOutcome(disease=None if each is None else disease_message(each)) for each in found]
        return pb.BatchGetDiseasesResponse(outcomes=outcomes)

    async def ListLocalMedTypes(  # noqa: N802 - the contract's name
        self, request: pb.ListLocalMedTypesRequest, context: object
    ) -> pb.ListLocalMedTypesResponse:
        """Local kinds of care of a place."""
        found = await self._lookups.local_med_types(request.admdvs)
        return pb.ListLocalMedTypesResponse(local_med_types=map(local_med_type_message, found))


def scope_of(caller: Caller) -> str:
    """Within what a request id is unique: who publishes is never bound to an institution or channel."""
    return f"{caller.role.value}:{caller.subject}"


def _rendered(published: Published) -> bytes:
    return pb.PublishResponse(
        published_count=published.published_count,
        unchanged_count=published.unchanged_count,
        head=published.head,
        warnings=published.warnings,
    ).SerializeToString(deterministic=True)


def _stack_policy(version: PolicyVersion) -> pb.StackPolicy:
    return pb.StackPolicy(
        policy_id=version.policy_id,
        version=version.version,
        policy_hash=version.policy_hash,
        from_day=day_message(version.from_day),
        to_day=optional_day_message(version.to_day),
        version_on=version.version_on,
    )


def _summary(version: PolicyVersion) -> pb.PolicySummary:
    return pb.PolicySummary(
        policy_id=version.policy_id,
        version=version.version,
        title=version.title,
        admdvs=version.admdvs,
        insutype=version.insutype,
        policy_hash=version.policy_hash,
    )
