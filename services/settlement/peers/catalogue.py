"""Catalogue as settlement sees it. Everything read is kept for the catalogue's head (its content hash) it was read at.

The head is asked for at most once a second, so a hot path asks nothing. While the catalogue is away or silent the last head
holds: nothing can be published then. What is unknown is never kept.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from services.kernel.errors import Fault, FaultKind, precondition
from services.kernel.money import scaled_of
from services.kernel.policy.parsing import parse_policy
from services.runtime.kept import Bounded
from services.runtime.outbound import Peers
from services.runtime.wire import day_message, optional_told_day, told_day
from services.settlement.domain.benefits.compile import CompiledPolicy, compile_policy
from services.settlement.domain.benefits.stack import CompiledStack, StackChoice, StackRequest, compile_stack
from services.settlement.domain.benefits.versions import PolicyVersion, SettleDates, choose_versions
from services.settlement.domain.care.catalogue import Disease, Institution, ItemKey, LocalKind, PricedItem, PriceScope
from yibao.catalogue.v1 import catalogue_pb2, catalogue_pb2_grpc, records_pb2
from yibao.common.v1 import codes_pb2
from yibao.options.v1 import options_pb2

MEMBER: Final = "catalogue"
HEAD_HOLDS_S: Final = 1.0
_HEAD_WAIT_S: Final = 1.0
"""How long a new head is waited for where an older one can hold."""
_ABSENT: Final = (FaultKind.UNAVAILABLE, FaultKind.DEADLINE)
_ITEMS: Final = 2000
_KEPT_ITEMS: Final = 50_000
_KEPT_RECORDS: Final = 20_000
_KEPT_PLACES: Final = 2_000
_KEPT_STACKS: Final = 10_000
_KEPT_POLICIES: Final = 500
_MED_TYPES: Final[Mapping[int, str]] = {
    value.number: value.GetOptions().Extensions[options_pb2.national_code]
    for value in codes_pb2.DESCRIPTOR.enum_types_by_name["MedType"].values
}
_CLASSES: Final[Mapping[int, str]] = {1: "A", 2: "B", 3: "C"}


class CatalogueClient:
    """Calls the catalogue through the mesh; `timer` counts seconds, from whenever."""

    def __init__(self, peers: Peers, timer: Callable[[], float]) -> None:
        self._peers = peers
        self._stub = peers.stub(catalogue_pb2_grpc.CatalogueServiceStub, MEMBER)
        self._timer = timer
        self._head = ""
        self._head_read_at = 0.0
        self._head_turn = asyncio.Lock()
        self._items: Bounded[tuple[str, PriceScope, ItemKey], PricedItem] = Bounded(_KEPT_ITEMS)
        self._institutions: Bounded[tuple[str, str, date], Institution] = Bounded(_KEPT_RECORDS)
        self._diseases: Bounded[tuple[str, str, date, str], Disease] = Bounded(_KEPT_RECORDS)
        self._choices: Bounded[tuple[str, StackRequest], StackChoice] = Bounded(_KEPT_STACKS)
        self._local_kinds: Bounded[tuple[str, str], tuple[LocalKind, ...]] = Bounded(_KEPT_PLACES)
        self._policies: Bounded[str, CompiledPolicy] = Bounded(_KEPT_POLICIES)
        self._stacks: Bounded[tuple[str, ...], CompiledStack] = Bounded(_KEPT_POLICIES)

    async def head(self) -> str:
        """Hash of the catalogue as it stands, at most a second old while the catalogue answers."""
        if self._head and self._timer() - self._head_read_at < HEAD_HOLDS_S:
            return self._head
        async with self._head_turn:
            if self._head and self._timer() - self._head_read_at < HEAD_HOLDS_S:
                return self._head
            limit_s = _HEAD_WAIT_S if self._head else None
            try:
                answer = await self._peers.call(self._stub.GetHead, catalogue_pb2.GetHeadRequest(), timeout_s=limit_s)
                self._head = answer.head
            except Fault as fault:
                if not self._head or fault.kind not in _ABSENT:
                    raise
            self._head_read_at = self._timer()
            return self._head

    async def institution(self, code: str, day: date) -> Institution:
        """The institution on the day; PRECONDITION INSTITUTION_UNKNOWN."""
        head = await self.head()
        known = self._institutions.get((head, code, day))
        if known is not None:
            return known
        request = catalogue_pb2.BatchGetInstitutionsRequest(fixmedins_codes=[code], day=day_message(day))
        answer = await self._peers.call(self._stub.BatchGetInstitutions, request)
        outcome = answer.outcomes[0]
        if not outcome.HasField("institution"):
            raise precondition("INSTITUTION_UNKNOWN", fixmedins_code=code, day=day.isoformat())
        return self._institutions.keep((head, code, day), _institution(outcome.institution))

    async def priced_items(self, scope: PriceScope, keys: Sequence[ItemKey]) -> Mapping[ItemKey, PricedItem]:
        """Items by key; what is not kept yet is asked for together. An unknown code is absent."""
        head = await self.head()
        found: dict[ItemKey, PricedItem] = {}
        asked: list[ItemKey] = []
        for key in dict.fromkeys(keys):
            known = self._items.get((head, scope, key))
            if known is None:
                asked.append(key)
            else:
                found[key] = known
        for begin in range(0, len(asked), _ITEMS):
            part = asked[begin : begin + _ITEMS]
            request = catalogue_pb2.BatchGetItemsRequest(
                admdvs=scope.admdvs,
                hosp_lv=scope.hosp_lv,
                lmtpric_hosp_lv=scope.lmtpric_hosp_lv,
                keys=[catalogue_pb2.ItemKey(med_list_codg=key.med_list_codg, day=day_message(key.day)) for key in part],
            )
            answer = await self._peers.call(self._stub.BatchGetItems, request)
            for key, outcome in zip(part, answer.outcomes, strict=True):
                if outcome.HasField("priced_item"):
                    found[key] = self._items.keep((head, scope, key), _priced_item(outcome.priced_item))
        return found

    async def stack(self, request: StackRequest) -> StackChoice:
        """The chosen, compiled policies; STACK_NOT_FOUND, POLICY_NOT_EFFECTIVE."""
        known = self._choices.get((await self.head(), request))
        if known is not None:
            return known
        answer = await self._peers.call(
            self._stub.ResolveStack,
            catalogue_pb2.ResolveStackRequest(
                admdvs=request.admdvs,
                insutype=request.insutype,
                day=day_message(request.day),
                begin_day=day_message(request.begin_day),
            ),
        )
        ids = list(dict.fromkeys(policy.policy_id for policy in answer.policies))
        dates = SettleDates(request.day, request.begin_day, request.end_day)
        versions = choose_versions(ids, [_version(policy) for policy in answer.policies], dates)
        choice = StackChoice(versions, await self._stack(tuple(version.content_hash for version in versions)))
        return self._choices.keep((answer.head, request), choice)

    async def diseases(self, admdvs: str, day: date, codes: Sequence[str]) -> Mapping[str, Disease]:
        """Diseases by code; an unknown code is absent."""
        head = await self.head()
        found: dict[str, Disease] = {}
        asked: list[str] = []
        for code in dict.fromkeys(codes):
            known = self._diseases.get((head, admdvs, day, code))
            if known is None:
                asked.append(code)
            else:
                found[code] = known
        if asked:
            request = catalogue_pb2.BatchGetDiseasesRequest(admdvs=admdvs, day=day_message(day), dise_codgs=asked)
            answer = await self._peers.call(self._stub.BatchGetDiseases, request)
            for code, outcome in zip(asked, answer.outcomes, strict=True):
                if outcome.HasField("disease"):
                    told = outcome.disease
                    disease = Disease(told.dise_codg, told.disease, told.chronic_class)
                    found[code] = self._diseases.keep((head, admdvs, day, code), disease)
        return found

    async def local_kinds(self, admdvs: str) -> Sequence[LocalKind]:
        """The kinds of care that a place of care has beside the national ones, the nearest region's first."""
        head = await self.head()
        known = self._local_kinds.get((head, admdvs))
        if known is not None:
            return known
        request = catalogue_pb2.ListLocalMedTypesRequest(admdvs=admdvs)
        answer = await self._peers.call(self._stub.ListLocalMedTypes, request)
        return self._local_kinds.keep((head, admdvs), tuple(map(_local_kind, answer.local_med_types)))

    async def stack_of(self, hashes: Sequence[str]) -> CompiledStack:
        """The compiled policies of these contents, whatever came after them; POLICY_NOT_FOUND."""
        return await self._stack(tuple(hashes))

    async def _stack(self, hashes: tuple[str, ...]) -> CompiledStack:
        known = self._stacks.get(hashes)
        if known is not None:
            return known
        policies = [await self._policy(each) for each in hashes]
        return self._stacks.keep(hashes, compile_stack(policies))

    async def _policy(self, content_hash: str) -> CompiledPolicy:
        known = self._policies.get(content_hash)
        if known is not None:
            return known
        answer = await self._peers.call(self._stub.GetPolicy, catalogue_pb2.GetPolicyRequest(policy_hash=content_hash))
        # Tens of milliseconds of computation: aside, so that other calls go on.
        compiled = await asyncio.to_thread(_compiled, answer.document_json, content_hash)
        return self._policies.keep(content_hash, compiled)


def _compiled(document_json: str, content_hash: str) -> CompiledPolicy:
    return compile_policy(parse_policy(json.loads(document_json)), content_hash)


def _version(policy: catalogue_pb2.StackPolicy) -> PolicyVersion:
    return PolicyVersion(
        id=policy.policy_id,
        version=policy.version,
        effective_from=told_day(policy.from_day),
        effective_to=optional_told_day(policy, "to_day"),
        version_on=policy.version_on,
        content_hash=policy.policy_hash,
    )


def _institution(institution: records_pb2.Institution) -> Institution:
    return Institution(
        institution.fixmedins_code,
        institution.fixmedins_name,
        institution.fixmedins_type,
        institution.hosp_lv,
        institution.lmtpric_hosp_lv,
        institution.policy_hosp_lv,
        institution.admdvs,
    )


def _local_kind(kind: records_pb2.LocalMedType) -> LocalKind:
    validity = kind.validity
    days = told_day(validity.from_day), optional_told_day(validity, "to_day")
    return LocalKind(kind.local_med_type, _MED_TYPES[kind.med_type], *days)


def _priced_item(priced: catalogue_pb2.PricedItem) -> PricedItem:
    item = priced.item
    limit = priced.pric_uplmt_amt if priced.HasField("pric_uplmt_amt") else ""
    return PricedItem(
        med_list_codg=item.med_list_codg,
        list_type=item.list_type,
        item_name=item.item_name,
        chrg_class=_CLASSES[item.chrgitm_lv],
        med_chrgitm_type=item.med_chrgitm_type,
        spec=item.spec,
        dosform_name=item.dosform_name,
        lmt_used_flag=item.lmt_used_flag,
        bas_medn_flag=item.bas_medn_flag,
        hi_nego_drug_flag=item.hi_nego_drug_flag,
        selfpay_prop_e4=scaled_of(priced.selfpay_prop or "0", 4),
        price_limit_e6=scaled_of(limit, 6) if limit else None,
        price_limit=limit,
        hosp_bear=priced.hosp_bear,
    )
