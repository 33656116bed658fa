"""Rows of grants, of what persons hide, and of the feed of ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from services.identity.domain.consent import End, Grant, Hidden, Kind, Purpose, Review, Scope
from services.identity.store.statements import Statements
from services.runtime.db import DriverConnection, advisory_lock, sql

_COLUMNS: Final = (
    "grant_no, psn_no, kind, purpose, reader_code, from_at, to_at, made_at, made_by, dr_codg, modalities, study_uid, reason,"
    " revoked_at, review_due_at, justified, reviewed_at, reviewed_by, review_memo"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM consent_grant"
_MOST: Final = 1000
_NUMBERED: Final = sql("SELECT psn_no FROM person WHERE psn_no = ?1")
_CERTIFIED: Final = sql("SELECT psn_no FROM person WHERE psn_cert_type = ?1 AND certno = ?2")
_OPEN: Final = sql(
    f"{_SELECT} WHERE psn_no = ?1 AND revoked_at IS NULL AND to_at > ?2 ORDER BY grant_no DESC LIMIT {_MOST}"
)
_NUMBERS: Final = sql(
    "SELECT grant_no FROM consent_grant WHERE psn_no = ?1 AND revoked_at IS NULL AND to_at > ?2"
    f" AND purpose <> '{Purpose.SELF.value}' ORDER BY grant_no DESC"
)
_AMONG: Final = sql(f"{_SELECT} WHERE AMONG(grant_no, ?1)")
_HOLD: Final = sql(f"{_SELECT} WHERE grant_no = ?1 FOR UPDATE")
_PAGE: Final = sql(f"{_SELECT} WHERE psn_no = ?1 AND grant_no < ?2 ORDER BY grant_no DESC LIMIT ?3")
_AFTER: Final = (
    "(review_due_at > ?1 OR (review_due_at = ?1 AND grant_no > ?2)) ORDER BY review_due_at, grant_no LIMIT ?3"
)
_UNREVIEWED: Final = sql(f"{_SELECT} WHERE reviewed_at IS NULL AND {_AFTER}")
_REVIEWS: Final = sql(f"{_SELECT} WHERE {_AFTER}")
_REVOKE: Final = sql("UPDATE consent_grant SET revoked_at = ?2 WHERE grant_no = ?1")
_REVIEW: Final = sql(
    "UPDATE consent_grant SET justified = ?2, reviewed_at = ?3, reviewed_by = ?4, review_memo = ?5 WHERE grant_no = ?1"
)
_HIDDEN: Final = sql(
    "SELECT hidden_no, psn_no, study_uid, fixmedins_code, hidden_at FROM consent_hidden WHERE AMONG(psn_no, ?1)"
    " ORDER BY hidden_no"
)
_SHOW: Final = sql("DELETE FROM consent_hidden WHERE hidden_no = ?1 AND psn_no = ?2")
_LAST: Final = sql("SELECT COALESCE(MAX(seq), 0) FROM consent_end")
_ENDS: Final = sql(
    "SELECT seq, grant_no, study_uid, fixmedins_code, ended_at, shown FROM consent_end WHERE seq > ?1 ORDER BY seq LIMIT ?2"
)
# The last entry stays: places are counted from it.
_FORGET: Final = sql("DELETE FROM consent_end WHERE ended_at < ?1 AND seq < ?2")


class ConsentRows:
    """Consent, in one transaction."""

    def __init__(self, connection: DriverConnection, statements: Statements) -> None:
        self._connection = connection
        self._inserts = statements.inserts

    async def hold_person(self, psn_no: str) -> None:
        """Keeps other writers away from the person's consent until the transaction ends."""
        await advisory_lock(self._connection, [f"consent:{psn_no}"])

    async def person(self, psn_no: str, psn_cert_type: str = "", certno: str = "") -> str:
        """Number of the person with that number or, where it is empty, that certificate; "" where there is none."""
        asked = (_NUMBERED, psn_no) if psn_no else (_CERTIFIED, psn_cert_type, certno)
        rows = await self._connection.run(*asked)
        return str(rows[0][0]) if rows else ""

    async def open_of(self, psn_no: str, now: int) -> list[Grant]:
        """Grants of a person that have not ended; of very many the latest."""
        return [_grant(row) for row in await self._connection.run(_OPEN, psn_no, now)]

    async def numbers_of_others(self, psn_no: str, now: int) -> list[str]:
        """Numbers of all grants of a person that have not ended, less those of the own sight."""
        return [str(number) for (number,) in await self._connection.run(_NUMBERS, psn_no, now)]

    async def among(self, grant_nos: Collection[str]) -> dict[str, Grant]:
        """Grants by number."""
        return {row[0]: _grant(row) for row in await self._connection.run(_AMONG, list(grant_nos))}

    async def hold(self, grant_no: str) -> Grant | None:
        """One, held against other writers until the transaction ends."""
        rows = await self._connection.run(_HOLD, grant_no)
        return _grant(rows[0]) if rows else None

    async def page(self, psn_no: str, before: str, size: int) -> list[Grant]:
        """A person's grants below a number, the newest first."""
        return [_grant(row) for row in await self._connection.run(_PAGE, psn_no, before, size)]

    async def reviews(self, after: tuple[int, str], size: int, *, reviewed: bool) -> list[Grant]:
        """Emergencies behind a moment and number, by when their review is due; those that are reviewed where that is asked."""
        return [_grant(row) for row in await self._connection.run(_REVIEWS if reviewed else _UNREVIEWED, *after, size)]

    async def add(self, grant: Grant) -> None:
        """A new one."""
        review = grant.review
        await self._insert(
            "consent_grant",
            (
                grant.grant_no, grant.psn_no, grant.kind.value, grant.purpose.value, grant.reader_code, grant.from_at,
                grant.to_at, grant.made_at, grant.made_by, grant.dr_codg, ",".join(grant.scope.modalities),
                grant.scope.study_uid, grant.reason, grant.revoked_at or None, review.due if review else None,
                bool(review and review.justified), (review.at or None) if review else None,
                review.by if review else "", review.memo if review else "",
            ),
        )  # fmt: skip

    async def revoke(self, grant_no: str, at: int) -> None:
        """Ends one."""
        await self._connection.run(_REVOKE, grant_no, at)

    async def review(self, grant_no: str, found: Review) -> None:
        """What the review of an emergency found."""
        await self._connection.run(_REVIEW, grant_no, found.justified, found.at, found.by, found.memo)

    async def hidden(self, psn_nos: Collection[str]) -> list[Hidden]:
        """What persons hide, in the order in which they hid it."""
        return [Hidden(*row) for row in await self._connection.run(_HIDDEN, list(psn_nos))]

    async def hide(self, hidden: Hidden) -> None:
        """A new entry."""
        row = (hidden.hidden_no, hidden.psn_no, hidden.study_uid, hidden.fixmedins_code, hidden.hidden_at)
        await self._insert("consent_hidden", row)

    async def show(self, hidden_no: str, psn_no: str) -> None:
        """Takes an entry away."""
        await self._connection.run(_SHOW, hidden_no, psn_no)

    async def tell(
        self,
        grant_nos: Sequence[str],
        study_uid: str,
        fixmedins_code: str,
        at: int,
        forget: int,
        *,
        shown: bool = False,
    ) -> None:
        """Puts grants at the end of the feed, and takes entries away that are older than `forget`. To be called last in a
        transaction: places are given under a lock that is held until it ends, so that whoever reads a place has seen all before.
        """
        if not grant_nos:
            return
        await advisory_lock(self._connection, ["consent_end"])
        last = await self.last()
        rows = [(last + place, each, study_uid, fixmedins_code, at, shown) for place, each in enumerate(grant_nos, 1)]
        await self._insert("consent_end", *rows)
        await self._connection.run(_FORGET, forget, rows[-1][0])

    async def last(self) -> int:
        """The feed's last place; 0 for an empty one."""
        ((last,),) = await self._connection.run(_LAST)
        return int(last)

    async def ends(self, after: int, limit: int) -> list[End]:
        """Entries of the feed behind a place."""
        rows = await self._connection.run(_ENDS, after, limit)
        return [End(seq, number, study, code, at, bool(shown)) for seq, number, study, code, at, shown in rows]

    async def _insert(self, table: str, *rows: Sequence[Any]) -> None:
        await self._connection.insert(self._inserts[table][self._connection.dialect], rows)


def _grant(row: Sequence[Any]) -> Grant:
    (
        number,
        psn_no,
        kind,
        purpose,
        reader,
        from_at,
        to_at,
        made_at,
        made_by,
        doctor,
        modalities,
        study,
        reason,
        *rest,
    ) = row
    revoked_at, due, justified, reviewed_at, by, memo = rest
    return Grant(
        number,
        psn_no,
        Kind(kind),
        Purpose(purpose),
        reader,
        from_at,
        to_at,
        made_at,
        made_by,
        doctor,
        Scope(tuple(modalities.split(",")) if modalities else (), study),
        reason,
        revoked_at or 0,
        None if due is None else Review(due, bool(justified), reviewed_at or 0, by, memo),
    )
