"""Faults to plant in refunds; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

ASKING, SETTLING = "domain/subscription/refunding.py", "domain/subscription/settling_refunds.py"
FOLDING, STEPS = "domain/subscription/folding_refunds.py", "domain/processes/next_step.py"
STATE, ENDING = "domain/subscription/refunds.py", "domain/subscription/ending.py"
CHANGING, AGENDA = "domain/subscription/changing.py", "domain/processes/agenda.py"
DISCREPANCIES = "domain/subscription/discrepancies.py"

FAULTS = (
    Fault(
        "a refund takes no credit",
        FOLDING,
        "    return with_charge(_with_credit(state, event.credits, sign=-1), charge)",
        "    return with_charge(state, charge)",
    ),
    Fault(
        "a failed refund keeps the credit",
        FOLDING,
        "            return _closed(failed, refund, gone=zero(refund.amount.currency))",
        "            return _closed(failed, refund, gone=refund.amount)",
    ),
    Fault(
        "credit comes back of the oldest parts",
        FOLDING,
        "    for part in parts:\n        taken = min(gone, part.amount.minor)",
        "    for part in reversed(parts):\n        taken = min(gone, part.amount.minor)",
    ),
    Fault(
        "what is on its way may be asked for again",
        STATE,
        "        return self.refunded + self.refunding + self.reversed",
        "        return self.refunded + self.reversed",
    ),
    Fault(
        "what has gone back may go back again",
        STATE,
        "        return self.refunded + self.refunding + self.reversed",
        "        return self.refunding + self.reversed",
    ),
    Fault(
        "more goes back than came",
        ASKING,
        "    if wanted.minor > room:\n",
        "    if wanted.minor > room + 1:\n",
    ),
    Fault(
        "more goes back than is owed",
        ASKING,
        "    if wanted.minor > credit.minor:\n        if not credit_missing:",
        "    if wanted.minor > credit.minor + 1:\n        if not credit_missing:",
    ),
    Fault(
        "whoever owes is paid out",
        ASKING,
        '    if state.bills:\n        raise Refused("invoice-open"',
        '    if False:\n        raise Refused("invoice-open"',
    ),
    Fault(
        "a charge under way is not awaited",
        ASKING,
        "    if attempt is not None and state.invoice(attempt.invoice_number) is not None:",
        "    if False:",
    ),
    Fault(
        "a charge is refundable for ever",
        ASKING,
        "        if each.provider_ref and each.at >= now - REFUNDABLE_FOR",
        "        if each.provider_ref",
    ),
    Fault(
        "every refund of a charge has one key",
        ASKING,
        "        number = charge.refunds + 1",
        "        number = 1",
    ),
    Fault(
        "the oldest charge first",
        ASKING,
        "        for each in reversed(state.collected)",
        "        for each in state.collected",
    ),
    Fault(
        "a doubt is booked as failed",
        SETTLING,
        "            return () if refund.unknown else (_doubt(refund, reason, provider_ref, now),)",
        "            return (_failed(state, refund, RefundDenied(code=NOT_MADE, message=reason), "
        "evidence, now),)",
    ),
    Fault(
        "what a look misses was never made",
        SETTLING,
        "    if now < refund.unknown_at + RULES[refund.provider].report_delay or "
        "refund.provider_ref:",
        "    if refund.provider_ref:",
    ),
    Fault(
        "what the provider has shown was never made",
        SETTLING,
        "    if now < refund.unknown_at + RULES[refund.provider].report_delay or "
        "refund.provider_ref:",
        "    if now < refund.unknown_at + RULES[refund.provider].report_delay:",
    ),
    Fault(
        "the first look that misses it proves that it was not made",
        SETTLING,
        "    if refund.unknown_at is None:\n        return _doubt(",
        "    if refund.unknown_at is None and now < (refund.attempted_at or now) + "
        "RULES[state.provider].report_delay:\n        return _doubt(",
    ),
    Fault(
        "another amount is settled silently",
        SETTLING,
        "        case Refunded(amount=amount) if amount != refund.amount:",
        "        case Refunded(amount=amount) if amount.currency != refund.amount.currency:",
    ),
    Fault(
        "another currency is settled silently",
        SETTLING,
        "        case Refunded(amount=amount) if amount != refund.amount:",
        "        case Refunded(amount=amount) if amount.minor != refund.amount.minor:",
    ),
    Fault(
        "a callback's look uses up the plan",
        SETTLING,
        "        case NotFound() | Unknown() if evidence == CALLBACK:",
        "        case NotFound() if evidence == CALLBACK:",
    ),
    Fault(
        "what was only asked for is settled",
        SETTLING,
        "    if refund.attempted_at is None:\n"
        "        return ()\n    match answer:\n        case Refunded(",
        "    match answer:\n        case Refunded(",
    ),
    Fault(
        "a person may say that more went back than was asked for",
        SETTLING,
        "    if made.minor > refund.amount.minor:",
        "    if False:",
    ),
    Fault(
        "Dintero is sent a refund again after a crash",
        SETTLING,
        "    return repeats and isinstance(answer, NotFound) and now < refund.key_expires_at",
        "    return isinstance(answer, NotFound) and now < refund.key_expires_at",
    ),
    Fault(
        "sent again after a crash without a look",
        STEPS,
        "        if refund.refund_id in taken or expired:",
        "        if expired:",
    ),
    Fault(
        "sent under a forgotten key",
        STEPS,
        "        if refund.refund_id in taken or expired:",
        "        if refund.refund_id in taken:",
    ),
    Fault(
        "sent again after a doubt",
        STEPS,
        "            if refund.next_look_up_at is not None and now >= refund.next_look_up_at:\n"
        "                return LookUpRefund(refund, LOOK_UP)\n            continue",
        "            if refund.next_look_up_at is not None and now >= refund.next_look_up_at:\n"
        "                return SendRefund(refund)\n            continue",
    ),
    Fault(
        "a refund that was not done holds up the next one",
        STEPS,
        "        if refund.refund_id in held or state.refund_held(refund):\n            continue",
        "        if refund.refund_id in held:\n            return Nothing()",
    ),
    Fault(
        "a refund in doubt holds up the next one",
        STEPS,
        "                return LookUpRefund(refund, LOOK_UP)\n            continue",
        "                return LookUpRefund(refund, LOOK_UP)\n            return Nothing()",
    ),
    Fault(
        "a refund falls due and nobody is told",
        AGENDA,
        "        *(_refund(state, each) for each in state.refunds),\n",
        "",
    ),
    Fault(
        "a cancellation refunds what it was not asked to",
        ENDING,
        "    if not refund:\n        return facts",
        "    if False:\n        return facts",
    ),
    Fault(
        "a change refunds what it was not asked to",
        CHANGING,
        "    if not wish.refund:",
        "    if False:",
    ),
    Fault(
        "a surplus that is paid back is dismissed as well",
        DISCREPANCIES,
        "    if refund and resolution is Resolution.DISMISSED:",
        "    if False:",
    ),
)
