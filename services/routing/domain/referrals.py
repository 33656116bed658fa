"""Referrals as they are shown to institutions: what was filed, and the person as the insured cell knows him. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.kernel.clock import days_meet
from services.kernel.codes import pooling_area
from services.routing.domain.filing_terms import FilingKind
from services.routing.domain.filings import Filing
from services.routing.domain.registry import Place


@dataclass(frozen=True, slots=True)
class Named:
    """A person as the insured cell knows him."""

    psn_cert_type: str
    certno: str
    psn_name: str
    gend: str
    brdy: date
    emp_name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A referral with its person; `elsewhere` where the place of care is another pooling area than the insured place."""

    filing: Filing
    named: Named
    insutype: str
    insured_admdvs: str
    elsewhere: bool


def meant(filings: Iterable[Filing], fixmedins_code: str, first: date, last: date | None) -> list[Filing]:
    """Referrals that stand, made by an institution or to it, and hold on a day of the time asked.

    Those of other institutions are nobody's business here (our decision).
    """
    return [
        each
        for each in filings
        if each.kind is FilingKind.REFERRAL
        and each.withdrawn_at is None
        and fixmedins_code in (each.fixmedins_code, each.detail.get("reflin_medins_no"))
        and days_meet(each.from_day, each.to_day, first, last)
    ]


def shown(filing: Filing, named: Named, place: Place) -> Shown:
    """A referral with its person, whose insured place is that of today."""
    elsewhere = pooling_area(filing.care_admdvs) != pooling_area(place.admdvs)
    return Shown(filing, named, filing.detail.get("insutype") or place.insutype, place.admdvs, elsewhere)
