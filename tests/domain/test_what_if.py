"""The same history under other terms."""

from __future__ import annotations

import attrs
from hypothesis import HealthCheck, event, given, settings

from domain.calendar import Interval, Unit
from domain.deciding_anew import OtherPolicy
from domain.money import Money
from domain.plan import Proration, Terms, Timing
from domain.subscription.changing import Change, change_terms
from domain.subscription.events import When
from domain.subscription.invoicing import issue_invoice
from domain.subscription.metering import Report, report_usage
from domain.what_if import what_if
from tests.books import Books, Clock
from tests.domain.asking import DATA, by_threshold
from tests.domain.billing import BIG, FEB_10, at_price
from tests.histories import ZONE_VERSION, History, histories, show
from tests.specimens import SIGNED_UP, wish

SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def upgraded() -> Books:
    """299.00 from 31 January, 499.00 from 10 February on; at the due instant of the 29th."""
    books = Books(SIGNED_UP)
    books.sign_up(wish())
    books.advance(Clock.NEXT_DUE, "s-1")
    books.intend("s-1")
    books.now = FEB_10
    wanted = Change(terms=at_price(BIG), when=When.NOW, reason="wants more")
    facts = change_terms(books.states["s-1"], wanted, now=FEB_10, zone_version=ZONE_VERSION)
    books.append("s-1", facts)
    books.advance(Clock.NEXT_DUE, "s-1")
    return books


def billed_on(books: Books) -> Books:
    """The second invoice is issued."""
    state = books.states["s-1"]
    assert state.next_due_at is not None
    books.now = state.next_due_at
    books.append("s-1", issue_invoice(state, now=books.now, zone_version=ZONE_VERSION))
    return books


def test_under_the_same_terms_nothing_differs() -> None:
    """299.00 + 825.93 billed, 195.90 credited."""
    found = what_if(billed_on(upgraded()).log, OtherPolicy())
    assert found.was == found.would_be
    assert (found.was.billed, found.was.credited) == (29900 + 82593, 19590)
    assert found.difference == Money(0, "NOK")


def test_usage_that_comes_to_the_threshold_is_billed_once() -> None:
    """The report writes the invoice: the base fee of 299.00, 250 GB at 0.40, and nothing twice."""
    books = Books(SIGNED_UP)
    books.sign_up(attrs.evolve(wish(), terms=by_threshold(Timing.PREPAID)))
    books.advance(Clock.NEXT_DUE, "s-1")
    books.intend("s-1")
    books.now = FEB_10
    report = Report(usage_id="u-1", meter=DATA.code, quantity=250, at=FEB_10)
    books.append("s-1", report_usage(books.states["s-1"], report, now=FEB_10))
    found = what_if(books.log, OtherPolicy())
    assert found.was == found.would_be
    assert (found.was.invoices, found.was.billed) == (2, 29_900 + 10_000)


def test_another_rule_of_proration_is_shown_in_money() -> None:
    """Without proration: 326.93 less charged, 195.90 less given back."""
    found = what_if(billed_on(upgraded()).log, OtherPolicy(proration=Proration.NONE))
    assert (found.would_be.billed, found.would_be.credited) == (29900 + 49900, 0)
    assert found.difference == Money(-(32693 - 19590), "NOK")


def test_another_price_prices_every_version_of_the_terms() -> None:
    """Ten per cent more, before and after the change: 11/10 x 299.00 = 328.90, 548.90."""

    def dearer(agreed: Terms) -> Terms:
        price = Money(agreed.price.minor * 11 // 10, agreed.price.currency)
        return attrs.evolve(agreed, price=price)

    found = what_if(billed_on(upgraded()).log, OtherPolicy(terms=dearer))
    # 548.90 x 19/29 = 359.6241..., 328.90 x 19/29 = 215.4862...
    assert (found.would_be.billed, found.would_be.credited) == (32890 + 54890 + 35962, 21549)


def test_what_the_other_terms_would_have_refused_is_said() -> None:
    """Another interval in the middle of a period, where periods are billed at their end."""

    def arrears(agreed: Terms) -> Terms:
        return attrs.evolve(agreed, timing=Timing.POSTPAID)

    books = upgraded()
    yearly = Change(
        terms=attrs.evolve(at_price(BIG), interval=Interval(Unit.YEAR)),
        when=When.NOW,
        reason="by the year",
    )
    facts = change_terms(books.states["s-1"], yearly, now=books.now, zone_version=ZONE_VERSION)
    books.append("s-1", facts)
    found = what_if(books.log, OtherPolicy(terms=arrears))
    assert len(found.refused) == 1
    assert "change-at-period-end" in found.refused[0]


@SOME
@given(histories())
def test_deciding_a_history_anew_bills_the_same(history: History) -> None:
    """Read as wishes and decided again under the same terms, every history bills the same."""
    show(history)
    for wanted in history.wishes:
        log = [each for each in history.log if each.stream.endswith(f"-{wanted.subscription_id}")]
        found = what_if(log, OtherPolicy())
        assert found.refused == ()
        assert found.was == found.would_be
        event(f"invoices decided anew: {min(found.was.invoices, 4)}")
        if found.was.credited:
            event("credits decided anew")
