"""Words that stores, tokens and logs keep for good: a later release, or another member of this one, reads what is written today.

Each is the name of its member in small letters, which code and contract use, so that none changes by itself. What a text from
elsewhere fixes is written out.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from typing import Final

import pytest

from tools.tidy import ROOT

FIXED_ELSEWHERE: Final = {
    "identity.domain.verification.CertType": {"NONE": "", "EC": "01", "ID_CARD": "02", "SOCIAL_SECURITY_CARD": "03"},
    "imaging.domain.sessions.Purpose": {each: each for each in ("TREATMENT", "OWN", "SELF", "SUPERVISION")},
    "payment.domain.orders.RefundKind": {"ALL": "ALL", "CASH": "CASH", "INSURED": "HI"},
}
"""Codes of mdtrt_cert_type; purposes as FHIR and tickets have them; refdType of a notice."""


def kinds() -> Iterator[tuple[str, type[Enum]]]:
    """What is one of a few words, in the domains and in the token of a call."""
    paths = [*ROOT.glob("services/*/domain/**/*.py"), ROOT / "services" / "runtime" / "call.py"]
    for path in sorted(paths):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for name, each in vars(module).items():
            own = inspect.isclass(each) and issubclass(each, Enum) and each.__module__ == module.__name__
            if own and all(isinstance(one.value, str) for one in each):
                yield f"{module.__name__.removeprefix('services.')}.{name}", each


KINDS: Final = dict(kinds())


@pytest.mark.parametrize("name", KINDS)
def test_a_word_that_is_kept_is_the_name_of_what_it_says(name: str) -> None:
    words = {each.name: each.value for each in KINDS[name]}
    assert words == FIXED_ELSEWHERE.get(name, {each: each.lower() for each in words})


def test_what_is_fixed_elsewhere_exists() -> None:
    assert set(FIXED_ELSEWHERE) <= set(KINDS)
