"""Everything about a list of bills that others know, fetched before any transaction opens: one snapshot of the own store,
one call to identity for the whole list, policies and institutions from what the catalogue's peer keeps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, TypeAlias, TypeVar

from services.kernel.clock import beijing_day, from_micros
from services.kernel.codes import EC
from services.kernel.elsewhere import family_elsewhere, insured_elsewhere
from services.kernel.errors import Fault, denied
from services.kernel.requests import RequestStamp
from services.runtime.writes import Again, all_ended, decide_each
from services.settlement.domain.benefits.circumstances import UNFILED, Care, facts_of
from services.settlement.domain.benefits.stack import StackChoice, StackRequest
from services.settlement.domain.benefits.versions import SettleDates, benefit_year, policy_date
from services.settlement.domain.books.bill_request import BillRequest
from services.settlement.domain.books.decision import PreparedBill
from services.settlement.domain.books.entries import Books, PolicyName, RequestKey, StoredAnswer, Wanted, repeat_of
from services.settlement.domain.books.ledger import AccountKey, LedgerKey
from services.settlement.domain.care.bill import STAY, VISIT, Bill, BilledEncounter, check_encounter
from services.settlement.domain.care.carried import check_filing
from services.settlement.domain.care.catalogue import Disease, Institution
from services.settlement.domain.care.insured import CredentialQuery, Insured, enrolment_on, family_link_on
from services.settlement.domain.care.kinds import KindOfCare, check_setting
from services.settlement.domain.care.second_numbers import answering, second_id
from services.settlement.operations.benefits.ports import PolicyPeer
from services.settlement.operations.care.kinds import national_kind
from services.settlement.operations.care.ports import IdentityPeer
from services.settlement.operations.care.writes import BUSY
from services.settlement.store.batch_books import BatchBooks

T = TypeVar("T")
PreparationOutcome: TypeAlias = PreparedBill | StoredAnswer | Exception


class Preparation:
    """Prepares bills for their decision.

    `cell` is the own cell of a mesh with routing, "" of one without: there filings are looked for nowhere.
    """

    def __init__(self, books: BatchBooks, identity: IdentityPeer, catalogue: PolicyPeer, cell: str = "") -> None:
        self._books = books
        self._identity = identity
        self._catalogue = catalogue
        self._cell = cell

    async def prepare(self, requests: Sequence[BillRequest]) -> list[PreparationOutcome]:
        """For each request: the bill ready to be decided, the answer it was given before, or why it is refused.

        INSURED_ELSEWHERE names the own cell: whether a filing holds decides, and only routing knows.
        """
        found: list[PreparationOutcome | BilledEncounter] = await self._known(requests)
        asked = [place for place, known in enumerate(found) if isinstance(known, BilledEncounter)]
        if not asked:
            return [known for known in found if not isinstance(known, BilledEncounter)]
        insured: Sequence[Insured | Fault]
        try:
            insured = await self._identity.verify_batch([_query(requests[place]) for place in asked])
        except Fault as fault:
            insured = [fault] * len(asked)
        lookup = _Lookup(self._catalogue)
        results: list[PreparationOutcome] = []
        persons = iter(insured)
        for request, known in zip(requests, found, strict=True):
            if isinstance(known, BilledEncounter):
                person = next(persons)
                results.append(person if isinstance(person, Fault) else await _prepared(request, known, person, lookup))
            else:
                results.append(known)
        return [insured_elsewhere(self._cell) if self._unsought(each) else each for each in results]

    def _unsought(self, found: PreparationOutcome) -> bool:
        """Whether only a filing could still say how care outside the insured pooling area came about."""
        if not self._cell or not isinstance(found, PreparedBill) or found.facts["remote"] != UNFILED:
            return False
        request = found.request
        return request.carried is None and request.sought is None and request.opening is None

    async def _known(self, requests: Sequence[BillRequest]) -> list[PreparationOutcome | BilledEncounter]:
        """The stored answer of a repeat, else the encounter of the bill."""
        # Of one that is opened the commit knows whether it came before.
        settled = (request.stamp for request in requests if request.stamp.request_id and request.opening is None)
        wanted = Wanted(
            requests=tuple({(stamp.scope, stamp.request_id): None for stamp in settled}),
            encounters=tuple({request.bill.mdtrt_id: None for request in requests if request.carried is None}),
        )
        if not (wanted.requests or wanted.encounters):
            return [request.carried.encounter for request in requests if request.carried is not None]
        async with self._books.looking() as look:
            books = await look.load(wanted)
        if any(_second_key(request.stamp, books) for request in requests):
            # Under the other number in the same snapshot: between two of them an answer could be missed under both.
            async with self._books.reading() as snapshot:
                books = await snapshot.load(wanted)
                others = {key: None for request in requests if (key := _second_key(request.stamp, books))}
                books.answers |= (await snapshot.load(Wanted(requests=tuple(others)))).answers
        found: list[PreparationOutcome | BilledEncounter] = []
        for request in requests:
            stored = books.answers.get((request.stamp.scope, request.stamp.request_id))
            if second := _second_key(request.stamp, books):
                stored = answering(request.stamp, stored, books.answers.get(second))
            if stored is not None:
                found.append(repeat_of(request.stamp, stored))
                continue
            if request.carried is not None:
                found.append(request.carried.encounter)
                continue
            try:
                found.append(_own_encounter(request, books))
            except Fault as fault:
                found.append(fault)
        return found


def _own_encounter(request: BillRequest, books: Books) -> BilledEncounter:
    """The encounter of the bill; PRECONDITION (INSURED_ELSEWHERE) where the ledgers of its person are another cell's."""
    encounter = check_encounter(request.bill, books.encounters.get(request.bill.mdtrt_id))
    if encounter.insured_cell:
        raise insured_elsewhere(encounter.insured_cell)
    return encounter


def _second_key(stamp: RequestStamp, books: Books) -> RequestKey | None:
    """Where the answer may stand that does not stand under the request id itself."""
    other = second_id(stamp, books.answers.get((stamp.scope, stamp.request_id)))
    return (stamp.scope, other) if other else None


async def decided_bills(
    preparation: Preparation,
    requests: Sequence[BillRequest],
    submit: Callable[[int, PreparedBill], Awaitable[T | Again]],
) -> list[T | PreparationOutcome | BaseException]:
    """The outcome of each request: prepared, and handed over by `submit`, which is told its place. One whose books moved
    meanwhile is prepared anew; a Fault, or a bug of that one request, is its outcome."""

    async def attempt(places: Sequence[int]) -> list[T | Again | PreparationOutcome | BaseException]:
        found = await preparation.prepare([requests[place] for place in places])
        bills = [(place, item) for place, item in zip(places, found, strict=True) if isinstance(item, PreparedBill)]
        outcomes = iter(await all_ended(submit(*bill) for bill in bills))
        return [next(outcomes) if isinstance(item, PreparedBill) else item for item in found]

    outcomes: Any = await decide_each(range(len(requests)), attempt, BUSY)
    return [*outcomes]


class _Lookup:
    """The catalogue for one list of bills: the same question is asked once."""

    def __init__(self, catalogue: PolicyPeer) -> None:
        self._catalogue = catalogue
        self._institutions: dict[tuple[str, date], Institution] = {}
        self._stacks: dict[StackRequest, tuple[StackChoice, tuple[PolicyName, ...]]] = {}
        self._diseases: dict[tuple[str, str, date], Disease | None] = {}

    async def institution(self, code: str, day: date) -> Institution:
        found = self._institutions.get((code, day))
        if found is None:
            found = self._institutions[code, day] = await self._catalogue.institution(code, day)
        return found

    async def stack(self, request: StackRequest) -> tuple[StackChoice, tuple[PolicyName, ...]]:
        """The stack, and its policies with their hashes."""
        found = self._stacks.get(request)
        if found is None:
            choice = await self._catalogue.stack(request)
            policies = tuple((policy.name, policy.content_hash) for policy in choice.stack.policies)
            found = self._stacks[request] = choice, policies
        return found

    async def kind(self, sent: KindOfCare, fixmedins_code: str, day: date, path: str) -> KindOfCare:
        """The kind of care as it counts where it is given on the day that it began."""
        return await national_kind(self._catalogue, sent, fixmedins_code, day, path)

    async def disease(self, admdvs: str, code: str, day: date) -> Disease | None:
        key = (admdvs, code, day)
        if key not in self._diseases:
            self._diseases[key] = (await self._catalogue.diseases(admdvs, day, [code])).get(code)
        return self._diseases[key]


def _query(request: BillRequest) -> CredentialQuery:
    bill = request.bill
    shown = bool(bill.mdtrt_cert_no)
    return CredentialQuery(
        fixmedins_code=bill.desk.fixmedins_code,
        day=beijing_day(request.now),
        mdtrt_cert_type=bill.mdtrt_cert_type if shown else "",
        mdtrt_cert_no=bill.mdtrt_cert_no,
        card_sn=bill.card_sn if shown else "",
        psn_no=bill.psn_no,
        psn_cert_type=bill.psn_cert_type,
        certno=bill.certno,
        insutype=bill.insutype,
        business_date=request.business_date,
        traceparent=request.traceparent,
    )


async def _prepared(
    request: BillRequest, encounter: BilledEncounter, insured: Insured, lookup: _Lookup
) -> PreparedBill | Exception:
    """The bill, or what befell it: one that cannot be prepared, even by a bug, must not fail its neighbours."""
    try:
        return await _prepare(request, encounter, insured, lookup)
    except Exception as error:  # noqa: BLE001  # it becomes the outcome of this bill
        return error


def _family_of(bill: Bill, insured: Insured, day: date) -> AccountKey | None:
    """The family account that may pay; FAMILY_ELSEWHERE where it alone was to pay and lies in another cell. Whoever chose the own
    account is not refused for it: it is left out.
    """
    link = family_link_on(insured, day) if bill.use_family else None
    if link is not None and link.owner_cell:
        if not bill.use_own:
            raise family_elsewhere()
        return None
    return None if link is None else AccountKey(link.owner_psn_no, link.owner_insutype)


async def _prepare(request: BillRequest, encounter: BilledEncounter, insured: Insured, lookup: _Lookup) -> PreparedBill:
    bill = request.bill
    if insured.person.psn_no != bill.psn_no:
        raise denied("EC_TOKEN_WRONG_PERSON" if bill.mdtrt_cert_type == EC else "CERTIFICATE_MISMATCH")
    day = beijing_day(request.now)
    enrolment = enrolment_on(insured, bill.insutype, day)
    institution = await lookup.institution(bill.desk.fixmedins_code, day)
    begin = beijing_day(from_micros(encounter.begin_at))
    end = None if encounter.end_at is None else beijing_day(from_micros(encounter.end_at))
    choice, policies = await lookup.stack(StackRequest(enrolment.insuplc_admdvs, bill.insutype, day, begin, end))
    leading = choice.stack.policies[0]
    disease = None
    if encounter.dise_codg:
        disease = await lookup.disease(enrolment.insuplc_admdvs, encounter.dise_codg, day)
    kind = KindOfCare(encounter.med_type, encounter.local_med_type)
    if request.carried is not None:
        check_setting(kind, "carried.med_type", stay=bill.kind == STAY)
    elif bill.kind == VISIT:
        sent = KindOfCare(bill.med_type, bill.local_med_type)
        kind = await lookup.kind(sent, bill.desk.fixmedins_code, begin, "data.med_type")
        check_setting(kind, "data.med_type", stay=False)
    texts = (bill.exp_content, encounter.exp_content)
    filing = request.filing
    if request.sought is not None:
        check_filing(filing, encounter.begin_at, "filing")
    filed = "" if filing is None else filing.remote_kind
    care = Care(kind.national, encounter.dise_codg, disease, exp_contents=texts, filed=filed)
    decided_on = policy_date(leading.version_on, SettleDates(day, begin, end), leading.name)
    year = benefit_year(choice.stack.benefit_year_start, day).label
    return PreparedBill(
        request=request,
        encounter=encounter,
        insured=insured,
        enrolment=enrolment,
        institution=institution,
        choice=choice,
        policies=policies,
        med_type=kind.national,
        day=day,
        facts=facts_of(insured, enrolment, institution, care, day, decided_on),
        key=LedgerKey(bill.psn_no, bill.insutype, enrolment.insuplc_admdvs, year),
        own=AccountKey(bill.psn_no, bill.insutype),
        family=_family_of(bill, insured, day),
        ec_token_digest=insured.ec_token_digest if bill.mdtrt_cert_no else encounter.ec_token_digest or "",
        local_med_type=kind.local,
    )
