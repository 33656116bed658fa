"""Whose contract with a channel the money goes through, with its keys: what an adapter signs and verifies with.

Accounts are data of the institution's contract; keys never leave the process and stand in no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

CASH: Final = "cash"
CHANNELS: Final = ("wechat", "alipay", "bank", CASH, "national")
"""Names of the channels that there are."""


@dataclass(frozen=True, slots=True)
class Account:
    """A contract of an institution with a channel.

    `channel` is the adapter's name (`wechat`). `merchant_no`, `sub_merchant_no`, `app_no` and `city_no` are the channel's
    numbers (`yibao.payment.v1.Merchant`). `address` is where the provider answers ("https://…", or "host:port" of a POS
    host); `files_address` is where its files are read, where that is another place. `notify_address` is the door of our
    gateway as the provider reaches it, without the channel's last part.
    `private_key` signs (PEM), `serial_no` names it at the provider. `provider_keys` are the provider's, by the number that
    its answers name; two of them stand here while it changes keys. `secret` is a shared secret (WeChat's APIv3 key, the
    master key of a POS).
    """

    channel: str
    fixmedins_code: str
    merchant_no: str
    address: str
    fixmedins_name: str = ""
    sub_merchant_no: str = ""
    app_no: str = ""
    city_no: str = ""
    notify_address: str = ""
    files_address: str = ""
    serial_no: str = ""
    private_key: str = field(default="", repr=False)
    provider_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = field(default="", repr=False)
