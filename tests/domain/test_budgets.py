"""Attempt budgets: how many attempts a card has, when the next has a place, whose card it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.budgets import (
    BUDGETS,
    Budget,
    Outcome,
    Scope,
    Tried,
    allowed_at,
    budgets_of,
    counted,
    instrument_key,
    network_of,
    wait_for,
)
from domain.processes.agenda import ItemKind, agenda_of
from domain.processes.next_step import next_step
from domain.processes.places import place_for, without_place
from domain.processes.steps import Record
from domain.providers import Provider
from domain.subscription.events import CollectionPostponed, Instrument, InvoiceIssued
from domain.subscription.postponing import postpone
from domain.subscription.state import Subscription
from tests.domain.stages import answered, attempted, cancelled, invoiced
from tests.specimens import (
    CARD,
    DAY,
    DUE,
    HOUR,
    MERCHANT,
    MINUTE,
    ZONE_VERSION,
    captured,
    declined,
    key,
    signed_up,
)
from tests.vocabulary import given as facts_given
from tests.vocabulary import play

NOW = DUE
MASTERCARD = attrs.evolve(CARD, brand="Mastercard")
WALLET = Instrument(kind="wallet", brand="paypal")


def declines(count: int, *, every: timedelta = HOUR, last: timedelta = HOUR) -> list[Tried]:
    """So many declines, evenly apart, the last so long ago."""
    return [Tried(NOW - last - n * every, Outcome.DECLINED) for n in range(count)]


def names(network: str, provider: Provider) -> list[str]:
    return [each.name for each in budgets_of(network, provider)]


def test_the_figures_are_those_of_the_networks_and_of_dintero() -> None:
    """Held here once more, by hand: they are what a merchant is blocked by."""
    assert {
        each.name: (each.limit, each.window / DAY, each.scope.provider, each.reset_by_success)
        for each in BUDGETS
    } == {
        "visa-30-days": (20, 30, None, False),
        "mastercard-day": (10, 1, None, False),
        "mastercard-30-days": (35, 30, None, False),
        "dintero-mastercard-day": (10, 1, Provider.DINTERO, True),
        "dintero-visa-30-days": (15, 30, Provider.DINTERO, True),
    }


def test_which_budgets_an_attempt_keeps() -> None:
    """The network's everywhere, Dintero's through Dintero, none for what has none."""
    assert names("visa", Provider.PAYPAL) == ["visa-30-days"]
    assert names("visa", Provider.DINTERO) == ["visa-30-days", "dintero-visa-30-days"]
    assert names("mastercard", Provider.PAYPAL) == ["mastercard-day", "mastercard-30-days"]
    assert len(names("mastercard", Provider.DINTERO)) == 3
    assert names("", Provider.DINTERO) == []


@pytest.mark.parametrize(
    ("brand", "network"),
    [
        ("Visa", "visa"),
        ("VISA", "visa"),
        ("Visa Electron", "visa"),
        ("Mastercard", "mastercard"),
        ("MASTER_CARD", "mastercard"),
        ("MasterCard", "mastercard"),
        ("Amex", ""),
        ("", ""),
    ],
)
def test_the_network_of_a_brand(brand: str, network: str) -> None:
    """However it is written; a wallet has none, whatever it is called."""
    assert network_of(attrs.evolve(CARD, brand=brand)) == network
    assert network_of(Instrument(kind="wallet", brand=brand)) == ""


# --- whose card -------------------------------------------------------------------------------


def test_one_card_behind_several_tokens_is_one_instrument() -> None:
    """Whichever subscription the token is for, however the brand is written."""
    one = instrument_key(Provider.DINTERO, "main", "c-1", CARD, "token-1")
    shouted = attrs.evolve(CARD, brand="VISA", provider_token_id="other")
    assert instrument_key(Provider.DINTERO, "main", "c-1", shouted, "token-2") == one
    assert len(one) == 32


@pytest.mark.parametrize(
    "other",
    [
        (Provider.PAYPAL, "main", "c-1", CARD),
        (Provider.DINTERO, "shop", "c-1", CARD),
        (Provider.DINTERO, "main", "c-2", CARD),
        (Provider.DINTERO, "main", "c-1", MASTERCARD),
        (Provider.DINTERO, "main", "c-1", attrs.evolve(CARD, last_digits="1112")),
        (Provider.DINTERO, "main", "c-1", attrs.evolve(CARD, expires="2029-05")),
        (Provider.DINTERO, "main", "c-1", attrs.evolve(CARD, kind="wallet")),
    ],
)
def test_what_tells_two_cards_apart(other: tuple[Provider, str, str, Instrument]) -> None:
    """Provider, account, customer, brand, last digits, expiry, kind."""
    one = instrument_key(Provider.DINTERO, "main", "c-1", CARD, "token-1")
    assert instrument_key(*other, "token-1") != one


def test_a_wallet_is_known_by_its_token() -> None:
    """Nothing else tells one wallet from another."""
    keys = {instrument_key(Provider.PAYPAL, "main", "c-1", WALLET, ref) for ref in "ab"}
    assert len(keys) == 2


# --- counting ---------------------------------------------------------------------------------

DAILY = Budget(name="daily", scope=Scope(network="visa"), limit=3, window=DAY)
RESET = attrs.evolve(DAILY, name="reset", reset_by_success=True)


def test_a_budget_with_room_lets_the_next_through() -> None:
    """Two of three used."""
    assert allowed_at(declines(2), [DAILY], NOW) is None
    assert allowed_at([], [DAILY], NOW) is None
    assert allowed_at(declines(99), [], NOW) is None


def test_the_next_place_is_when_the_oldest_leaves_the_window() -> None:
    """Declined 1, 2 and 3 hours ago: the oldest counts for 21 hours more."""
    assert allowed_at(declines(3), [DAILY], NOW) == NOW + 21 * HOUR
    # Five used of three: the third youngest has to leave.
    assert allowed_at(declines(5), [DAILY], NOW) == NOW + 21 * HOUR


def test_the_window_ends_to_the_microsecond() -> None:
    """What was tried exactly one window ago counts no more."""
    tried = [Tried(NOW - DAY, Outcome.DECLINED), *declines(2)]
    assert allowed_at(tried, [DAILY], NOW) is None
    almost = NOW - timedelta(microseconds=1)
    assert allowed_at(tried, [DAILY], almost) == NOW


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.NOT_MADE])
def test_what_succeeded_or_was_never_made_does_not_count(outcome: Outcome) -> None:
    """However many there were."""
    tried = [Tried(each.attempted_at, outcome) for each in declines(9)]
    assert allowed_at(tried, [DAILY], NOW) is None


def test_a_success_begins_the_count_anew_where_the_budget_says_so() -> None:
    """Three declines before it are forgotten by the one, and not by the other."""
    tried = [*declines(3, last=5 * HOUR), Tried(NOW - 2 * HOUR, Outcome.SUCCEEDED)]
    assert allowed_at(tried, [RESET], NOW) is None
    assert allowed_at(tried, [DAILY], NOW) is not None
    assert len(counted([*tried, *declines(1)], RESET, NOW)) == 1


@pytest.mark.parametrize(
    ("outcome", "wait"), [(Outcome.OPEN, 15 * MINUTE), (Outcome.UNKNOWN, DAY - HOUR)]
)
def test_doubts_count_and_are_waited_for_a_short_time(outcome: Outcome, wait: timedelta) -> None:
    """Their outcome may free the place long before they leave the window."""
    tried = [Tried(each.attempted_at, outcome) for each in declines(3, every=MINUTE * 0)]
    assert allowed_at(tried, [DAILY], NOW) == NOW + wait


def test_the_longest_wait_of_all_budgets_counts() -> None:
    """And is the one that is named."""
    monthly = Budget(name="monthly", scope=DAILY.scope, limit=3, window=30 * DAY)
    wait = wait_for(declines(3), [DAILY, monthly], NOW)
    assert wait is not None
    assert (wait.budget.name, wait.until) == ("monthly", NOW - 3 * HOUR + 30 * DAY)


def test_the_eleventh_of_a_day_and_the_thirty_sixth_of_a_month() -> None:
    """Mastercard's own figures, by hand."""
    mastercard = budgets_of("mastercard", Provider.PAYPAL)
    assert allowed_at(declines(9), mastercard, NOW) is None
    assert allowed_at(declines(10), mastercard, NOW) == NOW + 14 * HOUR
    spread = declines(35, every=20 * HOUR, last=25 * HOUR)
    assert allowed_at(spread[:34], mastercard, NOW) is None
    assert allowed_at(spread, mastercard, NOW) == spread[-1].attempted_at + 30 * DAY


@st.composite
def moments(draw: st.DrawFn) -> list[timedelta]:
    """How long after the one before each attempt is wished for."""
    hours = st.integers(0, 50).map(lambda count: count * HOUR)
    return draw(st.lists(hours, min_size=1, max_size=80))


@settings(max_examples=150, deadline=None)
@given(moments(), st.data(), st.sampled_from(["visa", "mastercard"]), st.sampled_from(Provider))
def test_no_stretch_of_a_window_ever_holds_more_than_the_limit(
    waits: list[timedelta], data: st.DataObject, network: str, provider: Provider
) -> None:
    """Whoever keeps to the answers is never above any budget; after the wait there is a place.

    Counted by another book: failures as the network sees them, in any window whatsoever.
    """
    budgets, tried, now = budgets_of(network, provider), list[Tried](), NOW
    outcomes = st.sampled_from([Outcome.DECLINED] * 6 + [Outcome.UNKNOWN, Outcome.SUCCEEDED])
    put_off = 0
    for wait in waits:
        now += wait
        until = allowed_at(tried, budgets, now)
        if until is not None:
            put_off += 1
            assert until > now
            now = until
            if all(each.outcome is Outcome.DECLINED for each in tried):
                assert allowed_at(tried, budgets, now) is None
            continue
        tried.append(Tried(now, data.draw(outcomes)))
    event(f"put off: {min(put_off, 5)}, tried: {len(tried) // 10 * 10}")
    for budget in budgets:
        for window in _windows(tried, budget):
            assert window <= budget.limit, budget.name


def _windows(tried: list[Tried], budget: Budget) -> Iterator[int]:
    """How many failures each stretch of a window holds that ends with one, a success beginning
    the count anew where the budget has that."""
    for place, end in enumerate(tried):
        count = 0
        for each in reversed(tried[: place + 1]):
            if each.attempted_at <= end.attempted_at - budget.window:
                break
            if each.outcome is Outcome.SUCCEEDED and budget.reset_by_success:
                break
            count += each.outcome in (Outcome.DECLINED, Outcome.UNKNOWN)
        yield count


# --- places -----------------------------------------------------------------------------------


def step_at_due(state: Subscription) -> Record:
    """The step that bills and attempts."""
    step = next_step(state, now=DUE, taken_before=False, zone_version=ZONE_VERSION)
    assert isinstance(step, Record)
    return step


def test_an_attempt_on_a_card_wants_a_place() -> None:
    """Under the attempt's own key, at the instant of its intention."""
    state = facts_given(*signed_up(provider=Provider.DINTERO)).state
    step = step_at_due(state)
    place = place_for(state, step.events)
    assert place is not None
    assert (place.attempt_id, place.attempted_at) == (key(), DUE)
    assert [each.name for each in place.budgets] == ["visa-30-days", "dintero-visa-30-days"]
    assert place.instrument == instrument_key(Provider.DINTERO, "main", "c-1", CARD, "")


def test_what_attempts_nothing_and_what_has_no_budget_wants_none() -> None:
    """An invoice alone; a wallet; a brand that we know no budget of."""
    before, after = invoiced(), attempted()
    assert place_for(before.state, before.facts) is None
    for instrument in (WALLET, attrs.evolve(CARD, brand="Amex")):
        assert before.state.token is not None
        token = attrs.evolve(before.state.token, instrument=instrument)
        assert place_for(attrs.evolve(before.state, token=token), after.facts) is None


def test_without_a_place_it_bills_and_puts_the_charge_off() -> None:
    """Nothing is attempted; it is on the agenda for when the budget has a place again."""
    state = facts_given(*signed_up(provider=Provider.DINTERO)).state
    step = step_at_due(state)
    wait = wait_for(declines(15), budgets_of("visa", Provider.DINTERO), DUE)
    assert wait is not None
    instead = without_place(state, step, wait, now=DUE)
    assert [type(each) for each in instead.events] == [InvoiceIssued, CollectionPostponed]
    assert instead.cause == step.cause
    assert instead.events[-1] == CollectionPostponed(
        customer_id="c-1",
        invoice_number=1,
        collect_at=wait.until,
        reason="dintero-visa-30-days",
        effective_at=DUE,
    )


def test_a_put_off_charge_is_no_retry() -> None:
    """Its retries are counted as before, and it is tried when its time has come."""
    start = invoiced()
    until = DUE + 5 * DAY
    facts = postpone(start.state, (), 1, until=until, reason="visa-30-days", now=DUE)
    run = play(*start.facts, *facts)
    invoice = run.state.invoice(1)
    assert invoice is not None
    assert (invoice.retries, invoice.retry_at, invoice.postponed) == (0, until, "visa-30-days")
    assert run.at(until - MINUTE) == []
    assert run.at(until, declined()) == ["ChargeAttempted", "ChargeDeclined", "RetryScheduled"]
    invoice = run.state.invoice(1)
    assert invoice is not None
    assert (invoice.retries, invoice.postponed) == (1, "")


def test_putting_off_is_quiet_where_there_is_nothing_to_put_off() -> None:
    """Again, earlier, ended, paid, cancelled."""
    start = invoiced()
    until = {"until": DUE + DAY, "reason": "visa-30-days", "now": DUE}
    after = start.when(postpone, (), 1, **until).then_types(CollectionPostponed)
    after.when(postpone, (), 1, **until).then_nothing()
    after.when(postpone, (), 1, **{**until, "until": DUE + HOUR}).then_nothing()
    start.when(postpone, (), 2, **until).then_nothing()
    answered(attempted(), captured()).when(postpone, (), 1, **until).then_nothing()
    answered(attempted(), MERCHANT).when(postpone, (), 1, **until).then_nothing()
    cancelled(start).when(postpone, (), 1, **until).then_nothing()


def test_the_agenda_says_why_it_waits() -> None:
    """In the words of the budget."""
    start = invoiced()
    until = DUE + 5 * DAY
    facts = postpone(start.state, (), 1, until=until, reason="visa-30-days", now=DUE)
    state = start.and_(*facts).state
    (item,) = [each for each in agenda_of(state) if each.kind is ItemKind.COLLECT]
    assert (item.due_at, item.why) == (
        until,
        "postponed: the card's budget visa-30-days is used up",
    )
