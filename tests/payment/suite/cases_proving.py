"""Cases of what proves who speaks, of amounts that differ, of clocks, and of the day's bill."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.kernel.clock import BEIJING
from services.payment.domain.charges import BillKind
from services.payment.domain.orders import RefundKind
from services.payment.domain.phases import Phase
from services.payment.domain.steps import AMOUNT_DIFFERS
from tests.payment.suite.cases import Need, case, paid, person_pays, placed
from tests.payment.suite.party import CODE
from tests.payment.suite.shop import CASH, Shop


@case(Need.REMOTE, Need.DIFFERS)
async def another_amount_than_was_ordered_is_left_to_people(shop: Shop) -> None:
    await shop.tried(9_116)
    await shop.pay()
    await person_pays(shop)
    order = await shop.at_rest()
    assert (order.phase, order.reason) == (Phase.HELD, AMOUNT_DIFFERS)
    assert "stands" not in shop.settlement.states.values()


@case(Need.REMOTE)
async def a_key_that_changes_in_mid_order_is_believed_once_it_is_known(shop: Shop) -> None:
    assert shop.account is not None
    await shop.tried()
    if shop.form != CODE:
        assert await shop.pay() == ""
    knows = await shop.party.turns_keys(shop.account)
    if shop.form == CODE:
        await shop.pay()
    else:
        await shop.person_pays()
        for delivery in await shop.stage.notified():
            assert (await shop.hears(delivery))[0] == "NOTIFY_FORGED"
    await shop.passes(30)
    shop.begin(knows)
    await shop.ended(Phase.PAID)


@case(Need.REMOTE)
async def who_signs_with_a_key_that_is_not_known_there_is_charged_nothing(shop: Shop) -> None:
    assert shop.account is not None
    own = shop.account
    shop.begin(replace(own, **shop.party.strangers()))  # type: ignore[arg-type]  # names of an account
    await shop.tried()
    assert await shop.pay() != ""
    shop.begin(own)
    await shop.at_rest(960)
    assert (await shop.now()).phase is Phase.FAILED
    await shop.agree()


@case(Need.REMOTE, Need.TLS)
async def an_expired_certificate_of_the_provider_is_told_nothing(shop: Shop) -> None:
    assert shop.account is not None
    async with shop.stage.expired_door(_expired(shop.stage.folder)) as url:
        shop.begin(replace(shop.account, address=url))
        await shop.tried()
        assert await shop.pay() != ""
        await shop.ended(Phase.FAILED, 0)


@case(Need.REMOTE, Need.CERTIFICATE)
async def an_expired_certificate_of_the_platform_proves_nothing(shop: Shop) -> None:
    assert shop.account is not None
    ended = {number: _of_other_end(text, days=-1) for number, text in shop.account.provider_keys.items()}
    await shop.tried()
    good = shop.account
    shop.begin(replace(good, provider_keys=ended))
    await shop.pay()
    assert (await shop.now()).phase not in (Phase.PAID, Phase.CHARGED)
    shop.begin(good)
    await person_pays_if(shop)
    order = await shop.at_rest()
    assert order.phase in (Phase.PAID, Phase.FAILED)
    await shop.agree()


@case()
async def a_clock_ninety_seconds_ahead_changes_nothing(shop: Shop) -> None:
    shop.begin(off_s=90)
    await paid(shop)


@case()
async def a_clock_ninety_seconds_behind_changes_nothing(shop: Shop) -> None:
    shop.begin(off_s=-90)
    await paid(shop)
    assert await shop.refund(RefundKind.ALL, CASH) in ("", "OUTCOME_UNKNOWN")
    await shop.ended(Phase.PAID)


@case(Need.REMOTE, Need.PERSON, Need.NOTIFIES)
async def a_clock_ninety_seconds_off_hears_notifies(shop: Shop) -> None:
    await placed(shop)
    await shop.person_pays()
    delivery = (await shop.stage.notified())[0]
    for off_s in (90.0, -90.0):
        shop.begin(off_s=off_s)
        assert (await shop.hears(delivery))[0] == ""
    shop.begin()
    await shop.ended(Phase.PAID)


@case(Need.REMOTE)
async def the_days_bill_tells_what_was_charged_and_given_back(shop: Shop) -> None:
    order = await paid(shop)
    assert await shop.refund(RefundKind.CASH, 1_000) in ("", "OUTCOME_UNKNOWN")
    await shop.ended(Phase.PAID)
    refund = (await shop.books.refunds(order.pay_ord_id))[0]
    day = shop.clock().astimezone(BEIJING).date()
    shop.stage.next_day()
    charge = await shop.charge()
    merchant = shop.merchant_of(charge)
    found = {
        each.number: (each.kind, each.amount_fen)
        for each in await shop.channel.bill(merchant, day)
        if each.number in (charge.charge_no, refund.refund_no)
    }
    assert found == {charge.charge_no: (BillKind.CHARGE, CASH), refund.refund_no: (BillKind.REFUND, 1_000)}


async def person_pays_if(shop: Shop) -> None:
    """The person pays where the order came to the channel at all."""
    if shop.form != CODE and await shop.party.known((await shop.now()).charge_no):
        await shop.person_pays()


def _certificate(key: ec.EllipticCurvePrivateKey, public: object, begins: datetime, ends: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a provider")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public)  # type: ignore[arg-type]
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
    return builder.sign(key, hashes.SHA256())


def _expired(folder: Path) -> ssl.SSLContext:
    """A server whose certificate ended yesterday."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    made = _certificate(key, key.public_key(), now - timedelta(days=9), now - timedelta(days=1))
    file = folder / "expired.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _of_other_end(public_pem: str, days: int) -> str:
    """A certificate over a public key that ends so many days from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    public = serialization.load_pem_public_key(public_pem.encode())
    made = _certificate(key, public, now - timedelta(days=9), now + timedelta(days=days))
    return made.public_bytes(serialization.Encoding.PEM).decode()
