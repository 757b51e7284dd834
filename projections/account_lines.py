"""The lines of an account, day by day and page by page: a general ledger.

By day, and on each in the order of the log; so after the last line of a day the account stands
where the trial balance of that day has it. Of deferred revenue and revenue there is what was billed
and given back, not what is earned day by day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date

import attrs

from domain.books.accounts import Account, Entry
from projections.account_sums import Known

Wanted = Callable[[Account], bool]


@attrs.frozen(order=True)
class Place:
    """Where an entry stands in the order of a ledger."""

    day: date
    position: int


@attrs.frozen(kw_only=True)
class AccountLine:
    """One line of an account, and the fact behind it. minor: minor units; debits are positive.

    of: customer, provider's account or revenue. belongs_to: the closed period for which it came
    too late, else "".
    """

    position: int
    day: date
    stream: str
    fact: str
    about: str
    belongs_to: str
    of: str
    currency: str
    minor: int


@attrs.frozen(kw_only=True)
class Page:
    """Some lines of an account. opening, closing: what it stands at before and after them, by
    currency, minor units; the closing of one page is the opening of the next.

    end: where this page ends, if there are lines after it.
    """

    opening: dict[str, int]
    lines: tuple[AccountLine, ...]
    closing: dict[str, int]
    end: Place | None


def in_order(entries: Iterable[Entry], known: Known, wanted: Wanted) -> list[Entry]:
    """The entries that move a wanted account, as `page` takes them."""
    zone = known.cut_off
    moving = [each for each in entries if any(wanted(line.account) for line in each.lines)]
    return sorted(moving, key=lambda each: Place(each.day(zone), each.position))


def page(
    entries: Iterable[Entry],
    known: Known,
    wanted: Wanted,
    *,
    after: Place | None,
    limit: int,
    opening: Counter[str] | None = None,
) -> Page:
    """The lines after a place, up to the last day that counts.

    entries: in their order; no more are taken than the page needs. limit: lines; an entry is not
    cut, so there may be a few more. opening: of what is not among the entries, by currency.
    """
    before: Counter[str] = Counter(opening)
    lines: list[AccountLine] = []
    end = None
    for entry in entries:
        place = Place(entry.day(known.cut_off), entry.position)
        moved = [line for line in entry.lines if wanted(line.account)]
        if not moved:
            continue
        if place.day > known.as_of:
            break
        if after is not None and place <= after:
            for line in moved:
                before[line.currency] += line.minor
            continue
        if len(lines) >= limit:
            end = Place(lines[-1].day, lines[-1].position)
            break
        lines += [
            AccountLine(
                position=entry.position,
                day=place.day,
                stream=entry.stream,
                fact=entry.fact,
                about=entry.about,
                belongs_to=entry.belongs_to,
                of=line.account.of,
                currency=line.currency,
                minor=line.minor,
            )
            for line in moved
        ]
    stood = {currency: minor for currency, minor in sorted(before.items()) if minor}
    closing = Counter(stood)
    for each in lines:
        closing[each.currency] += each.minor
    return Page(opening=stood, lines=tuple(lines), closing=dict(sorted(closing.items())), end=end)
