"""Reads the file of merchants: contracts of institutions with channels, and what is closed where.

    accounts:
      - channel: wechat
        fixmedins_code: H11010000001
        merchant_no: "1900000001"
        address: https://api.mch.weixin.qq.com
        private_key_file: keys/merchant.pem
        provider_keys: {PUB_KEY_ID_01: keys/wechat.pem}
    closed:
      - {area: "3701", order_type: DISCHARGE, from_day: "2026-01-01"}

Files of keys stand beside it. Each name is known, each value is text; whatever is not is told with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from services.kernel.errors import Violation, Violations
from services.payment.domain.accounts import CHANNELS, Account
from services.payment.domain.terms import OrderType, Switch
from services.runtime.documents.faults import document_invalid
from services.runtime.documents.files import read_document

_ACCOUNT: Final = ("channel", "fixmedins_code", "merchant_no", "address")
_MAY: Final = (
    *("fixmedins_name", "sub_merchant_no", "app_no", "city_no", "notify_address", "files_address", "serial_no"),
    *("private_key_file", "provider_keys", "secret_file"),
)
_CLOSED: Final = ("area", "from_day")
_CLOSED_MAY: Final = ("to_day", "order_type", "channel")


@dataclass(frozen=True, slots=True)
class Merchants:
    """What the file says."""

    accounts: tuple[Account, ...] = ()
    closed: tuple[Switch, ...] = ()


def read_merchants(path: Path) -> Merchants:
    """The file; DOCUMENT_INVALID names what cannot be read, a file of keys too."""
    document, broken = read_document(path), Violations()
    whole = document if isinstance(document, dict) else {}
    for name in sorted(set(whole) - {"accounts", "closed"}):
        broken.add(_unknown(str(name), ("accounts", "closed")))
    accounts = tuple(_accounts(whole, path.parent, broken))
    closed = tuple(_switches(whole, broken))
    if len({(each.channel, each.fixmedins_code) for each in accounts}) != len(accounts):
        broken.add(Violation("accounts", "merchants.twice", "one account of an institution at a channel"))
    if broken or not isinstance(document, dict):
        raise document_invalid(broken or [Violation("", "merchants.form", "accounts and closed")], path.name)
    return Merchants(accounts, closed)


def _rows(whole: Mapping[str, Any], list_name: str, broken: Violations) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rows = whole.get(list_name) or []
    if not isinstance(rows, list):
        broken.add(Violation(list_name, "merchants.list", "a list"))
        return
    for number, row in enumerate(rows):
        place = f"{list_name}[{number}]"
        if isinstance(row, dict):
            yield place, row
        else:
            broken.add(Violation(place, "merchants.row", "names and values"))


def _named(place: str, row: Mapping[str, Any], must: tuple[str, ...], may: tuple[str, ...], broken: Violations) -> bool:
    """Whether a row has the names that it must have, no others, and texts below them."""
    fine = True
    for name in sorted(set(must) - set(row)):
        broken.add(Violation(f"{place}.{name}", "merchants.missing", "a value"))
        fine = False
    for name, value in row.items():
        if name not in (*must, *may):
            broken.add(_unknown(f"{place}.{name}", (*must, *may)))
            fine = False
        elif not isinstance(value, dict if name == "provider_keys" else str):
            broken.add(Violation(f"{place}.{name}", "merchants.text", "a text in quotes"))
            fine = False
    return fine


def _accounts(whole: Mapping[str, Any], folder: Path, broken: Violations) -> Iterator[Account]:
    for place, row in _rows(whole, "accounts", broken):
        if not _named(place, row, _ACCOUNT, _MAY, broken):
            continue
        told = {name: value for name, value in row.items() if not name.endswith("_file") and name != "provider_keys"}
        try:
            keys = {str(name): _key(folder, str(file)) for name, file in row.get("provider_keys", {}).items()}
            own = _key(folder, row["private_key_file"]) if "private_key_file" in row else ""
            secret = _key(folder, row["secret_file"]).strip() if "secret_file" in row else ""
        except (OSError, UnicodeDecodeError) as error:
            broken.add(Violation(place, "merchants.key", "a file of keys", {"error": type(error).__name__}))
            continue
        yield Account(**told, private_key=own, provider_keys=keys, secret=secret)


def _unknown(place: str, names: tuple[str, ...]) -> Violation:
    listed = ", ".join(names)
    return Violation(place, "merchants.name", f"one of {listed}", {"names": listed})


def _key(folder: Path, file: str) -> str:
    return (folder / file).read_text(encoding="utf-8")


def _switches(whole: Mapping[str, Any], broken: Violations) -> Iterator[Switch]:
    for place, row in _rows(whole, "closed", broken):
        if not _named(place, row, _CLOSED, _CLOSED_MAY, broken):
            continue
        if row.get("channel", CHANNELS[0]) not in CHANNELS:
            broken.add(Violation(f"{place}.channel", "merchants.name", "a channel", {"names": ", ".join(CHANNELS)}))
            continue
        try:
            kind = OrderType[row["order_type"]] if "order_type" in row else None
            ends = date.fromisoformat(row["to_day"]) if "to_day" in row else None
            yield Switch(row["area"], date.fromisoformat(row["from_day"]), ends, kind, row.get("channel", ""))
        except (KeyError, ValueError):
            kinds = ", ".join(each.name for each in OrderType)
            broken.add(Violation(place, "merchants.switch", "days and a kind", {"names": kinds}))
