"""Faults to plant in attempt budgets and the backup method; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

BUDGETS, PLACES = "domain/budgets.py", "domain/processes/places.py"
BACKING, RETRYING = "domain/subscription/backing.py", "domain/subscription/retrying.py"
FOLDING, VAULTING = "domain/subscription/folding.py", "domain/subscription/vaulting.py"
POSTPONING = "domain/subscription/postponing.py"
FOLDING_VAULTING = "domain/subscription/folding_vaulting.py"
FOLDING_PAYMENTS = "domain/subscription/folding_payments.py"

TESTS = ("test_budgets", "test_backing", "test_backing_in_dunning")
FAULTS = (
    # --- budgets --------------------------------------------------------------------------------
    Fault(
        "one attempt more than the network allows",
        BUDGETS,
        "    too_many = len(used) - budget.limit + 1",
        "    too_many = len(used) - budget.limit",
    ),
    Fault(
        "an attempt whose outcome is open uses nothing up",
        BUDGETS,
        "_COUNTED = frozenset({Outcome.OPEN, Outcome.DECLINED, Outcome.UNKNOWN})",
        "_COUNTED = frozenset({Outcome.DECLINED, Outcome.UNKNOWN})",
    ),
    Fault(
        "a doubt is taken for money that moved",
        BUDGETS,
        "_COUNTED = frozenset({Outcome.OPEN, Outcome.DECLINED, Outcome.UNKNOWN})",
        "_COUNTED = frozenset({Outcome.OPEN, Outcome.DECLINED})",
    ),
    Fault(
        "a success gives the network's count back too",
        BUDGETS,
        "    if budget.reset_by_success:\n",
        "    if True:\n",
    ),
    Fault(
        "a success never gives anything back",
        BUDGETS,
        "    if budget.reset_by_success:\n",
        "    if False:\n",
    ),
    Fault(
        "what was tried a whole window ago still counts",
        BUDGETS,
        "each.attempted_at > begins]",
        "each.attempted_at >= begins]",
    ),
    Fault(
        "the shortest of the waits counts",
        BUDGETS,
        "    return max((each for each in waits",
        "    return min((each for each in waits",
    ),
    Fault(
        "through Dintero only Dintero's budgets are kept",
        BUDGETS,
        "each.scope.provider in (None, provider)",
        "each.scope.provider == provider",
    ),
    Fault(
        "each subscription's token is a card of its own",
        BUDGETS,
        '    what = ("card", customer_id, *card) if instrument.kind == "card"',
        '    what = ("card", token_ref, *card) if instrument.kind == "card"',
    ),
    Fault(
        "a renewed card is taken for the old one",
        BUDGETS,
        "    card = (instrument.brand.casefold(), instrument.last_digits, instrument.expires)",
        "    card = (instrument.brand.casefold(), instrument.last_digits)",
    ),
    Fault(
        "a brand is known only as we write it",
        BUDGETS,
        "for each in instrument.brand.casefold() if each.isalpha()",
        "for each in instrument.brand if each.isalpha()",
    ),
    Fault(
        "without a place it is attempted all the same",
        PLACES,
        "    return Record((*others, *postponed), step.cause)",
        "    return Record((*step.events, *postponed), step.cause)",
    ),
    Fault(
        "without a place it is not even billed",
        PLACES,
        "    return Record((*others, *postponed), step.cause)",
        "    return Record(postponed, step.cause)",
    ),
    Fault(
        "an invoice in a person's hands is put off, and so tried again",
        POSTPONING,
        "invoice.ended or ",
        "",
    ),
    Fault(
        "a put-off charge is due at once",
        FOLDING,
        "            return with_invoice(state, number, retry_at=at, postponed=reason)",
        "            return with_invoice(state, number, postponed=reason)",
    ),
    # --- the backup -----------------------------------------------------------------------------
    Fault(
        "the backup is tried although the terms say no",
        BACKING,
        " or not state.terms.backup",
        "",
    ),
    Fault(
        "the backup is tried twice for one invoice",
        BACKING,
        " or invoice.backup_tried",
        "",
    ),
    Fault(
        "the backup is tried before the first method failed",
        BACKING,
        "    if first is None or invoice.first_failed:",
        "    if True:",
    ),
    Fault(
        "a backup becomes the first method",
        FOLDING_VAULTING,
        "                    backup=token,\n",
        "                    token=token,\n",
    ),
    Fault(
        "a declined backup leaves the payer unasked",
        RETRYING,
        "    if first is not None and not first.usable and not ours:\n"
        "        return request_token(state, reason=declined.code, now=now)",
        "    if first is not None and not first.usable and not ours:\n        return ()",
    ),
    Fault(
        "after the backup paid, nobody is asked for a new first method",
        BACKING,
        "    if not failed_here or first is None",
        "    if True or first is None",
    ),
    Fault(
        "a payer who said no is asked every month that the backup pays",
        BACKING,
        "    failed_here = attempt.attempt_number > 1 and state.on_backup(attempt)",
        "    failed_here = state.on_backup(attempt)",
    ),
    Fault(
        "retries of the first are passed over for the backup",
        RETRYING,
        "    return declined.decline is not DeclineClass.SOFT or used_up",
        "    return True",
    ),
    Fault(
        "a backup that was never charged counts as tried",
        FOLDING,
        "        return with_invoice(settled, number, backup_tried=False) if on_backup",
        "        return settled if on_backup",
    ),
    Fault(
        "a first method that fails while a backup is asked for is forgotten",
        VAULTING,
        "    if request.purpose is not TokenPurpose.BACKUP or not _first_failed(state):",
        "    if request.purpose is not None:",
    ),
    # --- the backup, and the end of dunning -------------------------------------------------------
    Fault(
        "collection ends before the backup was tried",
        RETRYING,
        "    if declined.decline is not DeclineClass.MERCHANT and _backup_is_next(",
        "    if declined.decline is DeclineClass.HARD and _backup_is_next(",
    ),
    Fault(
        "after the backup the first method is charged again, at once, and collection never ends",
        RETRYING,
        "    return (_retry(state, attempt, invoice, unadvised, now),)",
        "    return ()",
    ),
    Fault(
        "a first method that is new is given up for what the old backup answers",
        RETRYING,
        "    if not invoice.first_failed:\n        return ()\n",
        "",
    ),
    Fault(
        "collected again, an invoice is not tried on the backup any more",
        FOLDING_PAYMENTS,
        '    "backup_tried": False,\n',
        "",
    ),
    Fault(
        "collected again, an invoice is tried on the backup alone",
        FOLDING_PAYMENTS,
        '    "first_failed": False,\n',
        "",
    ),
    Fault(
        "a new backup leaves uncollected what had ended",
        FOLDING_VAULTING,
        '        return with_(invoice, backup_tried=False, ended="")',
        "        return with_(invoice, backup_tried=False)",
    ),
    Fault(
        "a new backup has collected what a person has to look at",
        FOLDING_VAULTING,
        "    if agreed and invoice.ended not in FOR_A_PERSON:",
        "    if agreed:",
    ),
)
