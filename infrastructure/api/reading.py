"""What can be read. Every answer says at which position of the log it is valid."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation

from domain.identity import checked_id, stream_of
from domain.refusals import Refused
from infrastructure.api.messages import (
    AttemptsAnswer,
    BalancesAnswer,
    BalanceView,
    ChargesAnswer,
    DueAnswer,
    SubscriptionAnswer,
    TimelineAnswer,
    TokenAnswer,
    TokenState,
)
from infrastructure.api.problems import NotReached
from infrastructure.bootstrap import System
from infrastructure.commands import due
from infrastructure.commands.expiring import ExpiringCards, cards_that_expire
from infrastructure.commands.subscriptions import Subscriptions
from infrastructure.commands.trying import use_by_key, use_by_subscription
from infrastructure.operator_words import told_of_charges, told_timeline
from projections.charges import ChargeStatus
from projections.expiring import DEFAULT_DAYS

# How long an answer may wait for the position that its reader asked for.
AT_LEAST_WAIT_S = 10.0

Books = NamedDependency[SkipValidation[System]]
AtLeast = Annotated[
    int,
    QueryParameter(
        name="at_least", ge=0, le=2**62, description="Wait until the answer holds this."
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Offset = Annotated[int, QueryParameter(ge=0, le=10_000_000)]
Until = Annotated[
    datetime | None, QueryParameter(description="An instant with its offset; default: now.")
]


@get("/subscriptions/{subscription_id:str}", sync_to_thread=True)
def read_subscription(
    system: Books, subscription_id: FromPath[str], at_least: AtLeast = 0
) -> SubscriptionAnswer:
    """A subscription as its facts make it.

    404 subscription-unknown; 422 id-malformed; 503 position-not-reached.
    """
    _require_log(system, at_least)
    return SubscriptionAnswer.of(*Subscriptions(system, actor="api").find(subscription_id))


@get("/subscriptions/{subscription_id:str}/token-requests", sync_to_thread=True)
def read_token_request(
    system: Books, subscription_id: FromPath[str], at_least: AtLeast = 0
) -> TokenAnswer:
    """How a subscription stands with its token, and the approval link while one is open.

    404 subscription-unknown; 422 id-malformed; 503 position-not-reached.
    """
    _require_log(system, at_least)
    return token_answer(system, subscription_id)


def token_answer(system: System, subscription_id: str) -> TokenAnswer:
    """Raises: Refused."""
    state, position = Subscriptions(system, actor="api").find(subscription_id)
    return TokenAnswer(
        position=position,
        subscription_id=subscription_id,
        status=state.status,
        token=TokenState.of(state),
    )


@get("/subscriptions/{subscription_id:str}/timeline", sync_to_thread=True)
def read_timeline(
    system: Books, subscription_id: FromPath[str], at_least: AtLeast = 0
) -> TimelineAnswer:
    """Every fact of a subscription in one plain sentence, oldest first; behind a decline, what its
    code means and what we do.

    404 subscription-unknown; 422 id-malformed; 503 position-not-reached.
    """
    _require_log(system, at_least)
    position = system.ledger.head()
    stream = stream_of(checked_id("subscription id", subscription_id))
    facts = system.ledger.read_stream(stream)
    if not facts:
        raise Refused("subscription-unknown", f"there is no subscription {subscription_id}")
    return TimelineAnswer(
        position=max(position, facts[-1].position),
        subscription_id=subscription_id,
        items=told_timeline(facts),
    )


@get("/due", sync_to_thread=True)
def read_due(
    system: Books,
    until: Until = None,
    customer_id: FromQuery[str | None] = None,
    waiting: FromQuery[bool] = False,
    at_least: AtLeast = 0,
    limit: Limit = 100,
    offset: Offset = 0,
) -> DueAnswer:
    """What falls due up to `until`, and why other items of those subscriptions wait.

    Subscriptions that stand still until a person acts are always among them.
    waiting: instead, the subscriptions that stand still: a person has to act, or nothing of what
        is open falls due by itself, or the provider does not answer.
    limit, offset: count subscriptions. 422 instant-without-offset; 503 position-not-reached.
    """
    require_view(system, "due_dates", at_least)
    moment = system.clock() if until is None else instant(until)
    found = due.read_due(
        system, moment, customer_id=customer_id, waiting=waiting, limit=limit, offset=offset
    )
    return DueAnswer(position=found.position, until=moment, items=found.lines)


@get("/balances/{customer_id:str}", sync_to_thread=True)
def read_balances(
    system: Books, customer_id: FromPath[str], as_of: Until = None, at_least: AtLeast = 0
) -> BalancesAnswer:
    """What a customer was billed, has paid and owes, one line a currency.

    as_of: what fell due before this instant and is open is overdue.
    422 id-malformed, instant-without-offset; 503 position-not-reached.
    """
    checked_id("customer id", customer_id)
    require_view(system, "balances", at_least)
    moment = system.clock() if as_of is None else instant(as_of)
    page = system.views.select("balances", {"customer_id": customer_id}, limit=1000)
    views = tuple(BalanceView.of(row, moment) for row in page.rows.values())
    return BalancesAnswer(position=page.position, items=views)


@get("/charges", sync_to_thread=True)
def read_charges(
    system: Books,
    subscription_id: FromQuery[str | None] = None,
    customer_id: FromQuery[str | None] = None,
    reference: FromQuery[str | None] = None,
    status: FromQuery[ChargeStatus | None] = None,
    at_least: AtLeast = 0,
    limit: Limit = 100,
    offset: Offset = 0,
) -> ChargesAnswer:
    """Attempts to collect, oldest first; `told`: what the codes of declines among them mean, and
    what we do. 503 position-not-reached."""
    require_view(system, "charges", at_least)
    asked: dict[str, Any] = {
        "subscription_id": subscription_id,
        "customer_id": customer_id,
        "reference": reference,
        "status": None if status is None else status.value,
    }
    where = {name: value for name, value in asked.items() if value is not None}
    page = system.views.select("charges", where, order="attempted_at", limit=limit, offset=offset)
    items = tuple(page.rows.values())
    return ChargesAnswer(position=page.position, items=items, told=told_of_charges(items))


@get("/subscriptions/{subscription_id:str}/attempts", sync_to_thread=True)
def read_attempts(
    system: Books, subscription_id: FromPath[str], at_least: AtLeast = 0, limit: Limit = 100
) -> AttemptsAnswer:
    """How far the budgets of the subscription's cards are used, by all subscriptions on them.

    limit: attempts shown of each card. 404 subscription-unknown; 422 id-malformed; 503
    position-not-reached.
    """
    _require_log(system, at_least)
    position = system.ledger.head()
    uses = use_by_subscription(system, subscription_id, limit=limit)
    return AttemptsAnswer(position=position, items=uses)


@get("/instruments/{key:str}/attempts", sync_to_thread=True)
def read_instrument(
    system: Books, key: FromPath[str], at_least: AtLeast = 0, limit: Limit = 100
) -> AttemptsAnswer:
    """The same for the instrument with a key, as the other answer gives it.

    404 instrument-unknown; 503 position-not-reached.
    """
    _require_log(system, at_least)
    position = system.ledger.head()
    return AttemptsAnswer(position=position, items=(use_by_key(system, key, limit=limit),))


@get("/expiring-cards", sync_to_thread=True)
def read_expiring(
    system: Books,
    days: Annotated[int, QueryParameter(ge=0, le=3650)] = DEFAULT_DAYS,
    at_least: AtLeast = 0,
    limit: Limit = 100,
    offset: Offset = 0,
) -> ExpiringCards:
    """Cards whose last day comes within `days`, of subscriptions that still bill.

    An expired card is not treated as declined: it is tried. limit, offset: count subscriptions.
    503 position-not-reached.
    """
    require_view(system, "due_dates", at_least)
    return cards_that_expire(system, days=days, limit=limit, offset=offset)


def instant(moment: datetime) -> datetime:
    """In UTC. Raises: Refused("instant-without-offset"), Refused("instant-out-of-range")."""
    if moment.utcoffset() is None:
        raise Refused("instant-without-offset", "an instant needs its offset, e.g. ...T00:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Refused("instant-out-of-range", "that instant has no place in UTC") from None


def _require_log(system: System, position: int) -> None:
    """Facts are read where they are written, so a position beyond them is not of these books."""
    if position and system.ledger.head() < position:
        raise NotReached(f"the log has not reached position {position}")


def require_view(system: System, name: str, position: int) -> None:
    """Wait for a projection to hold a position. Raises: NotReached."""
    if position and not system.views.wait_for(position, AT_LEAST_WAIT_S, [name]):
        raise NotReached(f"{name} has not reached position {position}")


READING = [
    read_subscription,
    read_token_request,
    read_timeline,
    read_due,
    read_balances,
    read_charges,
    read_attempts,
    read_instrument,
    read_expiring,
]
