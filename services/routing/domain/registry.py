"""Who is insured where, as cells tell it, and how far each cell's feed has been read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.routing.domain.hashes import Hasher


@dataclass(frozen=True, slots=True)
class Place:
    """An insured place under an insurance type, from a day to a day; `in_force` unless suspended or ended."""

    insutype: str
    admdvs: str
    from_day: date
    to_day: date | None
    in_force: bool


@dataclass(frozen=True, slots=True)
class ToldPerson:
    """A person as a cell's feed tells it."""

    psn_no: str
    psn_cert_type: str
    certno: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a cell's feed; `whole` where nothing follows it."""

    told: tuple[ToldPerson, ...]
    next_seq: int
    last_seq: int
    acked_seq: int

    @property
    def whole(self) -> bool:
        """True at the end of the feed."""
        return self.next_seq >= self.last_seq


@dataclass(frozen=True, slots=True)
class Insured:
    """What routing keeps of a person in a cell."""

    psn_hash: str
    cell: str
    cert_hash: str
    psn_cert_type: str
    places: tuple[Place, ...]
    key_id: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a cell's feed has been read under the key of that name; `complete` once its end was reached."""

    cell: str
    key_id: str
    seq: int
    complete: bool


def beginning(cell: str, standing: Cursor | None, key_id: str) -> Cursor:
    """Where to read: behind what stands, or from the start where nothing does or the key is another one."""
    if standing is None or standing.key_id != key_id:
        return Cursor(cell, key_id, 0, complete=False)
    return standing


def went_back(cursor: Cursor, page: Page) -> Cursor | None:
    """Where to read again: the cell has less of what routing acknowledged than routing has, so its store is an older one,
    or an acknowledgement was lost. None where all is well.
    """
    return replace(cursor, seq=page.acked_seq) if page.acked_seq < cursor.seq else None


def moved(cursor: Cursor, page: Page) -> Cursor:
    """The cursor behind a page."""
    return replace(cursor, seq=page.next_seq, complete=cursor.complete or page.whole)


def kept(cell: str, told: Sequence[ToldPerson], hasher: Hasher) -> list[Insured]:
    """What is kept of the persons of a page."""
    return [
        Insured(
            hasher.person(each.psn_no),
            cell,
            hasher.certificate(each.certno),
            each.psn_cert_type,
            each.places,
            hasher.key_id,
        )
        for each in told
    ]
