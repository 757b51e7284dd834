"""Faults to plant in what another retry schedule would have collected; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

PATH, READ = "domain/what_if_retries.py", "domain/collected.py"

FAULTS = (
    Fault(
        "retried: what nobody tried counts as declined for certain",
        PATH,
        "            outcome = Outcome.AHEAD if ahead else Outcome.NOT_KNOWN",
        "            outcome = Outcome.AHEAD if ahead else Outcome.DECLINED",
    ),
    Fault(
        "retried: a real try counts by its instant, not by its day",
        PATH,
        "day in (self._day(tried.planned_at), self._day(tried.at)):",
        "due in (tried.planned_at, tried.at):",
    ),
    Fault(
        "retried: what the second card was charged on a retry's day is no retry",
        PATH,
        "            first = not tried.backup or tried.instead\n",
        "            first = not tried.backup\n",
    ),
    Fault(
        "retried: the second card, tried because retries were used up, is a retry of its day",
        READ,
        "                instead=backup and cycle.waits_for is not None,",
        "                instead=backup,",
    ),
    Fault(
        "retried: a second card that comes later is tried on no invoice that was given up",
        PATH,
        "            if cycle.tried[number - 1].used_up and cycle.tried[number].at >= now:",
        "            if False:",
    ),
    Fault(
        "retried: a second card that comes while retries are left is tried",
        PATH,
        "            if cycle.tried[number - 1].used_up and cycle.tried[number].at >= now:",
        "            if cycle.tried[number - 1].used_up:",
    ),
    Fault(
        "retried: the end comes although a second card was tried before it",
        PATH,
        "        until = cycle.until if following is None else cycle.tried[following].at",
        "        until = cycle.until",
    ),
    Fault(
        "retried: what a second card pays later ends no suspension",
        PATH,
        "        missed = cycle.tried[:following]",
        "        missed = cycle.tried",
    ),
    Fault(
        "retried: what was written off is tried on a second card that comes later",
        PATH,
        "        return None if self._given_up else following, retries",
        "        return following, retries",
    ),
    Fault(
        "retried: the provider's advice is forgotten",
        PATH,
        "decided_at, tried.decline.retry_not_before",
        "decided_at, None",
    ),
    Fault(
        "retried: another end of the retries stops nothing",
        PATH,
        "        if policy.end is DunningEnd.LEAVE_OPEN or over or at > self._found.horizon:",
        "        if True:",
    ),
    Fault(
        "retried: the same end at the same time is a stop",
        PATH,
        "        if tried.used_up and not doubt and _ends_alike(policy, tried.policy):",
        "        if False:",
    ),
    Fault(
        "retried: a stop that may not come takes money for certain",
        PATH,
        "            certain=not doubt,",
        "            certain=True,",
    ),
    Fault(
        "retried: a payment that is never reached ends a suspension",
        PATH,
        "        later = [each.at for each in self._invoice.paid if each not in missed]",
        "        later = [each.at for each in self._invoice.paid]",
    ),
    Fault(
        "retried: what comes earlier at best comes later at best",
        PATH,
        "            elif all(each.at > tried.at for each in self._unknown):",
        "            elif True:",
    ),
    Fault(
        "retried: a new token does not begin anew",
        READ,
        "        case TokenVaulted() if state.token != before.token:",
        "        case TokenVaulted() if False:",
    ),
    Fault(
        "retried: collected again by a person it does not begin anew",
        READ,
        "            if was is not None and was.ended and now is not None and not now.ended:",
        "            if False:",
    ),
    Fault(
        "retried: what a person gave up is tried on",
        READ,
        "        found.invoices[number].cycles[-1].until = recorded.recorded_at\n",
        "        pass\n",
    ),
)
