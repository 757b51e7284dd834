"""Faults to plant in refunds that were made after all, and in repeats; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

SETTLING, STATE = "domain/subscription/settling_refunds.py", "domain/subscription/refunds.py"
FOLDING, ASKING = "domain/subscription/folding_refunds.py", "domain/subscription/refunding.py"
DISCREPANCIES, STARTING = "domain/subscription/discrepancies.py", "domain/subscription/starting.py"

TESTS = ("test_late_refunds", "test_starting")
FAULTS = (
    Fault(
        "money that went back after a failure is not booked",
        SETTLING,
        "    if failed is None or not isinstance(answer, Refunded):",
        "    if failed is None or isinstance(answer, Refunded):",
    ),
    Fault(
        "a failed refund is forgotten at once",
        FOLDING,
        "    return with_(state, failed_refunds=kept[-MOST_REMEMBERED:])",
        "    return with_(state, failed_refunds=kept[:0])",
    ),
    Fault(
        "failed refunds are remembered without a bound",
        FOLDING,
        "    return with_(state, failed_refunds=kept[-MOST_REMEMBERED:])",
        "    return with_(state, failed_refunds=kept)",
    ),
    Fault(
        "failed refunds are remembered for ever",
        FOLDING,
        "    kept = tuple(e for e in (*state.failed_refunds, failed) if e.requested_at >= oldest)",
        "    kept = (*state.failed_refunds, failed) if oldest else ()",
    ),
    Fault(
        "the id of what failed is lost",
        FOLDING,
        "provider_ref=event.provider_ref or refund.provider_ref)\n    oldest",
        "provider_ref=refund.provider_ref)\n    oldest",
    ),
    Fault(
        "found late, it takes no credit",
        FOLDING,
        "    return covered(with_charge(state, charge))\n\n\ndef covered(",
        "    return with_charge(state, charge)\n\n\ndef covered(",
    ),
    Fault(
        "found late, it is taken of what was asked for, whatever went",
        FOLDING,
        "        missing=event.amount,\n",
        "        missing=next((e.amount for e in state.failed_refunds), event.amount),\n",
    ),
    Fault(
        "another currency takes credit",
        FOLDING,
        "        if late.missing.currency != state.currency:\n            continue\n",
        "        late = with_(late, missing=Money(late.missing.minor, state.currency))\n",
    ),
    Fault(
        "found late, it may go back through its charge once more",
        FOLDING,
        "    if charge is not None and fits:\n"
        "        charge = with_(charge, refunded=charge.refunded + event.amount)\n",
        "",
    ),
    Fault(
        "what no credit covers is not shown",
        FOLDING,
        "        missing=event.amount,\n",
        "        missing=Money(0, event.amount.currency),\n",
    ),
    Fault(
        "credit that comes back covers nothing that is missing",
        FOLDING,
        "        )\n    return covered(with_charge(state, charge))",
        "        )\n    return with_charge(state, charge)",
    ),
    Fault(
        "credit that is granted covers nothing that is missing",
        "domain/subscription/folding.py",
        "            return covered(credited(state, event))",
        "            return credited(state, event)",
    ),
    Fault(
        "credit covers what a person has looked at",
        FOLDING,
        "    for late in state.unresolved_refunds:",
        "    for late in state.late_refunds:",
    ),
    Fault(
        "it is found as often as a callback tells of it",
        FOLDING,
        "    state = with_(state, failed_refunds=others, late_refunds=",
        "    state = with_(state, late_refunds=",
    ),
    Fault(
        "less than nothing is left of a charge",
        STATE,
        "Money(max(0, self.captured.minor - self.gone.minor), self.captured.currency)",
        "(self.captured - self.gone)",
    ),
    Fault(
        "more is paid out while a refund is not covered",
        ASKING,
        "    if uncovered is not None:\n",
        "    if False:\n",
    ),
    Fault(
        "nothing is paid out any more once a refund was found late",
        ASKING,
        "(each for each in state.unresolved_refunds if each.missing.minor)",
        "iter(state.late_refunds)",
    ),
    Fault(
        "what has gone back is paid back again",
        DISCREPANCIES,
        '    if refund:\n        raise Refused("resolution-refunds-nothing", "what has gone',
        '    if False:\n        raise Refused("resolution-refunds-nothing", "what has gone',
    ),
    Fault(
        "a person's decision is turned round",
        DISCREPANCIES,
        "    if late.resolution is not None:",
        "    if False:",
    ),
    Fault(
        "a start is another one once it is charged elsewhere",
        STARTING,
        "    same = (state.customer_id, *state.started_at_account, state.zone)",
        "    same = (state.customer_id, state.provider, state.account, state.zone)",
    ),
    Fault(
        "a start anywhere is the same one",
        STARTING,
        "    if same != (wish.customer_id, wish.provider, wish.account, wish.zone):",
        "    if (same[0], same[3]) != (wish.customer_id, wish.zone):",
    ),
    Fault(
        "the preview of a change nets what would go back",
        "domain/previews.py",
        "        refunded=Money(sum(back), state.currency),",
        "        refunded=Money(0, state.currency),",
    ),
)
