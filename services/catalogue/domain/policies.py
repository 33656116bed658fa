"""Policy documents on their way into the catalogue: JSON text to a proved version with its hash, and its warnings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from services.catalogue.domain.records import PolicyVersion
from services.kernel.errors import invalid
from services.kernel.policy.identity import policy_hash
from services.kernel.policy.lints import lint_policy
from services.kernel.policy.parsing import parse_policy

PATH = "document_json"
CONSTRAINT = "constraint"


def policy_of(document_json: str) -> PolicyVersion:
    """The version that a document in JSON is; INVALID (POLICY_INVALID) with every violation and its path in the document.

    Floats, duplicate keys and NaN are refused: what cannot be written exactly is not read.
    """
    try:
        document = json.loads(
            document_json, parse_float=_refuse_number, parse_constant=_refuse_number, object_pairs_hook=_refuse_twice
        )
    except (ValueError, RecursionError) as error:
        told = error.args[0] if type(error) is _Refused else "the text is no JSON document"
        raise invalid(PATH, "json", told, reason="POLICY_INVALID", policy="") from None
    if not isinstance(document, dict):
        raise invalid(PATH, "json", "a policy is a JSON object", reason="POLICY_INVALID", policy="")
    return version_of(document)


def version_of(document: Mapping[str, object]) -> PolicyVersion:
    """The version that a plain document is; INVALID (POLICY_INVALID)."""
    policy = parse_policy(document)
    return PolicyVersion(
        policy_id=policy.id,
        version=policy.version,
        title=policy.title,
        admdvs=policy.region,
        insutype=policy.insutype,
        kind=policy.kind,
        version_on=policy.version_on,
        policy_hash=policy_hash(document),
        document_json=json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        from_day=policy.effective_from,
        to_day=policy.effective_to,
    )


def warnings_of(version: PolicyVersion, constraints: Iterable[PolicyVersion]) -> list[str]:
    """What is surprising in a well-formed policy, told with its name; remote care is held against constraint files."""
    policy = parse_policy(json.loads(version.document_json))
    found = list(lint_policy(policy))
    for constraint in constraints:
        with_limits = lint_policy(policy, parse_policy(json.loads(constraint.document_json)))
        found += [lint for lint in with_limits if lint not in found]
    return [f"{policy.name}: {lint.path}: {lint.rule}: {lint.text}" for lint in found]


class _Refused(ValueError):
    """A JSON text that is readable but not exact."""


def _refuse_number(text: str) -> object:
    raise _Refused(f"{text[:40]} is no whole number; write it as text")


def _refuse_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _Refused("a key stands twice in one object")
    return content


def is_constraint(version: PolicyVersion) -> bool:
    """Whether the file limits other policies and pays nothing itself."""
    return version.kind == CONSTRAINT
