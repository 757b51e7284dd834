"""Histories that the rules can make: Hypothesis strategies over the real decisions.

A history is drawn as wishes to start and a list of plain moves ("advance the clock so, work, let
the provider answer so"). `play` plays them through next_step, follow, cancel and the other
decisions, so every fact in it is one that the rules made; nothing is made up. Being plain data,
a history shrinks well, and the same moves always give the same log.

    @given(histories())
    def test_something(history):
        show(history)                       # hypothesis.event(...): what was reached
        for recorded in history.log: ...

`Books` (books.py) is the log in memory; hand-written tests may drive it move by move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import TypeVar
from uuid import UUID, uuid5

import attrs
from hypothesis import event as show_event
from hypothesis import strategies as st

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import (
    CaptureMode,
    DunningEnd,
    Kind,
    Proration,
    Reload,
    RetryPolicy,
    Terms,
    Timing,
)
from domain.ports import Captured
from domain.processes.answers import Answer
from domain.processes.steps import Call, LookUp, LookUpRefund, LookUpToken
from domain.providers import RULES, Provider
from domain.recorded import Recorded, stored_name
from domain.refusals import Refused
from domain.subscription.charging import CALLBACK, settle
from domain.subscription.ending import cancel
from domain.subscription.events import (
    ChargeAttempted,
    ChargeFoundLate,
    ChargeSucceeded,
    InvoiceIssued,
    SubscriptionEvent,
)
from domain.subscription.in_session import pay_in_session
from domain.subscription.looking_up import decide_by_person
from domain.subscription.settling_refunds import decide_refund
from domain.subscription.starting import FirstPayment, Start
from domain.subscription.state import Subscription
from domain.subscription.vaulting import HERE, Elsewhere, ask_payer
from tests.books import ZONE_VERSION, Books, Clock
from tests.prices import priced, with_threshold
from tests.replies import Reply, received, reply_to
from tests.wishes import Wish, decide

__all__ = ["ZONE_VERSION", "Act", "Books", "Clock", "History", "Move", "Reply", "histories"]

T = TypeVar("T")

_SPACE = UUID("6f1d3c52-7f0e-4f3e-9a52-0d6f6a3b7c11")


# --- moves ------------------------------------------------------------------------------------


class Act(Enum):
    """What happens in a move.

    WORK: a worker does the next step; TAKEN_BEFORE: after another that never gave it back.
    PAYER: the payer comes back from the approval page.
    CALLBACK: a provider's hint makes us look at the open attempt.
    LATE: money turns up for an attempt that was settled without money, or has gone by a refund
        that had failed.
    REPEAT: the answer before arrives once more.
    PERSON: a person settles a doubt. NEW_TOKEN: the payer asks for another token.
    CANCEL: the subscription is cancelled. WISH: somebody wishes for something (wishes.py).
    REVOKED: a provider's hint makes us look at a token.
    """

    WORK = "work"
    TAKEN_BEFORE = "taken-before"
    PAYER = "payer"
    CALLBACK = "callback"
    LATE = "late"
    REPEAT = "repeat"
    PERSON = "person"
    NEW_TOKEN = "new-token"
    CANCEL = "cancel"
    WISH = "wish"
    REVOKED = "revoked"


@attrs.frozen
class Move:
    """One thing that happens. which: picks the subscription, modulo their number.

    wish, variant: what is wished for, and which one of its kind, where the act is WISH.
    """

    which: int
    clock: Clock
    act: Act
    reply: Reply
    wish: Wish = Wish.CHANGE
    variant: int = 0


def play(books: Books, moves: Iterable[Move], wishes: list[Start]) -> None:
    """Play moves on the subscriptions of these wishes, which are started already."""
    last: dict[str, tuple[Call, Answer]] = {}
    for move in moves:
        subscription_id = wishes[move.which % len(wishes)].subscription_id
        books.advance(move.clock, subscription_id)
        if move.act in (Act.WORK, Act.TAKEN_BEFORE):
            call = books.intend(subscription_id, taken_before=move.act is Act.TAKEN_BEFORE)
            if call is not None:
                answer = reply_to(call, move.reply, books.now)
                last[subscription_id] = (call, answer)
                books.answer(subscription_id, call, answer)
            elif move.reply is not Reply.NOT_DONE:
                books.payer_comes(subscription_id, move.reply)
        elif move.act is Act.REPEAT:
            if subscription_id in last:
                books.answer(subscription_id, *last[subscription_id])
        else:
            _play_visitor(books, move, subscription_id)


def _play_visitor(books: Books, move: Move, subscription_id: str) -> None:
    """What comes from outside the worker's own round."""
    state, now = books.states[subscription_id], books.now
    attempt = state.open_attempt
    match move.act:
        case Act.PAYER:
            books.payer_comes(subscription_id, move.reply)
        case Act.CALLBACK if attempt is not None and move.variant % 2:
            look = LookUp(attempt, CALLBACK)
            books.answer(subscription_id, look, reply_to(look, move.reply, now))
            if attempt.waits_for_payer:
                books.payer_comes(subscription_id, move.reply)
        case Act.CALLBACK:
            for refund in state.refunds:
                seen = LookUpRefund(refund, CALLBACK)
                books.answer(subscription_id, seen, reply_to(seen, move.reply, now))
        case Act.REVOKED if state.tokens:
            token = state.tokens[move.variant % len(state.tokens)]
            shown = LookUpToken(token, CALLBACK)
            books.answer(subscription_id, shown, reply_to(shown, move.reply, now))
        case Act.LATE if state.failed_attempts and move.variant % 2:
            _find_late(books, move, subscription_id)
        case Act.LATE:
            _find_refund_late(books, move, subscription_id)
        case Act.PERSON if attempt is not None and attempt.unknown:
            took = move.reply is not Reply.NOT_FOUND
            if attempt.waits_for_payer and attempt.page_until and not took:
                return  # nobody can say so before the page is over
            facts = decide_by_person(
                state,
                attempt.attempt_id,
                received=received(move.reply, attempt.amount) if took else None,
                provider_ref="statement-7" if took else "",
                reason="seen in the provider's statement",
                now=now,
            )
            books.append(subscription_id, facts, actor="operator:kari", cause="command:settle")
        case Act.PERSON:
            _settle_refund(books, move, subscription_id)
        case Act.NEW_TOKEN | Act.CANCEL | Act.WISH:
            try:
                if move.act is Act.CANCEL:
                    facts = cancel(state, reason="moved away", now=now)
                elif move.act is Act.WISH:
                    facts = decide(state, move.wish, move.variant, now)
                else:
                    backup = move.variant % 2 == 1
                    where = _elsewhere(state) if move.variant % 4 > 1 else HERE
                    facts = (
                        pay_in_session(
                            state, reason="payer asked", now=now, zone_version=ZONE_VERSION
                        )
                        if move.variant % 3 == 0 and RULES[state.provider].session_pays
                        else ask_payer(
                            state, backup=backup, reason="payer asked", now=now, where=where
                        )
                    )
            except Refused:
                return
            books.append(subscription_id, facts, actor="api:shop", cause="command:api")


def _elsewhere(state: Subscription) -> Elsewhere:
    """At the other provider, or at another account of the same one."""
    other = Provider.DINTERO if state.provider is Provider.PAYPAL else Provider.PAYPAL
    if state.token_requests % 2:
        return Elsewhere(other, "main")
    return Elsewhere(None, "second" if state.account == "main" else "main")


def _settle_refund(books: Books, move: Move, subscription_id: str) -> None:
    """A person finds one of the doubtful refunds in the provider's statement, or does not."""
    state = books.states[subscription_id]
    doubtful = [each for each in state.refunds if each.unknown]
    if not doubtful:
        return
    refund = doubtful[move.which % len(doubtful)]
    whole, made = refund.amount.minor, move.reply is not Reply.NOT_FOUND
    minor = max(whole // 2, 1) if move.reply is Reply.LESS else whole
    facts = decide_refund(
        state,
        refund.refund_id,
        made=Money(minor, refund.amount.currency) if made else None,
        provider_ref="statement-8" if made else "",
        reason="seen in the provider's statement",
        now=books.now,
    )
    books.append(subscription_id, facts, actor="operator:kari", cause="command:settle")


def _find_late(books: Books, move: Move, subscription_id: str) -> None:
    state = books.states[subscription_id]
    failed = state.failed_attempts[move.which % len(state.failed_attempts)]
    asked = next(
        recorded.event
        for recorded in books.log
        if isinstance(recorded.event, ChargeAttempted)
        and recorded.event.attempt_id == failed.attempt_id
    )
    answer = Captured(
        amount=received(move.reply, asked.amount),
        provider_ref=f"cap-{asked.reference}",
        at=asked.effective_at,
    )
    facts = settle(state, failed.attempt_id, answer, evidence=CALLBACK, now=books.now)
    books.append(subscription_id, facts, actor="worker", cause="callback:812")


def _find_refund_late(books: Books, move: Move, subscription_id: str) -> None:
    """A callback makes us look at a refund that had failed."""
    state = books.states[subscription_id]
    if not state.failed_refunds:
        return
    failed = state.failed_refunds[move.which % len(state.failed_refunds)]
    look = LookUpRefund(failed, CALLBACK)
    books.answer(subscription_id, look, reply_to(look, move.reply, books.now))


# --- strategies -------------------------------------------------------------------------------
#
# Strategies are made once, here, not in each draw: making, checking and labelling one costs
# Hypothesis more than drawing from it, and some histories need a hundred.


@attrs.frozen
class History:
    """A log that the rules made, and how it was made."""

    wishes: tuple[Start, ...]
    moves: tuple[Move, ...]
    log: tuple[Recorded[SubscriptionEvent], ...]
    states: dict[str, Subscription]

    def of(self, kind: type[SubscriptionEvent]) -> Iterator[Recorded[SubscriptionEvent]]:
        """The recorded facts of one kind, in order."""
        return (each for each in self.log if isinstance(each.event, kind))


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """None, or a drawn value."""
    return _YES_OR_NO.flatmap(lambda given: strategy if given else _NOTHING)


_YES_OR_NO, _NOTHING = st.booleans(), st.none()
# Every unit, counts that let several periods pass in a short history.
_INTERVALS = st.one_of(
    st.builds(Interval, st.just(Unit.MONTH), st.sampled_from([1, 1, 1, 2, 3, 12])),
    st.builds(Interval, st.just(Unit.DAY), st.sampled_from([1, 7, 10, 30, 365])),
    st.builds(Interval, st.just(Unit.WEEK), st.sampled_from([1, 2, 4, 52])),
    st.just(Interval(Unit.YEAR, 1)),
)
_TRIALS = maybe(_INTERVALS)
_CURRENCIES = st.sampled_from(["USD", "USD", "NOK", "EUR", "JPY", "KWD"])
_KINDS = st.sampled_from([*[Kind.SUBSCRIPTION] * 2, *Kind, Kind.RECURRING])
_FEES = maybe(st.integers(1, 50_000))
_PRICES = st.integers(1, 1_000_000)
_TIMINGS = st.sampled_from(list(Timing))
_CYCLES = st.integers(1, 4)
_CAPTURES = st.sampled_from(list(CaptureMode))
_RETRIES = st.sampled_from([(3, 5, 7), (1,), (), (), (2, 2)])
_DUNNING_ENDS = st.sampled_from([DunningEnd.SUSPEND, DunningEnd.SUSPEND, *DunningEnd])
_GRACE_DAYS = st.sampled_from([0, 0, 1, 14, 40])
_QUANTITIES = st.sampled_from([1, 1, 1, 3])
_PRORATIONS = st.sampled_from(list(Proration))
_SEEDS = st.integers(0, 10_000)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Terms that `check_terms` accepts: all kinds, timings, capture modes and ways to charge."""
    currency = draw(_CURRENCIES)
    kind = draw(_KINDS)
    fee = draw(_FEES)
    if kind in (Kind.UNSCHEDULED, Kind.IMMEDIATE, Kind.DEFERRED):
        return draw(without_schedule(kind, currency))
    agreed = Terms(
        plan="gold",
        plan_version=1,
        description="Gold membership",
        kind=kind,
        timing=draw(_TIMINGS),
        interval=draw(_INTERVALS),
        price=Money(draw(_PRICES), currency),
        trial=draw(_TRIALS),
        setup_fee=None if fee is None else Money(fee, currency),
        cycles=draw(_CYCLES) if kind is Kind.INSTALLMENT else None,
        capture=draw(_CAPTURES),
        retry=RetryPolicy(draw(_RETRIES), end=draw(_DUNNING_ENDS), grace_days=draw(_GRACE_DAYS)),
        quantity=draw(_QUANTITIES),
        proration=draw(_PRORATIONS),
        backup=draw(_YES_OR_NO),
    )
    seed = draw(_SEEDS)
    return with_threshold(agreed, seed) if kind is Kind.THRESHOLD else priced(agreed, seed)


_ON_DEMAND_TIMINGS = {
    Kind.UNSCHEDULED: _TIMINGS,
    Kind.IMMEDIATE: st.sampled_from([Timing.PREPAID]),
    Kind.DEFERRED: st.sampled_from([Timing.POSTPAID]),
}
_THRESHOLDS, _RELOADS = st.integers(1, 5000), st.integers(1, 50_000)
_MOST_A_DAY, _MOST_A_MONTH = st.integers(1, 2), st.integers(2, 4)
_ON_DEMAND_RETRIES = st.sampled_from([(3, 5, 7), (1,), ()])
_MOST_DEMANDS = st.sampled_from([1, 2, 10])


@st.composite
def without_schedule(draw: st.DrawFn, kind: Kind, currency: str) -> Terms:
    """Terms that bill nothing by themselves; some with auto-reload."""
    timing = draw(_ON_DEMAND_TIMINGS[kind])
    reload = None
    if kind is Kind.UNSCHEDULED and timing is Timing.PREPAID:
        reload = Reload(
            threshold=Money(draw(_THRESHOLDS), currency),
            amount=Money(draw(_RELOADS), currency),
            most_a_day=draw(_MOST_A_DAY),
            most_a_month=draw(_MOST_A_MONTH),
        )
    return Terms(
        plan="on-demand",
        plan_version=1,
        description="On demand",
        kind=kind,
        timing=timing,
        interval=Interval(Unit.MONTH),
        price=Money(draw(_PRICES), currency),
        capture=draw(_CAPTURES),
        retry=RetryPolicy(draw(_ON_DEMAND_RETRIES)),
        variable=draw(_YES_OR_NO),
        most_demands_a_day=draw(_MOST_DEMANDS),
        reload=reload,
    )


_TERMS = terms()
_CUSTOMERS = st.sampled_from(["c-1", "c-1", "c-2"])
_PROVIDERS = st.sampled_from(list(Provider))
_ZONES = st.sampled_from(
    ["Europe/Oslo", "America/New_York", "UTC", "Africa/Cairo", "Asia/Tokyo", "Asia/Beirut"]
)
_DAYS = st.one_of(
    st.sampled_from([date(2024, 1, 31), date(2024, 2, 29), date(2023, 12, 1), date(2024, 3, 30)]),
    st.dates(date(2023, 9, 1), date(2025, 1, 1)),
)


@st.composite
def wishes(draw: st.DrawFn, number: int = 1) -> Start:
    """A wish to start the subscription "s-<number>" of one of two customers."""
    subscription_id = f"s-{number}"
    customer_id, provider = draw(_CUSTOMERS), draw(_PROVIDERS)
    zone, start = draw(_ZONES), draw(_DAYS)
    on_page = RULES[provider].session_pays and start.toordinal() % 2
    return Start(
        subscription_id=subscription_id,
        customer_id=customer_id,
        namespace=uuid5(_SPACE, subscription_id),
        provider=provider,
        account="main",
        zone=zone,
        start=start,
        terms=draw(_TERMS),
        first_payment=FirstPayment.IN_SESSION if on_page else FirstPayment.CHARGED,
    )


_CLOCKS = [Clock.NEXT_DUE] * 8 + [Clock.STILL] * 2 + list(Clock)
# Acts that find nothing to do are cheap, so the rare ones may come often.
_ACTS = (
    [Act.WORK] * 30
    + [Act.LATE, Act.PERSON, Act.CALLBACK, Act.NEW_TOKEN] * 3
    + [Act.WISH] * 9
    + list(Act)
)
_WISHES = (
    [Wish.CHANGE] * 4
    + [Wish.RESUME] * 2
    + [Wish.USE] * 4
    + [Wish.CORRECT]
    + [Wish.DEMAND, Wish.BALANCE] * 2
    + [Wish.RESOLVE] * 3
    + [Wish.SETTLE] * 2
    + [Wish.REFUND] * 5
    + list(Wish)
)
_REPLIES = (
    [Reply.YES] * 24
    + [Reply.SOFT, Reply.SOFT, Reply.HARD, Reply.MERCHANT]
    + [Reply.UNKNOWN, Reply.NOT_FOUND] * 4
    + list(Reply)
)


# Customers who do not pay, and people who look after them.
_UNPAID = [Reply.SOFT] * 12 + [Reply.YES] * 8 + [Reply.MERCHANT] + list(Reply)
_DUNNING = [Wish.COLLECT, Wish.REINSTATE, Wish.WRITE_OFF, Wish.RESOLVE] * 2 + list(Wish)


# Customers who pay, and get money back.
_GIVING = [Wish.REFUND] * 12 + [Wish.CANCEL_WITH_REFUND, Wish.CREDIT, Wish.CHANGE] + list(Wish)
_BACK_AND_FORTH = (
    _ACTS + [Act.WISH] * 12 + [Act.CALLBACK, Act.PERSON, Act.TAKEN_BEFORE, Act.LATE] * 4
)


# Customers who pay, and contest it.
_CONTESTED = (
    [Wish.DISPUTE] * 12
    + [Wish.TAKE_BACK, Wish.COLLECT] * 4
    + [Wish.REFUND, Wish.CREDIT, Wish.RESOLVE, Wish.WRITE_OFF] * 3
    + list(Wish)
)
# Customers who leave while what they owe is reserved, and money that turns up beside it.
_DOUBTS = [Reply.YES] * 14 + [Reply.RESERVED] * 8 + [Reply.UNKNOWN] * 12 + list(Reply)
_LEAVING = [Act.WORK] * 24 + [Act.CANCEL, Act.LATE] * 2 + [Act.CALLBACK, Act.TAKEN_BEFORE] * 3


class Mood(Enum):
    """What histories are biased to: money that comes, money that does not, money that goes back,
    money that is contested, reservations that are wanted no more."""

    PAID = "paid"
    UNPAID = "unpaid"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    LEFT = "left"


_BIAS = {
    Mood.PAID: (_CLOCKS, _ACTS, _REPLIES, _WISHES),
    Mood.UNPAID: (_CLOCKS, _ACTS, _UNPAID, _DUNNING),
    # While an invoice is open nothing is refunded: most wishes come right after the work.
    Mood.DISPUTED: ([*_CLOCKS, *[Clock.STILL] * 8], _BACK_AND_FORTH, _REPLIES, _CONTESTED),
    Mood.LEFT: (_CLOCKS, [*_LEAVING, *Act], _DOUBTS, _WISHES),
    Mood.REFUNDED: ([*_CLOCKS, *[Clock.STILL] * 8], _BACK_AND_FORTH, _REPLIES, _GIVING),
}


@cache
def moves(mood: Mood = Mood.PAID) -> st.SearchStrategy[Move]:
    """One move, biased as the mood says."""
    clocks, acts, replies, wishes = _BIAS[mood]
    return st.builds(
        Move,
        st.integers(0, 5),
        st.sampled_from(clocks),
        st.sampled_from(acts),
        st.sampled_from(replies),
        st.sampled_from(wishes),
        st.integers(0, 59),
    )


@cache
def lists_of_moves(most: int, mood: Mood) -> st.SearchStrategy[list[Move]]:
    """Hypothesis draws short lists; money moves in long ones. Both, so that examples shrink."""
    each = moves(mood)
    return st.one_of(
        st.lists(each, max_size=most // 3),
        st.lists(each, min_size=most // 3, max_size=most),
        st.lists(each, min_size=most // 2, max_size=most),
    )


_COUNTS = cache(st.integers)
_WISHES_BY_NUMBER = cache(wishes)
_MOODS = st.sampled_from([*[Mood.PAID] * 2, *Mood])
_SIGNED_UP_OR_NOT = st.sampled_from([True, True, True, True, False])


@st.composite
def histories(
    draw: st.DrawFn, *, subscriptions: int = 3, most_moves: int = 45, mood: Mood | None = None
) -> History:
    """A history of one to `subscriptions` subscriptions in one log."""
    count = draw(_COUNTS(1, subscriptions))
    wanted = [draw(_WISHES_BY_NUMBER(number + 1)) for number in range(count)]
    books = Books(datetime(2024, 1, 15, 10, tzinfo=UTC))
    for wish in wanted:
        if draw(_SIGNED_UP_OR_NOT):
            books.sign_up(wish)
            if wish.terms.backup and draw(_YES_OR_NO):
                books.add_backup(wish.subscription_id)
        else:
            books.start(wish)
    drawn = draw(lists_of_moves(most_moves, mood or draw(_MOODS)))
    play(books, drawn, wanted)
    return History(tuple(wanted), tuple(drawn), tuple(books.log), dict(books.states))


def show(history: History) -> None:
    """Tell Hypothesis what a history reached (`--hypothesis-show-statistics`)."""
    for name in sorted({stored_name(type(each.event)) for each in history.log}):
        show_event(f"reached {name}")
    for kind in (InvoiceIssued, ChargeAttempted, ChargeSucceeded, ChargeFoundLate):
        count = sum(1 for _ in history.of(kind))
        show_event(f"{kind.__name__}: {min(count, 5)}{' or more' if count >= 5 else ''}")
