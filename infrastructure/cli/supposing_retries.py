"""`billing what-if --retry`: the same history under another retry schedule, for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from infrastructure.cli.output import amount, print_table

if TYPE_CHECKING:
    from domain.plan import RetryPolicy
    from domain.retried import InvoiceRetried, Retried, Try
    from domain.what_if_retries import OtherSchedule

FIGURES = ("certain", "later", "unknown", "lost", "perhaps", "least", "most")
MOST_SHOWN = 50
_MONEY = ("was", *FIGURES)
_INVOICE = ("was", "least", "most")


def other_schedule(retry: str, end: str | None, grace_days: int | None) -> OtherSchedule:
    """From the schedule that was agreed to, the other one. retry: "3,5,7", or "none".

    Raises: click.BadParameter; Refused("retry-policy-malformed"), Refused("grace-malformed").
    """
    from domain.plan import DunningEnd, RetryPolicy, checked_retry

    named = [] if retry.strip().lower() == "none" else retry.split(",")
    try:
        waits = tuple(int(each) for each in named)
    except ValueError:
        words = f"{retry!r} is not like 3,5,7, or none"
        raise click.BadParameter(words, param_hint="--retry") from None

    def other(agreed: RetryPolicy) -> RetryPolicy:
        return RetryPolicy(
            waits,
            agreed.end if end is None else DunningEnd(end.upper()),
            agreed.grace_days if grace_days is None else grace_days,
        )

    checked_retry(other(RetryPolicy()))
    return other


def totals_of(found: Mapping[str, Retried]) -> dict[str, dict[str, int]]:
    """Per currency, minor units."""
    totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in found.values():
        sums = totals[each.currency]
        sums["subscriptions"] += 1
        sums["invoices"] += len(each.invoices)
        sums["was"] += each.was
        for figure in FIGURES:
            sums[figure] += each.total(figure)
    return {currency: dict(sums) for currency, sums in totals.items()}


def as_message(found: Mapping[str, Retried]) -> dict[str, Any]:
    """Every invoice with its tries, for machines."""
    import msgspec

    return {
        name: [
            {**msgspec.to_builtins(each), "least": each.least, "most": each.most}
            for each in retried.invoices
        ]
        for name, retried in found.items()
    }


def print_retried(found: Mapping[str, Retried]) -> None:
    """The invoices that would have been collected otherwise, and the sums."""
    rows = [
        (name, *_row(each, retried.currency))
        for name, retried in found.items()
        for each in retried.invoices
        if each.standing.value != "SAME"
    ]
    columns = ("subscription", "invoice", "due", "was", "paid on", "would be", "least", "most")
    print_table((*columns, "tries"), rows[:MOST_SHOWN], right=_INVOICE)
    if len(rows) > MOST_SHOWN:
        click.echo(f"and {len(rows) - MOST_SHOWN} more (--json lists them)")
    sums = [
        (
            f"{each['subscriptions']} subscriptions, {each['invoices']} invoices",
            currency,
            *(amount(each[name], currency) for name in _MONEY),
        )
        for currency, each in sorted(totals_of(found).items())
    ]
    click.echo()
    print_table(("all", "currency", *_MONEY), sums, right=_MONEY)


def _row(invoice: InvoiceRetried, currency: str) -> tuple[str, ...]:
    standing = invoice.standing.value.lower().replace("_", " ")
    if invoice.stopped_by is not None:
        standing = f"{standing}, stopped by invoice {invoice.stopped_by}"
    return (
        str(invoice.invoice_number),
        str(invoice.due_on),
        amount(invoice.was.minor, currency),
        ", ".join(map(str, invoice.paid_on)),
        standing,
        amount(invoice.least, currency),
        amount(invoice.most, currency),
        ", ".join(map(_try_in_words, invoice.tries)),
    )


def _try_in_words(attempt: Try) -> str:
    words = attempt.code or attempt.outcome.value.lower().replace("_", " ")
    return f"{attempt.on} {words}{' (backup)' if attempt.backup else ''}"
