"""What falls due when, and why something does not: the agenda, one row a subscription.

People read the items, workers find by the columns what is due. A worker never decides on a row:
it loads the stream and asks the rules, so a row that is stale leads to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from domain.identity import SUBSCRIPTION_STREAMS, subscription_of
from domain.plan import Terms
from domain.processes.agenda import Item, ItemKind, account_needed, agenda_of, next_due
from domain.recorded import Recorded
from domain.subscription.events import ApprovalOffered, SubscriptionStarted
from domain.subscription.folding import evolve
from domain.subscription.state import Subscription
from projections.expiring import first_expiry
from projections.table import Column, ColumnType, TableProjection


@attrs.frozen(kw_only=True)
class DueDates:
    """One subscription and every open item of it. The row stays when the subscription has ended.

    token_request_ref: the provider's id of the latest token request that was offered, or "". It
        stays when the request is answered: a provider may still send callbacks about it.
    """

    subscription_id: str
    customer_id: str
    state: Subscription
    token_request_ref: str = ""

    @property
    def terms(self) -> Terms:
        """The latest that were agreed to, billed or not."""
        return self.state.agreed

    @property
    def items(self) -> tuple[Item, ...]:
        """Every open item. Derived when asked for: it follows from the state alone."""
        return agenda_of(self.state)

    @property
    def next_due_at(self) -> datetime | None:
        """UTC instant of the first item that is due by itself, or None."""
        return next_due(self.items)

    @property
    def unknown(self) -> bool:
        """Whether the outcome of the open attempt is unknown."""
        return self.state.open_attempt is not None and self.state.open_attempt.unknown

    @property
    def awaits_payer(self) -> bool:
        """Whether a payer has an approval page and has not answered."""
        request = self.state.token_request
        return request is not None and bool(request.provider_ref)

    @property
    def tokens_idle_since(self) -> datetime | None:
        """UTC instant at which it ended, where the provider still holds tokens of it that nobody
        has let go."""
        state = self.state
        kept = any(each.let_go_at is None for each in state.tokens)
        return state.ended_at if kept else None

    @property
    def needs_person(self) -> bool:
        """Whether something stands still until a person acts.

        A doubt that nobody looks up any more (of a charge or a refund), an invoice whose
        collection ended, a discrepancy, a refund found late, an open dispute, a token that cannot
        be charged while nobody is being asked for another, or a suspension that no payment can end,
        because what led to it was given up.
        """
        state, attempt = self.state, self.state.open_attempt
        return (
            bool(state.unresolved or state.unresolved_refunds)
            or (attempt is not None and attempt.unknown and attempt.next_look_up_at is None)
            or any(refund.awaits_person for refund in state.refunds)
            or any(invoice.ended for invoice in state.open_invoices)
            or bool(state.open_disputes)
            or state.lacks_token
            or self._suspended_for_nothing
        )

    @property
    def _suspended_for_nothing(self) -> bool:
        state = self.state
        owed = any(invoice.used_up_at for invoice in state.open_invoices)
        return state.suspension is not None and not owed and state.lifted_by is None

    @property
    def stands_still(self) -> bool:
        """Whether a person has to act, or something is open and none of it falls due by itself.

        A pause without an end is neither: that is how it was asked for.
        """
        items = self.items
        open_items = any(item.kind is not ItemKind.RESUME for item in items)
        return self.needs_person or (open_items and next_due(items) is None)

    @property
    def listed_from(self) -> datetime | None:
        """From which UTC instant on it stands in a list of what is due: from its next due
        instant, or from its start for as long as a person has to look. None: in no list."""
        return self.state.started_at if self.needs_person else self.next_due_at


def _keys(recorded: Recorded[Any]) -> tuple[str, ...]:
    if not recorded.stream.startswith(SUBSCRIPTION_STREAMS):
        return ()
    return (subscription_of(recorded.stream),)


def _apply(row: DueDates | None, key: str, recorded: Recorded[Any]) -> DueDates | None:
    """A subscription's agenda after one more fact.

    Before SubscriptionStarted there is no row: only a reading as of an early date meets such
    facts, because an imported subscription bills days that lie before its start was recorded.
    """
    event = recorded.event
    if row is None and not isinstance(event, SubscriptionStarted):
        return None
    state = evolve(None if row is None else row.state, event)
    request_ref = "" if row is None else row.token_request_ref
    if isinstance(event, ApprovalOffered):
        request_ref = event.provider_ref
    return DueDates(
        subscription_id=key,
        customer_id=state.customer_id,
        state=state,
        token_request_ref=request_ref,
    )


DUE_DATES: TableProjection[DueDates] = TableProjection(
    name="due_dates",
    version=8,
    row_type=DueDates,
    keys_of=_keys,
    apply=_apply,
    columns={
        "customer_id": Column(ColumnType.TEXT, lambda row: row.customer_id, indexed=True),
        "provider": Column(ColumnType.TEXT, lambda row: row.state.provider.value),
        "account": Column(ColumnType.TEXT, lambda row: row.state.account),
        "status": Column(ColumnType.TEXT, lambda row: row.state.status.value),
        "next_due_at": Column(ColumnType.INSTANT, lambda row: row.next_due_at, indexed=True),
        "listed_from": Column(ColumnType.INSTANT, lambda row: row.listed_from, indexed=True),
        "plan": Column(ColumnType.TEXT, lambda row: row.terms.plan, indexed=True),
        "plan_version": Column(ColumnType.INTEGER, lambda row: row.terms.plan_version),
        "ended": Column(ColumnType.FLAG, lambda row: not row.state.bills),
        "token_request_ref": Column(
            ColumnType.TEXT, lambda row: row.token_request_ref or None, indexed=True
        ),
        "card_expires_on": Column(
            ColumnType.DAY, lambda row: first_expiry(row.state), indexed=True
        ),
        "tokens_idle_since": Column(
            ColumnType.INSTANT, lambda row: row.tokens_idle_since, indexed=True
        ),
        "awaits_payer": Column(ColumnType.FLAG, lambda row: row.awaits_payer),
        "needs_person": Column(ColumnType.FLAG, lambda row: row.needs_person),
        "stands_still": Column(ColumnType.FLAG, lambda row: row.stands_still),
        "unknown": Column(ColumnType.FLAG, lambda row: row.unknown),
    },
    by_family=True,
)


@attrs.frozen(kw_only=True)
class DueLine:
    """One open item, for people. due_at: UTC; None while something else has to happen first."""

    due_at: datetime | None
    what: str
    subscription_id: str
    customer_id: str
    why: str

    def __str__(self) -> str:
        when = "waits" if self.due_at is None else f"{self.due_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
        return f"{when}  {self.what}  {self.subscription_id}  {self.why}"


_NONE: Mapping[tuple[str, str], str] = {}
_NOWHERE = ("", "")

# Read with the item's key behind it: "invoice 3", "end of the pause", "planned end".
_WHAT = {
    ItemKind.TOKEN: "token request",
    ItemKind.APPROVAL: "approval",
    ItemKind.INVOICE: "invoice",
    ItemKind.CHARGE: "charge",
    ItemKind.VOID: "void of charge",
    ItemKind.LOOK_UP: "look-up",
    ItemKind.COLLECT: "collect invoice",
    ItemKind.DUNNING: "end of dunning,",
    ItemKind.RESUME: "end of the",
    ItemKind.CANCEL: "planned",
    ItemKind.RELOAD: "reload after report",
    ItemKind.REFUND: "refund",
    ItemKind.LOOK_UP_REFUND: "look-up of refund",
    ItemKind.DISPUTE: "dispute",
    ItemKind.DELETE_TOKEN: "deletion of",
}


def due_lines(
    rows: Iterable[DueDates],
    until: datetime,
    out_of_order: Mapping[tuple[str, str], str] = _NONE,
) -> tuple[DueLine, ...]:
    """What falls due up to and at `until`, soonest first; then what waits, and for what.

    until: UTC instant; items due later are left out.
    out_of_order: (provider, account) that answer nothing just now, and that in words; what needs
        them waits for them.
    """
    lines = [
        line
        for row in rows
        for line in _lines(row, out_of_order)
        if line.due_at is None or line.due_at <= until
    ]
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(
        sorted(lines, key=lambda line: (line.due_at or last, line.subscription_id, line.what))
    )


def _lines(row: DueDates, out_of_order: Mapping[tuple[str, str], str]) -> Iterator[DueLine]:
    """Every open item; every charge that was not the one asked for, and every refund that was made
    after all, until it is resolved."""
    whose = {"subscription_id": row.subscription_id, "customer_id": row.customer_id}
    for item in row.items:
        what = f"{_WHAT[item.kind]} {item.key}"
        awaited = out_of_order.get(account_needed(row.state, item) or _NOWHERE, "")
        why = f"{item.why}; waits: {awaited}" if awaited else item.why
        yield DueLine(due_at=item.due_at, what=what, why=why, **whose)
    for each in row.state.unresolved:
        why = (
            f"discrepancy: {each.expected} asked, {each.received} received by attempt "
            f"{each.attempt_id}; a person has to look"
        )
        what = f"charge of invoice {each.invoice_number}"
        yield DueLine(due_at=None, what=what, why=why, **whose)
    for late in row.state.unresolved_refunds:
        uncovered = f", {late.missing} of it without credit" if late.missing.minor else ""
        why = (
            f"discrepancy: {late.amount} went back by a refund that had failed{uncovered}; "
            "a person has to look"
        )
        yield DueLine(due_at=None, what=f"refund {late.refund_id}", why=why, **whose)
