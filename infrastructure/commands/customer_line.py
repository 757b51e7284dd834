"""One line of a customer file: its values read by type, then judged by the rules of starting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import attrs

from domain.calendar import Interval, Unit, count_from
from domain.plan import Terms
from domain.providers import Provider
from domain.subscription.starting import Start, start
from infrastructure.commands.customer_terms import PlanFiles, terms_of_line
from infrastructure.commands.line_fields import Fields
from infrastructure.commands.wishes import checked_wish

# A later day is not in every month: counting back and then on again would lose it.
LAST_DAY_OF_EVERY_MONTH = 28
_NOT_DRAWN = UUID(int=0)
_ANY_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class CustomerRow:
    """One line that can be started; its columns as customers.py explains them.

    line: as an editor counts it, from 1 (the header).
    start: first local day of service; months: None where the file gave `start` itself.
    """

    line: int
    customer_id: str
    subscription_id: str
    provider: Provider
    account: str
    zone: str
    start: date
    terms: Terms
    months: int | None
    churned: bool
    state: str

    def wish(self, namespace: UUID) -> Start:
        """The wish to start it. namespace: drawn by whoever starts it, and kept from then on."""
        return Start(
            subscription_id=self.subscription_id,
            customer_id=self.customer_id,
            namespace=namespace,
            provider=self.provider,
            account=self.account,
            zone=self.zone,
            start=self.start,
            terms=self.terms,
        )


@attrs.frozen(kw_only=True)
class Defaults:
    """What a file leaves open.

    end: the date that `months` are counted back from, and the start where neither is given.
    accounts: (provider, account's name) taken in turn by lines that name no provider.
    """

    end: date
    zone: str = "UTC"
    accounts: Sequence[tuple[Provider, str]] = (
        (Provider.PAYPAL, "main"),
        (Provider.DINTERO, "main"),
    )


def read_line(
    line: int,
    values: Mapping[str, str],
    defaults: Defaults,
    turn: int,
    plans: PlanFiles,
) -> tuple[CustomerRow | None, list[tuple[str, str]]]:
    """The row of a line, or None with (code, reason) of everything that is wrong.

    values: our columns to the file's text, stripped. turn: counts lines that name no provider.
    plans: where `plan_file` names terms.
    """
    fields = Fields(values)
    provider, account = _account(fields, defaults, turn)
    terms = terms_of_line(fields, plans)
    first_day = _start(fields, terms, defaults)
    churned = fields.yes_no("churned")
    if terms is None or first_day is None or fields.problems:
        return None, fields.problems
    row = CustomerRow(
        line=line,
        customer_id=fields.text("customer_id"),
        subscription_id=fields.text("subscription_id") or fields.text("customer_id"),
        provider=provider,
        account=account,
        zone=fields.text("zone", defaults.zone),
        start=first_day,
        terms=terms,
        months=fields.number("months"),
        churned=churned,
        state=fields.text("state"),
    )
    fields.checked(lambda: _judge(row.wish(_NOT_DRAWN)))
    return (None if fields.problems else row), fields.problems


def _judge(wish: Start) -> None:
    """Raises: Refused, by the very rules that would judge the wish if it were started now."""
    start(None, checked_wish(wish), now=_ANY_INSTANT, zone_version="")


def _account(fields: Fields, defaults: Defaults, turn: int) -> tuple[Provider, str]:
    in_turn, name = defaults.accounts[turn % len(defaults.accounts)]
    if fields.text("provider"):
        in_turn, name = fields.choice("provider", Provider, in_turn), "main"
    return in_turn, fields.text("account", name)


def _start(fields: Fields, terms: Terms | None, defaults: Defaults) -> date | None:
    given, months = fields.day("start"), fields.number("months")
    if fields.text("start") and fields.text("months"):
        fields.problems.append(("start-ambiguous", "give start or months, not both"))
    if given is not None or months is None:
        return given or defaults.end
    if terms is None:
        return None
    if terms.interval != Interval(Unit.MONTH) or terms.trial is not None:
        reason = "months count the payments of a monthly plan without a trial; give start instead"
        fields.problems.append(("months-not-monthly", reason))
        return None
    if defaults.end.day > LAST_DAY_OF_EVERY_MONTH:
        reason = f"months are counted back from a day up to the 28th, not from {defaults.end}"
        fields.problems.append(("end-not-in-every-month", reason))
        return None
    return fields.checked(lambda: count_from(defaults.end, terms.interval, -months))
