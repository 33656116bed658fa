"""The person behind a credential: verified by identity, refused where the ecToken was spent, told with balances (1101)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.kernel.errors import precondition
from services.kernel.persons import name_mismatch, same_name
from services.settlement.domain.books.entries import Wanted
from services.settlement.domain.books.ledger import AccountKey
from services.settlement.domain.care.insured import CredentialQuery, Insured
from services.settlement.operations.care.ports import IdentityPeer
from services.settlement.store.batch_books import BatchBooks


@dataclass(frozen=True, slots=True)
class InsuredInfo:
    """A person with the balances of the accounts that were ever opened, in fen by insurance type."""

    insured: Insured
    balances_fen: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Persons:
    """Asks who somebody is."""

    identity: IdentityPeer
    books: BatchBooks

    async def shown(self, credential: CredentialQuery) -> Insured:
        """Whose the credential is; raises the refusals of Verify, and EC_TOKEN_SPENT."""
        insured = await self.asked(credential)
        digest = insured.ec_token_digest
        if digest:
            async with self.books.reading() as snapshot:
                books = await snapshot.load(Wanted(digests=(digest,)))
            if digest in books.spent:
                raise precondition("EC_TOKEN_SPENT")
        return insured

    async def asked(self, query: CredentialQuery) -> Insured:
        """The person asked about; raises the refusals of Verify."""
        return await self.identity.verify(query)

    async def info(self, credential: CredentialQuery, psn_name: str = "") -> InsuredInfo:
        """The person behind the credential with the balances of the accounts; NAME_MISMATCH where a name says otherwise.

        A name that was not sent is not compared.
        """
        insured = await self.shown(credential)
        if psn_name and not same_name(psn_name, insured.person.psn_name):
            raise name_mismatch(f"{credential.node}.psn_name")
        psn_no = insured.person.psn_no
        keys = tuple(dict.fromkeys(AccountKey(psn_no, entry.insutype) for entry in insured.enrolments))
        async with self.books.reading() as snapshot:
            books = await snapshot.load(Wanted(accounts=keys))
        return InsuredInfo(insured, {key.insutype: head.balance_fen for key, head in books.accounts.items()})
