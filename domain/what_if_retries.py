"""The same history under another retry schedule: which charges would have been tried when.

Nobody knows what a charge would have brought that was never tried. A try of the other schedule that
falls on the local day of a real one, planned or made, takes its outcome; any other is "not known",
and the schedule goes on as if it had been declined. So money is certain, or comes later if at all,
or is not known, or is lost for certain; what is collected lies between `least` and `most`.

Pure. Followed are: every cycle of tries, the provider's advice after a decline, the second method,
and what the end of retries stops: a subscription that is suspended or cancelled bills nothing more,
an invoice that is written off is not collected any more. Not followed: periods that would have been
billed had the real end of retries not come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.calendar import local_day
from domain.collected import CollectedInvoice, Collection, Cycle, Tried, collection_of
from domain.money import Money
from domain.plan import DunningEnd, RetryPolicy, checked_retry
from domain.ports import Declined
from domain.recorded import Recorded
from domain.retried import InvoiceRetried, Outcome, Retried, Standing, Stop, Try
from domain.subscription.events import DeclineClass, SubscriptionEvent
from domain.subscription.retrying import next_retry

OtherSchedule = Callable[[RetryPolicy], RetryPolicy]


def what_if_retried(log: Sequence[Recorded[SubscriptionEvent]], other: OtherSchedule) -> Retried:
    """Collect a subscription's invoices anew. log: its facts from the first, not empty.

    Refused: "retry-policy-malformed", "grace-malformed" of the other schedule.
    """
    found = collection_of(log)
    paths = {
        number: _Path(found, invoice, lambda policy: checked_retry(other(policy)))
        for number, invoice in found.invoices.items()
    }
    stops = [path.stop for path in paths.values() if path.stop is not None]
    return Retried(
        currency=found.currency,
        invoices=tuple(path.judged(stops) for path in paths.values()),
    )


class _Path:
    """The tries of one invoice under the other schedule, every cycle from its first real one."""

    def __init__(self, found: Collection, invoice: CollectedInvoice, other: OtherSchedule) -> None:
        self._found, self._invoice, self._other = found, invoice, other
        self.tries: list[Try] = []
        self.stop: Stop | None = None
        # Real tries that are made here, too, and whether one that is not known comes before.
        self._reached: dict[UUID, bool] = {}
        for cycle in invoice.cycles:
            if not self._given_up:
                self._follow(cycle)

    @property
    def _given_up(self) -> bool:
        return self.stop is not None and self.stop.end is not DunningEnd.SUSPEND

    def _day(self, at: datetime) -> date:
        return local_day(at, self._found.zone)

    def _follow(self, cycle: Cycle) -> None:
        if not cycle.tried:
            return
        place, retries, doubt = 0, 0, self._doubt
        while True:
            tried = cycle.tried[place]
            self._made(tried, doubt)
            if tried.paid is not None and not tried.late:
                return
            following: int | None = place + 1
            if tried.decline is not None and tried.decided_at is not None:
                following, retries = self._next(cycle, place, tried.decided_at, retries)
            if following is None or following >= len(cycle.tried):
                return
            place, doubt = following, self._doubt

    def _next(
        self, cycle: Cycle, place: int, decided_at: datetime, retries: int
    ) -> tuple[int | None, int]:
        """The real try that the other schedule comes to after a decline, or None, and how many
        retries it counts by then. Those that are not known are noted on the way."""
        tried = cycle.tried[place]
        assert tried.decline is not None
        policy, now, advice = self._other(tried.policy), decided_at, tried.decline.retry_not_before
        while (due := next_retry(policy, retries, _soft(advice), now=now)) is not None:
            retries, advice = retries + 1, None
            if cycle.waits_for is not None and self._day(due) == self._day(cycle.waits_for):
                return None, retries  # as it was: planned, and not made
            found = self._real(cycle, place, due)
            if found is not None:
                return found, retries
            if cycle.until is not None and due >= cycle.until:
                return None, retries
            ahead = due > self._found.horizon
            outcome = Outcome.AHEAD if ahead else Outcome.NOT_KNOWN
            self.tries.append(Try(on=self._day(due), at=due, outcome=outcome))
            if ahead:
                return None, retries
            now = due
        if tried.to_backup and now == decided_at:
            return place + 1, retries  # the second method, as it was
        following = self._on_new_second(cycle, place, now)
        self._used_up(cycle, place, policy, now, following)
        return None if self._given_up else following, retries

    @property
    def _doubt(self) -> bool:
        return any(each.outcome is Outcome.NOT_KNOWN for each in self.tries)

    def _made(self, tried: Tried, doubt: bool) -> None:
        outcome, code = Outcome.OPEN, ""
        if tried.decline is not None:
            outcome, code = Outcome.DECLINED, tried.decline.code
        if tried.paid is not None:
            outcome = Outcome.PAID
        self.tries.append(
            Try(
                on=self._day(tried.at),
                at=tried.at,
                outcome=outcome,
                code=code,
                backup=tried.backup,
            )
        )
        self._reached[tried.attempt_id] = doubt

    def _real(self, cycle: Cycle, place: int, due: datetime) -> int | None:
        """The real try of that day, if there is one."""
        day = self._day(due)
        for number in range(place + 1, len(cycle.tried)):
            tried = cycle.tried[number]
            first = not tried.backup or tried.instead
            if first and day in (self._day(tried.planned_at), self._day(tried.at)):
                return number
        return None

    def _on_new_second(self, cycle: Cycle, place: int, now: datetime) -> int | None:
        """The real try after the retries were used up, because a second method came later, or
        None. It is made here, too, if they are used up before."""
        for number in range(place + 1, len(cycle.tried)):
            if cycle.tried[number - 1].used_up and cycle.tried[number].at >= now:
                return number
        return None

    def _used_up(
        self, cycle: Cycle, place: int, policy: RetryPolicy, now: datetime, following: int | None
    ) -> None:
        """Nothing is tried any more, or only on a new second method; what the plan says follows
        after the grace."""
        tried = cycle.tried[place]
        if tried.backup_follows and not tried.backup:
            unknown = Try(on=self._day(now), at=now, outcome=Outcome.NOT_KNOWN, backup=True)
            self.tries.append(unknown)
        doubt = self._doubt
        if tried.used_up and not doubt and _ends_alike(policy, tried.policy):
            return
        at = now + timedelta(days=policy.grace_days)
        until = cycle.until if following is None else cycle.tried[following].at
        over = until is not None and at >= until
        if policy.end is DunningEnd.LEAVE_OPEN or over or at > self._found.horizon:
            return
        # What was paid in this cycle, and is not reached, is not paid here.
        missed = cycle.tried[:following]
        later = [each.at for each in self._invoice.paid if each not in missed]
        lifted = [each for each in (*later, *self._found.reinstated) if each > at]
        self.stop = Stop(
            invoice_number=self._invoice.number,
            end=policy.end,
            at=at,
            certain=not doubt,
            until=min(lifted, default=None) if policy.end is DunningEnd.SUSPEND else None,
        )

    # --- in money -------------------------------------------------------------------------------

    def judged(self, stops: Sequence[Stop]) -> InvoiceRetried:
        """What becomes of the invoice, and of its money."""
        certain = later = unknown = lost = 0
        taken: Stop | None = None
        early = False
        for tried in self._invoice.paid:
            assert tried.paid is not None
            stop = next((each for each in stops if self._stopped(each, tried)), None)
            taken = taken or stop
            minor = tried.paid.minor
            if stop is not None:
                lost, unknown = (lost + minor, unknown) if stop.certain else (lost, unknown + minor)
            elif tried.attempt_id in self._reached:
                certain, early = certain + minor, early or self._reached[tried.attempt_id]
            elif not self._unknown:
                lost += minor
            elif all(each.at > tried.at for each in self._unknown):
                later += minor
            else:
                unknown += minor
        perhaps = self._invoice.open.minor if self._doubt and not later + unknown else 0
        never = next((each for each in stops if self._unbilled(each)), None)
        if never is not None:
            taken, perhaps = never, 0 if never.certain else perhaps
        standing = _standing(later, unknown, lost, perhaps, early=early)
        was = sum(each.paid.minor for each in self._invoice.paid if each.paid is not None)
        return InvoiceRetried(
            invoice_number=self._invoice.number,
            due_on=self._day(self._invoice.due_at),
            was=Money(was, self._invoice.total.currency),
            paid_on=tuple(self._day(each.at) for each in self._invoice.paid),
            tries=tuple(self.tries),
            standing=standing,
            certain=certain,
            later=later,
            unknown=unknown,
            lost=lost,
            perhaps=perhaps,
            stop=self.stop,
            stopped_by=None if taken is None else taken.invoice_number,
        )

    @property
    def _unknown(self) -> list[Try]:
        unknown = (Outcome.NOT_KNOWN, Outcome.AHEAD)
        return [each for each in self.tries if each.outcome in unknown]

    def _stopped(self, stop: Stop, tried: Tried) -> bool:
        """Whether a stop takes the money of a real try."""
        match stop.end:
            case DunningEnd.CANCEL:
                return tried.at >= stop.at
            case DunningEnd.WRITE_OFF:
                return stop.invoice_number == self._invoice.number and tried.at >= stop.at
            case DunningEnd.SUSPEND | DunningEnd.LEAVE_OPEN:
                return self._unbilled(stop)

    def _unbilled(self, stop: Stop) -> bool:
        """Whether the invoice falls due while a stop lets nothing be billed."""
        due, ends = self._invoice.due_at, (DunningEnd.CANCEL, DunningEnd.SUSPEND)
        return stop.end in ends and stop.at <= due and (stop.until is None or due < stop.until)


def _soft(advice: datetime | None) -> Declined:
    return Declined(decline=DeclineClass.SOFT, code="", message="", retry_not_before=advice)


def _ends_alike(one: RetryPolicy, other: RetryPolicy) -> bool:
    return (one.end, one.grace_days) == (other.end, other.grace_days)


def _standing(later: int, unknown: int, lost: int, perhaps: int, *, early: bool) -> Standing:
    if unknown:
        return Standing.NOT_KNOWN
    if later:
        return Standing.LATER
    if lost:
        return Standing.NEVER
    if perhaps:
        return Standing.PERHAPS
    return Standing.AT_THE_LATEST if early else Standing.SAME
