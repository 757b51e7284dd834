"""What a change of terms would do, in messages: the same for the API and the command line.

Answered by domain.previews, so by the functions that change and bill. Nothing is written.
Refused, besides what changing.change_terms refuses: "preview-ambiguous", "moment-missing",
"preview-too-long", "start-out-of-range", "instant-without-offset", "instant-out-of-range".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import msgspec

from domain.calendar import local_day
from domain.money import Money
from domain.plan import Proration, Terms
from domain.plan_rules import check_terms
from domain.previews import (
    LARGEST_PREVIEW,
    as_if,
    preview_change,
)
from domain.recorded import stored_name
from domain.refusals import Refused
from domain.schedule import Schedule, schedule_of
from domain.subscription.changing import Change
from domain.subscription.events import (
    CreditGranted,
    InvoiceIssued,
    InvoiceLine,
    SubscriptionEvent,
    TermsChanged,
    When,
)
from domain.subscription.state import Subscription
from infrastructure.api.asked import Asked
from infrastructure.api.asked_terms import ChangedTerms
from infrastructure.commands.previews import PreviewedTerms
from infrastructure.commands.wishes import NewTerms, checked_instant, checked_start


class Present(Asked, kw_only=True):
    """A subscription that never was, with a token and every period billed. See ScheduleAsked."""

    start: date
    zone: str
    terms: PreviewedTerms


class ChangeAsked(Asked, kw_only=True):
    """What would a change of terms write, and what would the next invoice come to?

    subscription_id: of the books; or present: of no books.
    at: the instant of the change; needed with `present`, else it is now.
    terms, when, proration, refund: as in a change.
    """

    terms: ChangedTerms
    subscription_id: str | None = None
    present: Present | None = None
    at: datetime | None = None
    when: When = When.NOW
    proration: Proration | None = None
    refund: bool = False


class FactToCome(msgspec.Struct, kw_only=True):
    """A fact as it would be written. name: its stored name; fact: its fields."""

    name: str
    fact: dict[str, Any]

    @classmethod
    def all_of(cls, facts: Iterable[SubscriptionEvent]) -> tuple[FactToCome, ...]:
        """Facts in their order, as they would be written."""
        return tuple(
            cls(name=stored_name(type(each)), fact=msgspec.to_builtins(each)) for each in facts
        )


class ChangeAnswer(msgspec.Struct, kw_only=True):
    """What a change would do.

    position: of the log, at which this holds; null where no books were asked.
    changed: false where these terms are agreed to already.
    facts: what would be written, the invoices that are due by then first.
    terms: those agreed to afterwards, billed from invoice `from_invoice` on; null: no change.
    credited: what becomes credit, by `credit_lines`. refunded: what of it goes back to the payer.
    invoice: the next one afterwards; applied: what credit pays of it; to_pay: what is left.
    """

    position: int | None
    at: datetime
    changed: bool
    facts: tuple[FactToCome, ...]
    terms: Terms
    from_invoice: int | None
    credited: Money
    credit_lines: tuple[InvoiceLine, ...]
    refunded: Money
    invoice: InvoiceIssued | None
    applied: Money
    to_pay: Money


def stated(asked: ChangeAsked, zone_version: str) -> tuple[Subscription, datetime]:
    """The subscription that never was, at the moment of its change. Raises: Refused."""
    present = asked.present
    if present is None or asked.subscription_id is not None:
        raise Refused("preview-ambiguous", "give either subscription_id or present")
    if asked.at is None:
        raise Refused("moment-missing", "say at which instant it is changed")
    start, at, terms = (
        checked_start(present.start),
        checked_instant(asked.at),
        present.terms.terms(),
    )
    check_terms(terms)
    _check_length(schedule_of(start, terms), 0, at, present.zone)
    return as_if(start, terms, present.zone, now=at, zone_version=zone_version), at


def answer_change(
    asked: ChangeAsked,
    state: Subscription,
    *,
    now: datetime,
    zone_version: str,
    position: int | None = None,
) -> ChangeAnswer:
    """What the change that is asked about would do to a subscription. Raises: Refused."""
    return preview_of(
        state,
        asked.terms.new_terms(),
        when=asked.when,
        proration=asked.proration,
        refund=asked.refund,
        now=now,
        zone_version=zone_version,
        position=position,
    )


def preview_of(
    state: Subscription,
    new: NewTerms,
    *,
    when: When,
    proration: Proration | None,
    refund: bool,
    now: datetime,
    zone_version: str,
    position: int | None,
) -> ChangeAnswer:
    """What a change of a subscription would do. Raises: Refused."""
    _check_length(state.schedule, state.invoices_issued, now, state.zone)
    wish = Change(
        terms=new.over(state.agreed),
        when=when,
        reason="preview",
        proration=proration,
        refund=refund,
    )
    seen = preview_change(state, wish, now=now, zone_version=zone_version)
    changed = next((each for each in seen.facts if isinstance(each, TermsChanged)), None)
    credits = [each for each in seen.facts if isinstance(each, CreditGranted)]
    return ChangeAnswer(
        position=position,
        at=now,
        changed=changed is not None,
        facts=FactToCome.all_of(seen.facts),
        terms=state.agreed if changed is None else changed.terms,
        from_invoice=None if changed is None else changed.from_invoice,
        credited=seen.credited,
        credit_lines=tuple(line for each in credits for line in each.lines),
        refunded=seen.refunded,
        invoice=seen.invoice,
        applied=seen.applied,
        to_pay=seen.to_pay,
    )


def _check_length(schedule: Schedule, issued: int, at: datetime, zone: str) -> None:
    """Every period up to the moment is billed for the answer: a bounded number of them."""
    if local_day(at, zone) >= schedule.period(issued + LARGEST_PREVIEW).start:
        raise Refused("preview-too-long", f"more than {LARGEST_PREVIEW} periods lie before {at}")
