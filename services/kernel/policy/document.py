"""The document model of `hsa.policy/1` as frozen dataclasses: amounts in fen, ratios as fractions, conditions as data.

A value of this model has passed `parse_policy`. Nothing here computes a benefit, and nothing here can hold an expression.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, Generic, TypeVar

FactValue = str | int | bool
T_co = TypeVar("T_co", covariant=True)
HELD_BY_LEDGER: Final = "ledger"
HELD_BY_BANK: Final = "bank"


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed range of a whole-number fact; None is an open end."""

    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Condition:
    """All parts must hold: each fact in its set, each number in one of its intervals. Empty means always."""

    sets: tuple[tuple[str, frozenset[FactValue]], ...] = ()
    ranges: tuple[tuple[str, tuple[Interval, ...]], ...] = ()

    def names(self) -> tuple[str, ...]:
        """The facts it reads."""
        return tuple(name for name, _ in self.sets) + tuple(name for name, _ in self.ranges)


@dataclass(frozen=True, slots=True)
class Row(Generic[T_co]):
    """One row of a unique-hit table."""

    when: Condition
    value: T_co


@dataclass(frozen=True, slots=True)
class Amount:
    """A plain sum."""

    fen: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """An index of the policy (the average wage) times a factor, rounded to a whole fen."""

    index: str
    times: Fraction


@dataclass(frozen=True, slots=True)
class Plus:
    """A base and a bonus for every unit of a fact, the bonus bounded."""

    base_fen: int
    per: str
    each_fen: int
    max_extra_fen: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """Deductibles by ordinal of admission; the last one repeats."""

    fen: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A deductible that falls with every admission, down to a floor."""

    first_fen: int
    minus_fen: int
    floor_fen: int


DeductibleValue = Amount | Indexed | Sequence | Step
CapValue = Amount | Indexed | Plus | None


@dataclass(frozen=True, slots=True)
class Deductible:
    """`mode` is per_visit, per_admission, annual or annual_threshold; `exempt` is a line flag and its value."""

    mode: str
    key: str | None
    count_key: str | None
    exempt: tuple[str, str] | None
    ladder: bool
    table: tuple[Row[DeductibleValue], ...]


@dataclass(frozen=True, slots=True)
class Band:
    """Up to this position (None: without end) this ratio."""

    upto_fen: int | None
    ratio: Fraction


@dataclass(frozen=True, slots=True)
class Tiers:
    """`position` is bill or annual, `origin` zero or deductible; `cumulative` takes differences of the year's total."""

    position: str
    key: str | None
    origin: str
    cumulative: bool
    table: tuple[Row[tuple[Band, ...]], ...]


@dataclass(frozen=True, slots=True)
class Transform:
    """A change of the table ratio: add, multiply or personal_share_times."""

    when: Condition
    op: str
    value: Fraction


@dataclass(frozen=True, slots=True)
class Cap:
    """`measure` is fund_paid or inscp; a row's None means no ceiling, but the key still counts."""

    measure: str
    key: str
    table: tuple[Row[CapValue], ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One payment from one fund. `over_cap_of` names the layer whose over-cap part is the base of this one."""

    id: str
    stage: int
    fund: str
    when: tuple[Condition, ...]
    base: str
    over_cap_of: str | None
    deductible: Deductible | None
    tiers: Tiers
    transforms: tuple[Transform, ...]
    caps: tuple[Cap, ...]


@dataclass(frozen=True, slots=True)
class RemoteRule:
    """What care outside the insured place changes: none, pre_selfpay, ratio_points or ratio_factor."""

    when: Condition
    method: str
    value: Fraction
    note: str


@dataclass(frozen=True, slots=True)
class RemoteLimit:
    """The largest reduction that a constraint file allows, in ratio points."""

    when: Condition
    max_reduction: Fraction


@dataclass(frozen=True, slots=True)
class Account:
    """`first_when` is set where the current year's account money goes before the deductible. `held` says who keeps the money of
    own accounts: the bureau's ledger (虚账户), or a bank (实账户).
    """

    scope: str
    order: tuple[str, ...]
    first_when: Condition | None
    held: str = HELD_BY_LEDGER


@dataclass(frozen=True, slots=True)
class Source:
    """A document that figures come from, with how it was seen and how sure that is."""

    id: str
    title: str
    number: str
    year: int
    mark: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Where a group of numbers comes from."""

    figure: str
    doc: str
    mark: str
    confidence: str
    note: str


@dataclass(frozen=True, slots=True)
class Accumulator:
    """A key of the ledger that this policy reads and writes; it may be a template such as `chronic2:{disease}`."""

    key: str
    meaning: str
    national_like: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of one policy."""

    id: str
    version: str
    title: str
    region: str
    insutype: str
    kind: str
    effective_from: date
    effective_to: date | None
    version_on: str
    benefit_year_start: str
    indices: tuple[tuple[str, int], ...]
    documents: tuple[Source, ...]
    remote: tuple[RemoteRule, ...]
    remote_limits: tuple[RemoteLimit, ...]
    account: Account | None
    layers: tuple[Layer, ...]
    partial: frozenset[str]
    accumulators: tuple[Accumulator, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """`id@version`."""
        return f"{self.id}@{self.version}"
