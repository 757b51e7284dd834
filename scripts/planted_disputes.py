"""Faults to plant in disputes and reversals; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

TESTS = ("test_disputing", "test_refunding")
DISPUTING, FOLDING = "domain/subscription/disputing.py", "domain/subscription/folding_disputes.py"
CHARGING, STATE = "domain/subscription/charging.py", "domain/subscription/state.py"
REFUNDING, OWED = "domain/subscription/refunding.py", "domain/subscription/owed.py"
DISCREPANCIES = "domain/subscription/discrepancies.py"
FOLDING_REFUNDS, BILLS = (
    "domain/subscription/folding_refunds.py",
    "domain/subscription/folding_bills.py",
)
AGENDA, DUNNING = "domain/processes/agenda.py", "domain/subscription/dunning.py"

FAULTS = (
    Fault(
        "charged on while the payer contests a charge",
        CHARGING,
        "        if ready and not state.held_back(invoice) and method_for",
        "        if ready and method_for",
    ),
    Fault(
        "the dispute is won, and nothing is collected any more",
        STATE,
        "        return tuple(each for each in self.disputes if each.outcome is None)",
        "        return self.disputes",
    ),
    Fault(
        "what a person wanted before is charged on after the next dispute",
        FOLDING,
        "    waiting = tuple(with_(each, despite_dispute=False) for each in state.open_invoices)",
        "    waiting = state.open_invoices",
    ),
    Fault(
        "a person wants it collected, and nothing happens",
        DUNNING,
        "    if not invoice.ended and not state.held_back(invoice):",
        "    if not invoice.ended:",
    ),
    Fault(
        "the dispute is lost, and the books still have the money",
        DISPUTING,
        "    return (closed,) if told else (closed, ",
        "    return (closed,) if True else (closed, ",
    ),
    Fault(
        "lost, then told of the reversal: owed twice",
        DISPUTING,
        "each.provider_ref == fact.provider_ref for each in before) or bool(by_disputes)",
        "each.provider_ref == fact.provider_ref for each in before)",
    ),
    Fault(
        "told of the reversal, then lost: owed twice",
        DISPUTING,
        "fact.dispute_ref in own or len(by_callbacks) > len(claimed)",
        "fact.dispute_ref in own",
    ),
    Fault(
        "one callback stands for every dispute of its amount",
        DISPUTING,
        "fact.dispute_ref in own or len(by_callbacks) > len(claimed)",
        "fact.dispute_ref in own or bool(by_callbacks)",
    ),
    Fault(
        "a callback that comes twice takes the money back twice",
        DISPUTING,
        "any(each.provider_ref == fact.provider_ref for each in before) or",
        "",
    ),
    Fault(
        "what was taken back is charged again at once",
        FOLDING,
        '"ended": REVERSED}',
        '"ended": ""}',
    ),
    Fault(
        "what was taken back is charged with the next card",
        OWED,
        "FOR_A_PERSON = (DISCREPANCY, REVERSED)",
        "FOR_A_PERSON = (DISCREPANCY,)",
    ),
    Fault(
        "an invoice that is open again begins with attempt 1: an old key is sent anew",
        FOLDING,
        "    again = with_(closed, used_up_at=None,",
        "    again = with_(closed, attempts=0, used_up_at=None,",
    ),
    Fault(
        "all of an invoice is owed again, though a part of it was credited",
        BILLS,
        "        closed_invoices=closed_with(state, paid) if paid else state.closed_invoices,",
        "        closed_invoices=state.closed_invoices,",
    ),
    Fault(
        "charged again after the dispute of a cancelled billing was lost",
        FOLDING,
        "    if event.outcome is not DisputeOutcome.LOST or known.reason not in TOKEN_LOST_FOR:",
        "    if True:",
    ),
    Fault(
        "not charged any more although the dispute was won",
        FOLDING,
        "    if event.outcome is not DisputeOutcome.LOST or known.reason not in TOKEN_LOST_FOR:",
        "    if known.reason not in TOKEN_LOST_FOR:",
    ),
    Fault(
        "won, and something is taken back",
        DISPUTING,
        "seen.returned) if lost else zero(",
        "seen.returned) if True else zero(",
    ),
    Fault(
        "a refund that closed the dispute is taken for a reversal",
        DISPUTING,
        "    return Money(max(0, min(returned.minor, room)), returned.currency)",
        "    return returned",
    ),
    Fault(
        "refunded while the provider decides",
        REFUNDING,
        "        return tuple(each for each in recent if not state.disputed(each.attempt_id))",
        "        return tuple(recent)",
    ),
    Fault(
        "a refund that was asked for is sent while the provider decides",
        STATE,
        "        return refund.attempted_at is None and self.disputed(refund.attempt_id)",
        "        return False",
    ),
    Fault(
        "taken back, and refunded as well",
        REFUNDING,
        "    if refund.attempted_at is not None or not reversed_too_far:",
        "    if True:",
    ),
    Fault(
        "a surplus is taken back and stays credit",
        DISPUTING,
        "    back = min(spare, charge.reversed.minor) - min(spare, since.minor)",
        "    back = 0",
    ),
    Fault(
        "each part of what is taken back uses up the surplus anew",
        DISPUTING,
        "    back = min(spare, charge.reversed.minor) - min(spare, since.minor)",
        "    back = min(spare, charge.reversed.minor)",
    ),
    Fault(
        "goodwill is used up for a surplus that nobody has accepted",
        DISPUTING,
        "    if invoice is None or waiting:",
        "    if invoice is None:",
    ),
    Fault(
        "a person says that more was taken back than came",
        DISPUTING,
        "    if facts and amount.minor > charge.left.minor:",
        "    if facts and amount.minor > charge.captured.minor:",
    ),
    Fault(
        "a charge is forgotten while it is disputed",
        FOLDING_REFUNDS,
        "    return with_(state, collected=(*older, *recent))",
        "    return with_(state, collected=tuple(recent))",
    ),
    Fault(
        "a dispute is open, and nobody is told",
        AGENDA,
        "        *(_dispute(each) for each in state.open_disputes),\n",
        "",
    ),
    Fault(
        "disputes: a reversal beside a lost dispute counts twice while a refund is in doubt",
        DISPUTING,
        "    if amount.currency != state.currency or amount.minor <= max(booked, room):",
        "    if True:",
    ),
    Fault(
        "disputes: a reversal smaller than what a lost dispute took is taken for a part of it",
        DISPUTING,
        "    if amount.currency != state.currency or amount.minor <= max(booked, room):",
        "    if amount.currency != state.currency or amount.minor <= room:",
    ),
)
