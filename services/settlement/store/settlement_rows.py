"""How rows keep settlements: the columns, and as text what a row keeps as text: regions, policies, fee batches, the basis."""

from __future__ import annotations

import json
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from services.kernel.requests import Regions
from services.runtime.db import as_json
from services.settlement.domain.benefits.outcome import MONEY_FIELDS
from services.settlement.domain.books.basis import Basis, Purses
from services.settlement.domain.books.entries import NewSettlement, PolicyName
from services.settlement.domain.books.ledger import AccountKey, LedgerKey
from services.settlement.domain.care.lines import BillTotals

SETTLEMENT_COLUMNS: Final = (
    *("setl_id", "scope", "request_id", "rpc", "content_hash", "response", "kind", "state", "reverses", "mdtrt_id"),
    *("psn_no", "insutype", "insuplc_admdvs", "benefit_year", "ledger_seq", "med_type", "setl_at", "ec_token_digest"),
    *("msgid", "opter", "opter_name", "invono", "policies_json", "fee_batches_json", "record", "preselfpay_in_base"),
    *MONEY_FIELDS,
    *("pool_prop_selfpay_e4", "hash_version", "regions", "insured_cell", "basis", "replays"),
)

_COMPONENTS: Final = attrgetter(*MONEY_FIELDS, "pool_prop_selfpay_e4")


def settlement_row(new: NewSettlement) -> tuple[Any, ...]:
    """A row in the order of SETTLEMENT_COLUMNS."""
    heading, components, response, record = new
    stamp = heading.stamp
    return (
        heading.setl_id,
        stamp.scope,
        stamp.request_id,
        stamp.rpc,
        stamp.content_hash,
        response,
        heading.kind,
        heading.state,
        heading.reverses,
        heading.mdtrt_id,
        *heading.key,
        heading.ledger_seq,
        heading.med_type,
        heading.setl_at,
        heading.ec_token_digest,
        heading.msgid,
        heading.opter,
        heading.opter_name,
        heading.invono,
        policies_text(heading.policies),
        as_json(heading.fee_batches),
        record,
        1 if heading.preselfpay_in_base else 0,
        *_COMPONENTS(components),
        stamp.hash_version,
        regions_text(stamp.regions),
        heading.insured_cell,
        "" if heading.basis is None else basis_text(heading.basis),
        heading.replays,
    )


@lru_cache(maxsize=256)
def policies_text(policies: tuple[PolicyName, ...]) -> str:
    """Policies as a row keeps them; the bills of a batch have few different ones."""
    return json.dumps(policies)


def policies_from(text: str) -> tuple[PolicyName, ...]:
    """Policies of a row."""
    return tuple((name, content_hash) for name, content_hash in json.loads(text))


def regions_text(regions: Regions) -> str:
    """Regions as a row keeps them."""
    return "/".join(regions)


def regions_from(text: str) -> Regions:
    """Regions of a row; a row that was kept before regions were tells none."""
    insured_place, _, place_of_care = text.partition("/")
    return Regions(insured_place, place_of_care)


def basis_text(basis: Basis) -> str:
    """A basis as a row keeps it."""
    totals, purses = basis.totals, basis.purses
    sums = (
        totals.medfee_fen,
        totals.fulamt_ownpay_fen,
        totals.overlmt_fen,
        totals.preselfpay_fen,
        totals.inscp_fen,
    )
    kept = [
        [*sums, totals.hosp_part_fen],
        dict(totals.exempt_inscp_by_tag),
        dict(basis.facts),
        [purses.use_own, purses.use_family, purses.family, purses.bank_fen, basis.stay],
    ]
    return as_json(kept)


def basis_from(text: str, key: LedgerKey) -> Basis | None:
    """The basis that a row of a ledger keeps; None where it keeps none."""
    if not text:
        return None
    kept: list[Any] = json.loads(text)
    sums, exempt, facts, (use_own, use_family, family, bank_fen, stay) = kept
    own = AccountKey(key.psn_no, key.insutype)
    purses = Purses(own, None if family is None else AccountKey(*family), use_own, use_family, bank_fen)
    medfee, fulamt, over, presel, inscp, hosp_part = sums
    return Basis(BillTotals(medfee, fulamt, over, presel, inscp, exempt, hosp_part), facts, purses, stay)
