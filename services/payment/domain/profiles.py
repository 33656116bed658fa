"""What payment knows of institutions beside their contracts with channels."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AppKeys:
    """An institution's app at the mobile envelope, with our key for it and its own public one, in hex."""

    app_id: str
    secret: str = field(repr=False)
    own_private_key: str = field(repr=False)
    public_key: str
    secret_appended: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of an institution: its name, where it is told of its orders ("" for nowhere), and its app, where that is done
    in the mobile envelope. `knows_17` says that it is told ordStas 17 while a refund is under way.
    """

    name: str = ""
    notify_url: str = ""
    app: AppKeys | None = None
    knows_17: bool = False
