"""The facts that policies read and the values each may have: the enumerations over which tables are proved.

A fact is an enumeration, a whole number, or open (`disease`: the three names that tables use, and any code as a key).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.kernel.policy.document import FactValue

CODE = re.compile(r"[A-Za-z0-9_.-]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FactDomain:
    """`values` of an enumeration; or `low` and `high` of a whole number; `open` admits other codes beside `values`.

    `beside` are values that a table need not know: it is complete without them, and covers them where its rows name them.
    """

    values: tuple[FactValue, ...] = ()
    low: int = 0
    high: int = 0
    open: bool = False
    beside: tuple[FactValue, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether it is a whole number with bounds."""
        return not self.values


def _choice(*values: FactValue) -> FactDomain:
    return FactDomain(values=values)


EMPLOYEE_STATUS = ("active", "retired")
RESIDENT_STATUS = ("resident", "student_child")

FACTS: Mapping[str, FactDomain] = {
    # A pharmacy has no level (our decision: `none`).
    "hosp_lv": FactDomain(values=("community", "1", "2", "3"), beside=("none",)),
    "status": _choice(*EMPLOYEE_STATUS, *RESIDENT_STATUS),
    "identity": _choice("normal", "dibao", "tekun", "dibian", "zhichu", "fanpin"),
    "med_type": _choice(
        "outpatient",
        "pharmacy",
        "outpatient_chronic",
        "inpatient",
        "day_surgery",
        "emergency_obs",
        "maternity_inpatient",
        "family_bed",
    ),
    "remote": _choice("local", "filed_long_term", "transfer", "emergency", "temporary"),
    "age": FactDomain(low=0, high=150),
    "months_insured": FactDomain(low=0, high=1800),
    "cii_bonus_units": FactDomain(low=0, high=1000),
    "cvlserv": _choice("0", "1"),
    "cvl_rank": _choice("section", "county", "department"),
    "ent_flag": _choice("0", "1"),
    "contracted": _choice(False, True),
    "ma_category": _choice("none", "ordinary", "major"),
    "disease": FactDomain(values=("none", "psychiatric", "cancer_chemo"), open=True),
    "chronic_class": _choice("none", "I", "II"),
    "same_stay": _choice(False, True),
}


def domain_values(name: str, insutype: str) -> tuple[FactValue, ...]:
    """The values over which a table of this insurance type must be complete; empty for a whole number."""
    if name == "status" and insutype == "310":
        return EMPLOYEE_STATUS
    if name == "status" and insutype == "390":
        return RESIDENT_STATUS
    return FACTS[name].values


def admits(name: str, value: object) -> bool:
    """Whether a known fact may have this value; the type counts (True is not 1)."""
    domain = FACTS[name]
    if domain.numeric:
        return type(value) is int and domain.low <= value <= domain.high
    if domain.open:
        return isinstance(value, str) and CODE.fullmatch(value) is not None
    return type(value) is type(domain.values[0]) and value in (*domain.values, *domain.beside)
