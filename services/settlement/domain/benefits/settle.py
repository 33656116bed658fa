"""`settle`: totals, facts, accumulators and account money in, every component of the answer out. Pure and exact.

Trial and settlement are the same call. Nothing is read, written or kept; what the hospital says about amounts is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.kernel.errors import Fault, FaultKind, invalid
from services.kernel.money import ratio_e4, round_quotient, yuan_text
from services.settlement.domain.benefits.account import AccountState, account_first, check_account, pay_from_accounts
from services.settlement.domain.benefits.compile import CompiledLayer, CompiledRemote, look_up
from services.settlement.domain.benefits.facts import Facts, applies, check_facts
from services.settlement.domain.benefits.layers import Run, run_layer
from services.settlement.domain.benefits.outcome import FUND_FIELDS, AccountUse, Components, LayerOutcome, Settlement
from services.settlement.domain.benefits.stack import CompiledStack
from services.settlement.domain.care.lines import MOST_FEN, BillTotals, sums_of

NO_ACCOUNT = AccountState()


def settle(
    stack: CompiledStack,
    totals: BillTotals,
    facts: Facts,
    accumulators: Mapping[str, int],
    account: AccountState = NO_ACCOUNT,
    *,
    hosp_part_fen: int = 0,
) -> Settlement:
    """Settles one bill.

    `accumulators` are the values of the benefit year by key, a missing one is 0. `hosp_part_fen` is what the hospital
    bears beside that of the lines. The rules on remote care and on accounts are those of the first policy of the stack
    that has a layer for this bill and says something about them (our decision).

    Raises FACT_MISSING, FACT_UNKNOWN, FACT_OUTSIDE_DOMAIN, NOT_COVERED_BY_POLICY, BILL_NEGATIVE, AMOUNT_INVALID,
    ACCOUNT_INVALID, HOSP_PART_TOO_LARGE, and POLICY_OVERPAYS when the stack would pay more than the cost in scope.
    """
    hosp_part_fen += totals.hosp_part_fen
    _check_totals(totals, hosp_part_fen)
    check_facts(facts)
    check_account(account)
    chosen = [(place, layer) for place, layer in stack.layers if applies(layer.when, facts, layer.where)]
    order = _policy_order(stack, chosen)
    remotes = _remote_rules(stack, order, facts)
    remote_selfpay = _advance(remotes, totals.inscp_fen)
    inscp = totals.inscp_fen - remote_selfpay
    holder = next((stack.policies[place] for place in order if stack.policies[place].account is not None), None)
    rule = holder.account if holder is not None else None
    first = account_first(rule, account, facts, inscp, holder.name if holder is not None else "")
    run = Run(inscp, totals.preselfpay_fen + remote_selfpay, first, totals.exempt_inscp_by_tag, facts, accumulators)
    for place, layer in chosen:
        remote = remotes.get(place)
        run_layer(run, layer, remote.variant if remote is not None else 0)
    _check_payment(run, stack)
    personal = totals.medfee_fen - run.paid_fen - hosp_part_fen
    if personal < 0:
        raise invalid(
            "hosp_part_amt", "hosp_part.range", reason="HOSP_PART_TOO_LARGE", hosp_part_fen=str(hosp_part_fen)
        )
    use = pay_from_accounts(rule, account, first, personal, max(0, inscp - run.paid_fen))
    return Settlement(
        components=_components(totals, run, personal, use, hosp_part_fen),
        account=use,
        remote_selfpay_fen=remote_selfpay,
        accumulator_deltas={key: delta for key, delta in run.deltas.items() if delta},
        layers=tuple(run.outcomes),
        policies=stack.names,
    )


def _check_totals(totals: BillTotals, hosp_part_fen: int) -> None:
    """A bill whose charge-backs outweigh its charges is no settlement, and the parts must be the whole, within bounds."""
    parts = (totals.fulamt_ownpay_fen, totals.overlmt_fen, totals.preselfpay_fen, totals.inscp_fen)
    if min(parts) < 0 or hosp_part_fen < 0:
        sums = {**sums_of(totals), "hosp_part_amt": hosp_part_fen}
        part, fen = next((name, fen) for name, fen in sums.items() if fen < 0)
        raise invalid("totals", "not_negative", reason="BILL_NEGATIVE", part=part, sum=yuan_text(fen))
    if sum(parts) != totals.medfee_fen:
        raise invalid("totals", "totals.sum", "the four parts are the total", reason="BILL_UNBALANCED")
    if totals.medfee_fen > MOST_FEN:
        raise invalid("totals", "amount.most", reason="AMOUNT_INVALID", most=yuan_text(MOST_FEN))


def _policy_order(stack: CompiledStack, chosen: list[tuple[int, CompiledLayer]]) -> tuple[int, ...]:
    """The places of the policies, those with a layer for this bill first."""
    active = {place for place, _ in chosen}
    if len(active) == len(stack.policies):
        return tuple(range(len(stack.policies)))
    return tuple(sorted(range(len(stack.policies)), key=lambda place: place not in active))


def _remote_rules(stack: CompiledStack, order: tuple[int, ...], facts: Facts) -> dict[int, CompiledRemote]:
    """The remote rule of each policy that has a layer for this bill, the leading one first."""
    found: dict[int, CompiledRemote] = {}
    for place in order:
        table = stack.policies[place].remote
        if table is not None:
            found[place] = look_up(table, facts)
    return found


def _advance(remotes: dict[int, CompiledRemote], inscp_fen: int) -> int:
    """The advance self-pay for remote care of the leading policy, rounded once."""
    leading = next(iter(remotes.values()), None)
    if leading is None or leading.method != "pre_selfpay":
        return 0
    numerator, denominator = leading.share
    return round_quotient(inscp_fen * numerator, denominator)


def _check_payment(run: Run, stack: CompiledStack) -> None:
    """The funds never pay more than the cost in scope, and the advance self-pay where a layer names it as its base."""
    most = run.inscp_fen
    if any(part.base_kind == "personal_inscp_plus_presel" for part in run.outcomes):
        most += run.presel_fen
    if run.paid_fen > most:
        raise Fault(
            FaultKind.PRECONDITION,
            "POLICY_OVERPAYS",
            {"policies": ",".join(stack.names), "paid_fen": str(run.paid_fen), "most_fen": str(most)},
        )


def _pool_base(outcomes: list[LayerOutcome]) -> int:
    """The cost that the pooled fund looked at; layers of one bill look at the same cost, so the widest counts."""
    return max((part.base_fen for part in outcomes if part.fund == "hifp_pay"), default=0)


def _components(totals: BillTotals, run: Run, personal: int, use: AccountUse, hosp_part: int) -> Components:
    hifp, cvlserv, hifes, hifmi, hifob, maf, oth = (run.funds[name] for name in FUND_FIELDS)
    divisor = _pool_base(run.outcomes) - run.deductible_fen
    acct = use.own_fen + use.mutual_fen
    return Components(
        medfee_sumamt_fen=totals.medfee_fen,
        fulamt_ownpay_amt_fen=totals.fulamt_ownpay_fen,
        overlmt_selfpay_fen=totals.overlmt_fen,
        preselfpay_amt_fen=run.presel_fen,
        inscp_scp_amt_fen=run.inscp_fen,
        act_pay_dedc_fen=run.deductible_fen,
        hifp_pay_fen=hifp,
        cvlserv_pay_fen=cvlserv,
        hifes_pay_fen=hifes,
        hifmi_pay_fen=hifmi,
        hifob_pay_fen=hifob,
        maf_pay_fen=maf,
        oth_pay_fen=oth,
        fund_pay_sumamt_fen=run.paid_fen,
        psn_part_amt_fen=personal,
        acct_pay_fen=acct,
        acct_mulaid_pay_fen=use.mutual_fen,
        psn_cash_pay_fen=personal - acct,
        hosp_part_amt_fen=hosp_part,
        pool_prop_selfpay_amt_fen=max(0, divisor - hifp),
        pool_prop_selfpay_e4=ratio_e4(hifp, divisor),
    )
