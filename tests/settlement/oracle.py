"""A slow second reading of the settlement rules, for tests only: it interprets the plain policy document with fractions.

Written from the rules and not from the engine, and imports nothing of it. Amounts are fen; every step is a fraction until
the rules say "round".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import Any

Document = Mapping[str, Any]
FUNDS = ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay")


class NotCoveredError(Exception):
    """No row of a table fits."""


def nearest(value: Fraction | int) -> int:
    """Half away from zero."""
    size = floor(abs(Fraction(value)) + Fraction(1, 2))
    return size if value >= 0 else -size


def percent(text: str) -> Fraction:
    return Fraction(text.rstrip("%")) / 100


def fits(when: Document, facts: Document) -> bool:
    """Whether a `when` map is true."""
    for key, wanted in when.items():
        name = key.replace("_any", "")
        value = facts[name]
        if key.endswith("_any"):
            if not any(in_range(value, part) for part in wanted):
                return False
        elif isinstance(wanted, dict):
            if not in_range(value, wanted):
                return False
        elif value not in wanted:
            return False
    return True


def in_range(value: int, part: Document) -> bool:
    return bool(part.get("min", value) <= value <= part.get("max", value))


def only_row(rows: Sequence[Document], facts: Document) -> Document:
    found = [row for row in rows if fits(row["when"], facts)]
    if not found:
        raise NotCoveredError
    assert len(found) == 1, "a table hit twice"
    return found[0]


def money(policy: Document, value: Any, facts: Document) -> int | None:
    """An amount of a file in fen."""
    if value is None:
        return None
    if isinstance(value, dict) and "indexed" in value:
        index = Fraction(str(policy["indices"][value["indexed"]["index"]])) * 100
        return nearest(index * Fraction(value["indexed"]["times"]))
    if isinstance(value, dict):
        plus = value["plus"]
        extra = min(facts[plus["per"]] * Fraction(plus["each"]), Fraction(plus["max_extra"]))
        return nearest((Fraction(plus["base"]) + extra) * 100)
    return nearest(Fraction(str(value)) * 100)


def split(line: Document) -> dict[str, int]:
    """A fee line: amount and limit (per unit) in fen, count, class, p, flags, and who bears what is over the limit."""
    amount = line["amount"]
    refused = line["approval"] != "1" if line["restricted"] else line["approval"] == "2"
    if line["class"] == "C" or refused:
        return {"full": amount, "over": 0, "presel": 0, "inscp": 0, "hospital": 0}
    over = 0
    if line["limit"] is not None:
        over = max(0, abs(amount) - abs(nearest(line["limit"] * line["count"])))
        over = over if amount > 0 else -over
    share = line["p"] if line["class"] == "B" else Fraction(0)
    presel = nearest((amount - over) * share)
    hospital = over if line["hosp_bear"] else 0
    return {"full": 0, "over": over, "presel": presel, "inscp": amount - over - presel, "hospital": hospital}


class Bands:
    """Tiers as a function of position: `paid(x)` is what the stretch from 0 to x earns."""

    def __init__(self, bands: Sequence[tuple[int | None, Fraction]]) -> None:
        self.bands = bands

    def paid(self, x: Fraction | int) -> Fraction:
        total, low = Fraction(0), 0
        for upto, ratio in self.bands:
            high = x if upto is None else min(x, upto)
            total += max(Fraction(0), Fraction(high) - low) * ratio
            if upto is None:
                break
            low = upto
        return total

    def where(self, begin: Fraction | int, sum_paid: Fraction) -> Fraction:
        """The least x at or above `begin` with paid(x) - paid(begin) = sum_paid."""
        low = Fraction(0)
        for upto, ratio in self.bands:
            start = max(low, Fraction(begin))
            value_here = self.paid(start) - self.paid(begin)
            if value_here >= sum_paid:
                return start
            if ratio > 0 and (upto is None or upto > start):
                x = start + (sum_paid - value_here) / ratio
                if upto is None or x <= upto:
                    return x
            low = Fraction(upto or 0)
        raise AssertionError("a sum that is never reached")


def ratio_bands(policy: Document, layer: Document, facts: Document, remote: Document | None) -> Bands:
    bands = []
    for band in only_row(layer["tiers"]["table"], facts)["value"]:
        ratio = percent(band["ratio"])
        for change in layer.get("ratio_transform", []):
            if fits(change["when"], facts):
                value = percent(change["value"])
                ratio = {
                    "add": ratio + value,
                    "multiply": ratio * value,
                    "personal_share_times": 1 - (1 - ratio) * value,
                }[change["op"]]
        if remote is not None and layer["stage"] == 10:
            if remote["method"] == "ratio_points":
                ratio += percent(remote["value"])
            elif remote["method"] == "ratio_factor":
                ratio *= percent(remote["value"])
        upto = money(policy, band["upto"], facts)
        bands.append((upto, max(Fraction(0), min(Fraction(1), ratio))))
    return Bands(bands)


class Bill:
    """One settlement under way."""

    def __init__(self, stack: Sequence[Document], facts: Document, before: Mapping[str, int]) -> None:
        self.stack = stack
        self.facts = facts
        self.before = dict(before)
        self.now = dict(before)
        self.funds = dict.fromkeys(FUNDS, 0)
        self.dedc = 0
        self.over: dict[tuple[str, str], int] = {}
        self.pool_bases: list[int] = [0]
        self.inscp = self.presel = self.first = 0
        self.exempt: dict[tuple[str, str], int] = {}

    def applying(self) -> list[tuple[Document, Document]]:
        found = []
        for policy in self.stack:
            for layer in policy["layers"]:
                alternatives = layer.get("when_any", [layer.get("when", {})])
                if any(fits(when, self.facts) for when in alternatives):
                    found.append((policy, layer))
        return sorted(found, key=lambda pair: pair[1]["stage"])

    def leading(self, section: str) -> Document | None:
        """The policy whose remote or account rules count: one with a layer for this bill before one without."""
        busy = [policy["id"] for policy, _ in self.applying()]
        holders = [policy for policy in self.stack if policy.get(section)]
        return next((p for p in holders if p["id"] in busy), next(iter(holders), None))

    def key(self, name: str) -> str:
        for fact, value in self.facts.items():
            name = name.replace("{" + fact + "}", str(value))
        return name

    def value(self, name: str) -> int:
        return self.now.get(self.key(name), 0)

    def add(self, name: str, delta: int) -> None:
        self.now[self.key(name)] = self.value(name) + delta

    def base_of(self, policy: Document, layer: Document) -> int:
        paid = sum(self.funds.values())
        kind = layer["base"]
        if kind.startswith("over_cap:"):
            return self.over.get((policy["id"], kind.split(":")[1]), 0)
        return max(
            0,
            {
                "inscp": self.inscp,
                "inscp_after_account_first": self.inscp - self.first,
                "personal_inscp": self.inscp - paid,
                "personal_inscp_excl_dedc": self.inscp - paid - self.dedc,
                "personal_inscp_plus_presel": self.inscp + self.presel - paid,
            }[kind],
        )

    def deductible_of(self, policy: Document, layer: Document, base: int, position: int) -> tuple[int, int]:
        """(deductible, threshold standard)."""
        rule = layer.get("deductible", {"mode": "none"})
        mode = rule["mode"]
        if mode == "none":
            return 0, 0
        value = only_row(rule["table"], self.facts)["value"]
        if mode == "annual_threshold":
            standard = money(policy, value, self.facts) or 0
            return min(base, max(0, standard - position)), standard
        exempt = sum(self.exempt.get(pair, 0) for pair in rule.get("exempt_lines", {}).items())
        if mode == "per_admission":
            due = 0 if self.facts["same_stay"] else self.admission(policy, value, rule["count_key"])
        elif mode == "per_visit":
            due = money(policy, value, self.facts) or 0
        else:
            due = max(0, (money(policy, value, self.facts) or 0) - self.value(rule["key"]))
        dedc = min(max(0, base - exempt), due)
        if mode == "annual":
            self.add(rule["key"], dedc)
        return dedc, 0

    def admission(self, policy: Document, value: Any, count_key: str) -> int:
        k = self.before.get(count_key, 0) + 1
        self.now[count_key] = k
        if isinstance(value, dict) and "sequence" in value:
            steps = value["sequence"]
            return money(policy, steps[min(k, len(steps)) - 1], self.facts) or 0
        if isinstance(value, dict):
            step = {name: Fraction(str(part)) for name, part in value["step"].items()}
            return nearest(max(step["first"] - (k - 1) * step["minus"], step["floor"]) * 100)
        return money(policy, value, self.facts) or 0

    def run(self, policy: Document, layer: Document, remote: Document | None) -> None:
        tiers = layer["tiers"]
        bands = ratio_bands(policy, layer, self.facts, remote)
        base = self.base_of(policy, layer)
        position = self.value(tiers["key"]) if tiers["position"] == "annual" else 0
        dedc, standard = self.deductible_of(policy, layer, base, position)
        cumulative = tiers.get("rounding") == "cumulative"
        from_deductible = tiers.get("origin", "zero") == "deductible"
        start, end = Fraction(position + dedc), Fraction(position + base)
        moved = (standard if cumulative else dedc) if from_deductible else 0
        origin = (Fraction(standard) if cumulative else start) - moved

        def earned(x: Fraction) -> Fraction:
            return max(Fraction(0), bands.paid(x - moved) - bands.paid(origin)) if x - moved > origin else Fraction(0)

        already = nearest(earned(Fraction(position))) if cumulative else 0
        caps = [(cap, self.ceiling(policy, cap)) for cap in (layer.get("cap"), layer.get("cap2")) if cap]
        limit = end
        for cap, ceiling in caps:
            if ceiling is not None and cap["measure"] == "inscp":
                limit = min(limit, start + max(0, ceiling - self.value(cap["key"])))
        raw = earned(limit)
        paid = nearest(raw) - already
        for cap, ceiling in caps:
            if ceiling is not None and cap["measure"] == "fund_paid":
                room = max(0, ceiling - self.value(cap["key"]))
                if raw > already + room:
                    paid = min(paid, room)
                    reached = nearest(bands.where(origin, Fraction(already + room)) + moved)
                    limit = max(start, min(limit, Fraction(reached)))
        over = int(end - limit)
        self.over[policy["id"], layer["id"]] = over
        for cap, _ in caps:
            self.add(cap["key"], paid if cap["measure"] == "fund_paid" else base - dedc - over)
        if tiers["position"] == "annual":
            self.add(tiers["key"], base if cumulative or not from_deductible else base - dedc)
        if layer["stage"] == 10:
            self.dedc += dedc
        if layer["fund"] == "hifp_pay":
            self.pool_bases.append(base)
        self.funds[layer["fund"]] += paid

    def ceiling(self, policy: Document, cap: Document) -> int | None:
        return money(policy, only_row(cap["table"], self.facts)["value"], self.facts)


def settle(
    stack: Sequence[Document],
    lines: Sequence[Document],
    facts: Document,
    before: Mapping[str, int],
    account: Document,
) -> tuple[dict[str, int], dict[str, int]]:
    """The components by national name (the ratio over 10,000) and the accumulators that moved."""
    bill = Bill(stack, facts, before)
    parts = [split(line) for line in lines]
    total = {name: sum(part[name] for part in parts) for name in ("full", "over", "presel", "inscp")}
    for line, part in zip(lines, parts, strict=True):
        for pair in line["flags"].items():
            bill.exempt[pair] = bill.exempt.get(pair, 0) + part["inscp"]
    leader = bill.leading("remote")
    row = only_row(leader["remote"], facts) if leader is not None else None
    advance = 0
    if row is not None and row["method"] == "pre_selfpay":
        advance = nearest(total["inscp"] * percent(row["value"]))
    bill.inscp, bill.presel = total["inscp"] - advance, total["presel"] + advance
    holder = bill.leading("account")
    rule: Document = holder["account"] if holder is not None else {"scope": "none", "order": []}
    if "first" in rule and account["use"] and fits(rule["first"]["when"], facts):
        bill.first = min(bill.inscp, account["current"])
    for policy, layer in bill.applying():
        own_remote = only_row(policy["remote"], facts) if policy.get("remote") else None
        bill.run(policy, layer, own_remote)
    hospital = sum(part["hospital"] for part in parts)
    return components(bill, rule, account, total, hospital), {
        key: value - before.get(key, 0) for key, value in bill.now.items() if value != before.get(key, 0)
    }


def components(
    bill: Bill, rule: Document, account: Document, total: Mapping[str, int], hospital: int
) -> dict[str, int]:
    fund = sum(bill.funds.values())
    medfee = sum(total.values())
    person = medfee - fund - hospital
    payable = {"all_personal": person, "in_scope_only": min(person, bill.inscp - fund), "none": 0}[rule["scope"]]
    left = max(0, payable - bill.first)
    own, mutual = bill.first, 0
    for purse in rule["order"]:
        if not account["use"]:
            continue
        if purse == "own":
            part = min(left, account["own"] - bill.first)
            own += part
        else:
            part = min(left, account["mutual"])
            mutual += part
        left -= part
    divisor = max(bill.pool_bases) - bill.dedc
    return {
        **bill.funds,
        "medfee_sumamt": medfee,
        "fulamt_ownpay_amt": total["full"],
        "overlmt_selfpay": total["over"],
        "preselfpay_amt": bill.presel,
        "inscp_scp_amt": bill.inscp,
        "act_pay_dedc": bill.dedc,
        "fund_pay_sumamt": fund,
        "psn_part_amt": person,
        "acct_pay": own + mutual,
        "acct_mulaid_pay": mutual,
        "psn_cash_pay": person - own - mutual,
        "hosp_part_amt": hospital,
        "pool_prop_selfpay": nearest(Fraction(bill.funds["hifp_pay"] * 10_000, divisor)) if divisor > 0 else 0,
    }
