"""What a worker may meet, and what customers may agree to: drawn at random, or each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
from hypothesis import strategies as st

from domain.calendar import Interval, Unit
from domain.money import Money
from domain.plan import CaptureMode, DunningEnd, Kind, Meter, Reload, RetryPolicy, Terms, Timing
from domain.prices import Tier
from infrastructure.simulators.faults import Fault
from infrastructure.workers.crash_points import CRASH_POINTS
from tests.system.puppets import PLACES

# How long a late success or a pending payment takes: minutes, or longer than we wait for it.
LATE_S = (120.0, 40 * 3600.0)

intervals = st.sampled_from(
    [Interval(Unit.WEEK), Interval(Unit.MONTH), Interval(Unit.WEEK, 2), Interval(Unit.YEAR)]
)
# A refund alone can be accepted and fail later.
CHARGE_FAULTS = tuple(fault for fault in Fault if fault is not Fault.PENDING_FAILS)
charge_faults = st.sampled_from(CHARGE_FAULTS)
# What the simulators play at a capture, a token request, a look-up.
ANSWER_FAULTS = (
    Fault.LOST_ANSWER,
    Fault.ERROR_AFTER,
    Fault.HTML_AFTER,
    Fault.TRUNCATED_AFTER,
    Fault.TIME_OUT_BEFORE,
    Fault.ERROR_BEFORE,
    Fault.HTML_BEFORE,
    Fault.RATE_LIMITED,
)
CAPTURE_FAULTS = (*ANSWER_FAULTS, Fault.LATE_SUCCESS, Fault.SOFT_DECLINE, Fault.HARD_DECLINE)
VOID_FAULTS = (*ANSWER_FAULTS, Fault.FORGOTTEN_KEY, Fault.LATE_SUCCESS)
answer_faults = st.sampled_from(ANSWER_FAULTS)
void_faults = st.sampled_from(VOID_FAULTS)
capture_faults = st.sampled_from(CAPTURE_FAULTS)
places = st.sampled_from(PLACES)
deaths = st.tuples(st.sampled_from(CRASH_POINTS), st.integers(1, 2))


@attrs.frozen(kw_only=True)
class Trouble:
    """What a worker meets: faults of the next calls, its death, or a place where it stands still.

    late_s: seconds until the provider completes what it completes late.
    """

    charges: tuple[Fault, ...] = ()
    captures: tuple[Fault, ...] = ()
    voids: tuple[Fault, ...] = ()
    late_s: float = LATE_S[0]
    death: tuple[str, int] = ("", 0)
    stop: str = ""


@st.composite
def troubles(draw: st.DrawFn) -> Trouble:
    """Bad providers more often than not; every other time a bad worker."""
    charges = draw(st.lists(charge_faults, min_size=1, max_size=3))
    captures = draw(st.lists(capture_faults, max_size=2))
    voids = draw(st.lists(void_faults, max_size=2))
    late_s = draw(st.sampled_from(LATE_S))
    match draw(st.sampled_from(["provider", "provider", "death", "sleep", "none"])):
        case "provider":
            return Trouble(
                charges=tuple(charges),
                captures=tuple(captures),
                voids=tuple(voids),
                late_s=late_s,
            )
        case "death":
            return Trouble(charges=tuple(charges[1:]), death=draw(deaths))
        case "sleep":
            return Trouble(charges=tuple(charges[1:]), stop=draw(places))
    return Trouble()


SPANS = {
    "minutes": timedelta(minutes=6),
    "hours": timedelta(hours=7),
    "days": timedelta(days=4),
    "month": timedelta(days=31),
}
# Further than this the clock moves by `pass_time` alone.
NEAR = timedelta(days=32)


def on_demand(capture: CaptureMode) -> Terms:
    """Charged when it is asked for, and 20.00 when a balance falls below 5.00."""
    reload = Reload(
        threshold=Money(500, "USD"), amount=Money(2000, "USD"), most_a_day=2, most_a_month=9
    )
    return Terms(
        plan="gold",
        plan_version=1,
        description="Gold card",
        kind=Kind.UNSCHEDULED,
        timing=Timing.PREPAID,
        interval=Interval(Unit.MONTH),
        price=Money(1234, "USD"),
        capture=capture,
        retry=RetryPolicy((1,)),
        reload=reload,
    )


def agreed_to_suspend() -> Terms:
    """Suspended two days after the first decline."""
    return Terms(
        plan="gold",
        plan_version=1,
        description="Gold membership",
        kind=Kind.SUBSCRIPTION,
        timing=Timing.PREPAID,
        interval=Interval(Unit.MONTH),
        price=Money(1500, "USD"),
        retry=RetryPolicy((), DunningEnd.SUSPEND, 2),
    )


@st.composite
def agreed(draw: st.DrawFn) -> Terms:
    """Terms of every sort."""
    sort = draw(st.integers(0, 5))
    if sort > 3:
        return (on_demand, by_usage)[sort - 4](draw(st.sampled_from(CaptureMode)))
    instalments = draw(st.sampled_from([None, None, 1, 3]))
    return Terms(
        plan="gold",
        plan_version=1,
        description="Gold membership",
        kind=Kind.INSTALLMENT if instalments else Kind.SUBSCRIPTION,
        timing=draw(st.sampled_from(Timing)),
        interval=draw(intervals),
        price=Money(draw(st.integers(1000, 9999)), "USD"),
        trial=draw(st.sampled_from([None, None, None, Interval(Unit.DAY, 3)])),
        setup_fee=draw(st.sampled_from([None, Money(500, "USD")])),
        cycles=instalments,
        capture=draw(st.sampled_from(CaptureMode)),
        retry=draw(
            st.sampled_from(
                [
                    RetryPolicy(()),
                    RetryPolicy((3, 5, 7)),
                    RetryPolicy((), DunningEnd.SUSPEND, 2),
                    RetryPolicy((1,), DunningEnd.WRITE_OFF),
                    RetryPolicy((1,), DunningEnd.CANCEL, 5),
                ]
            )
        ),
    )


def by_usage(capture: CaptureMode) -> Terms:
    """A base fee that may be set, and data by the GB."""
    return Terms(
        plan="data",
        plan_version=1,
        description="Data",
        kind=Kind.RECURRING,
        timing=Timing.PREPAID,
        interval=Interval(Unit.MONTH),
        price=Money(1500, "USD"),
        capture=capture,
        variable=True,
        meters=(
            Meter(
                code="data",
                description="Data",
                unit="GB",
                tiers=(Tier(up_to=None, unit_price=Money(40, "USD")),),
            ),
        ),
    )


def every_trouble() -> Iterator[Trouble]:
    """Each fault of a charge and of a capture, each death, each sleep."""
    for fault in CHARGE_FAULTS:
        yield Trouble(charges=(fault,) * 4)
    yield Trouble(charges=(Fault.LATE_SUCCESS,) * 4, late_s=LATE_S[1])
    for fault in CAPTURE_FAULTS:
        yield Trouble(captures=(fault,) * 2)
    for point in CRASH_POINTS:
        yield Trouble(death=(point, 1))
    for place in PLACES:
        yield Trouble(stop=place)
