"""What a publication does to the catalogue as it stands: which records are new, which end an open one, which change nothing.

Records are never changed. The one thing that may happen to a standing record is that its open end is closed: the same
record again, from the same day, with a last day where it had none (our decision). It knows neither store nor caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.catalogue.domain.checking import CODE_RULE
from services.catalogue.domain.policies import is_constraint
from services.catalogue.domain.records import (
    Disease,
    Division,
    Institution,
    Key,
    LocalMedType,
    PolicyStack,
    PolicyVersion,
    PriceCeiling,
    Record,
    SelfpayRatio,
    key_of,
    meets,
)
from services.kernel.errors import Fault, FaultKind, Violation
from services.kernel.requests import RequestStamp

MAX_WARNINGS = 200


@dataclass(frozen=True, slots=True)
class Publication:
    """The row of an accepted request: who asked under which id, with what content, and what was answered."""

    scope: str
    request_id: str
    content_hash: str
    head: str
    response: bytes
    published_at: datetime

    @property
    def voided(self) -> bool:
        """No publication can be taken back before it came."""
        return False

    def is_of(self, stamp: RequestStamp) -> bool:
        """Whether this same request left it."""
        return stamp.repeats(self.content_hash)


@dataclass(frozen=True, slots=True)
class PlacedRecord:
    """A record and where it stands in the request, `records[3].item`."""

    path: str
    record: Record


@dataclass(frozen=True, slots=True)
class HeldRecords:
    """What the catalogue holds of what a request speaks of: records by kind and key, kinds of policies by id, divisions."""

    records: Mapping[tuple[str, Key], Sequence[Record]]
    policy_kinds: Mapping[str, str]
    divisions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, in the order of the request."""

    inserts: tuple[Record, ...]
    closings: tuple[Record, ...]
    unchanged_count: int

    @property
    def published(self) -> tuple[Record, ...]:
        """Everything that changes the catalogue."""
        return (*self.inserts, *self.closings)


def refuse_malformed(violations: Sequence[Violation], policies: Sequence[str] = ()) -> None:
    """Raises INVALID for records that are not well formed: CODE_INVALID where a code is, else POLICY_INVALID where a policy
    is, else INVALID_REQUEST; always with every violation."""
    if not violations:
        return
    reason, metadata = "INVALID_REQUEST", {"violation_count": str(len(violations))}
    if any(each.rule.startswith(CODE_RULE) for each in violations):
        reason = "CODE_INVALID"
    elif policies:
        reason, metadata["policy"] = "POLICY_INVALID", ",".join(dict.fromkeys(policies))[:200]
    raise Fault(FaultKind.INVALID, reason, metadata, violations=violations)


def decide(entries: Sequence[PlacedRecord], standing: HeldRecords) -> Decision:
    """Takes the records one after the other, each against what stands and what came before it in the request.

    Raises, with a violation for each record: CONFLICT RECORD_OVERLAPS, CONFLICT POLICY_VERSION_EXISTS, PRECONDITION
    STACK_POLICY_UNKNOWN (a policy that is not published, or that only constrains others).
    """
    held = {key: list(records) for key, records in standing.records.items()}
    inserts: list[Record] = []
    closings: list[Record] = []
    unchanged = 0
    overlaps: list[Violation] = []
    versions: list[Violation] = []
    for entry in entries:
        record = entry.record
        rows = held.setdefault((record.KIND, key_of(record)), [])
        if _same(record, rows):
            unchanged += 1
        elif isinstance(record, PolicyVersion):
            if rows:
                named = f"{record.policy_id}@{record.version}"
                told = f"{named} stands with other content"
                versions.append(Violation(entry.path, "policy.version", told, {"policy": named}))
            else:
                rows.append(record)
                inserts.append(record)
        elif (open_row := _closes(record, rows)) is not None:
            rows[open_row] = record
            closings.append(record)
        elif other := next((row for row in rows if _overlap(record, row)), None):
            overlaps.append(_overlapping(entry.path, other))
        else:
            rows.append(record)
            inserts.append(record)
    _refuse(overlaps, versions, list(_unknown_policies(entries, standing.policy_kinds)))
    return Decision(tuple(inserts), tuple(closings), unchanged)


def stack_ids(entries: Iterable[PlacedRecord]) -> list[str]:
    """Every policy that a stack of the request names."""
    return sorted({name for each in entries if isinstance(each.record, PolicyStack) for name in each.record.policy_ids})


def regions_named(entries: Iterable[PlacedRecord]) -> list[str]:
    """Every division that a record of the request speaks of without publishing it."""
    named: set[str] = set()
    for entry in entries:
        match entry.record:
            case PriceCeiling() | SelfpayRatio() | Disease() | Institution() | LocalMedType() | PolicyStack():
                named.add(entry.record.admdvs)
            case Division():
                named.add(entry.record.parent_admdvs)
    return sorted(named - {"", "000000"})


def unknown_divisions(entries: Sequence[PlacedRecord], known: frozenset[str]) -> list[str]:
    """Warnings about divisions that nobody published."""
    published = {each.record.admdvs for each in entries if isinstance(each.record, Division)}
    return [
        f"division {code} is not in the catalogue" for code in regions_named(entries) if code not in known | published
    ]


def _same(record: Record, rows: Sequence[Record]) -> bool:
    if isinstance(record, PolicyVersion):
        return any(isinstance(row, PolicyVersion) and row.policy_hash == record.policy_hash for row in rows)
    return record in rows


def _closes(record: Record, rows: Sequence[Record]) -> int | None:
    """The place of the open record that this one ends, everything else being equal."""
    if record.to_day is None:
        return None
    still_open = replace(record, to_day=None)
    return next((place for place, row in enumerate(rows) if row == still_open), None)


def _overlap(record: Record, row: Record) -> bool:
    if record.to_day is None:
        return row.to_day is None or record.from_day <= row.to_day
    return meets(row, record.from_day, record.to_day)


def _overlapping(path: str, other: Record) -> Violation:
    first, last = _record_days(other)
    told = f"{first} to {last or 'further notice'} stands with other content"
    return Violation(path, "overlap", told, {"first": first, "last": last})


def _record_days(record: Record) -> tuple[str, str]:
    return record.from_day.isoformat(), record.to_day.isoformat() if record.to_day else ""


def _unknown_policies(entries: Sequence[PlacedRecord], policy_kinds: Mapping[str, str]) -> Iterator[Violation]:
    kinds = dict(policy_kinds)
    for entry in entries:
        if isinstance(entry.record, PolicyVersion):
            kinds.setdefault(entry.record.policy_id, entry.record.kind)
            if is_constraint(entry.record):
                kinds[entry.record.policy_id] = entry.record.kind
    for entry in entries:
        if not isinstance(entry.record, PolicyStack):
            continue
        for place, policy_id in enumerate(entry.record.policy_ids):
            path = f"{entry.path}.policy_ids[{place}]"
            if policy_id not in kinds:
                yield Violation(path, "policy.unknown", f"{policy_id} is not published", {"policy": policy_id})
            elif kinds[policy_id] == "constraint":
                yield Violation(
                    path,
                    "policy.constraint",
                    f"{policy_id} limits other policies and pays nothing",
                    {"policy": policy_id},
                )


def _refuse(overlaps: list[Violation], versions: list[Violation], unknown: list[Violation]) -> None:
    found = [*overlaps, *versions, *unknown]
    if not found:
        return
    kind, reason = FaultKind.CONFLICT, "RECORD_OVERLAPS"
    if not overlaps:
        reason = "POLICY_VERSION_EXISTS"
        if not versions:
            kind, reason = FaultKind.PRECONDITION, "STACK_POLICY_UNKNOWN"
    metadata = {"path": found[0].path, "violation_count": str(len(found))}
    raise Fault(kind, reason, metadata, violations=found)
