"""Books that were put back to any fact of theirs never charge again, nor give back again."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.identity import charge_reference
from domain.plan import CaptureMode
from domain.providers import Provider
from domain.restorations.saying import Restored
from domain.subscription.events import ChargeAttempted, ChargeNotMade, ChargeSucceeded
from domain.subscription.refund_events import RefundSucceeded
from tests.restorations.lives import BEGUN, END, Life, Luck, lived
from tests.specimens import DAY, DUE, MINUTE, PRICE, key, terms

STORIES: dict[str, tuple[Luck, ...]] = {
    "paid": (Luck.PAID,),
    "declined, paid": (Luck.DECLINED, Luck.PAID),
    "declined and shown, paid": (Luck.SHOWN, Luck.PAID),
    "lost, paid": (Luck.LOST, Luck.PAID),
    "lost, declined, paid": (Luck.LOST, Luck.DECLINED, Luck.PAID),
    "unheard": (Luck.UNHEARD,),
    "declined, unheard": (Luck.DECLINED, Luck.UNHEARD),
    "declined three times, paid": (*[Luck.DECLINED] * 3, Luck.PAID),
}
AT = pytest.mark.parametrize("which", Provider, ids=lambda each: each.value)
BY = pytest.mark.parametrize("capture", CaptureMode, ids=lambda each: each.value)


def life_of(lucks: tuple[Luck, ...], which: Provider, capture: CaptureMode) -> Life:
    return lived(dict(enumerate(lucks, 1)), terms(capture=capture), which)


def check(lost: Life, version: int) -> None:
    """Each invoice was captured once, in the book and in the books."""
    paid = Counter(each.invoice_number for each in lost.facts if isinstance(each, ChargeSucceeded))
    taken = lost.provider.times()
    assert set(taken.values()) == {1}, f"cut at {version}"
    assert paid[1] == taken[1] == 1
    assert not paid - taken
    assert all(each.number > 1 for each in lost.state.open_invoices)


@AT
@BY
@pytest.mark.parametrize("story", STORIES)
def test_at_every_cut_an_invoice_is_captured_once(
    story: str, which: Provider, capture: CaptureMode
) -> None:
    """Whichever facts were lost, and whatever the lost books had come to."""
    life = life_of(STORIES[story], which, capture)
    assert life.provider.times() == {1: 1}
    for version in range(BEGUN, len(life.facts) + 1):
        lost = life.cut(version)
        lost.live(END + 8 * DAY)
        check(lost, version)


@settings(deadline=None)
@given(
    lucks=st.lists(st.sampled_from(Luck), max_size=3),
    which=st.sampled_from(Provider),
    capture=st.sampled_from(CaptureMode),
    data=st.data(),
)
def test_histories_that_are_drawn_and_cut_are_captured_once(
    lucks: list[Luck], which: Provider, capture: CaptureMode, data: st.DataObject
) -> None:
    """The same for any luck; and cut once more after that."""
    life = life_of(tuple(lucks), which, capture)
    version = data.draw(st.integers(BEGUN, len(life.facts)))
    lost = life.cut(version)
    lost.live(END + 8 * DAY)
    again = lost.cut(data.draw(st.integers(BEGUN, len(lost.facts))))
    again.live(END + 17 * DAY)
    lost_money = version < len(life.facts) and not any(
        isinstance(each, ChargeSucceeded) for each in life.facts[:version]
    )
    event(f"the payment was lost: {lost_money}")
    event(f"attempts: {len(lucks)}")
    check(lost, version)
    check(again, version)


def test_without_a_word_the_gap_is_there() -> None:
    """What makes this worth its calls: nobody said it, and the first number is free."""
    life = life_of(STORIES["declined, paid"], Provider.PAYPAL, CaptureMode.AT_ONCE)
    silent = life.cut(BEGUN, said=False)
    silent.provider.luck = {}
    silent.live(END + 3 * DAY)
    assert silent.provider.times() == {1: 2}


def test_the_numbers_before_the_one_found_are_on_record() -> None:
    """As not made, so that they count on, and the audit can follow."""
    life = life_of(STORIES["lost, declined, paid"], Provider.PAYPAL, CaptureMode.AT_ONCE)
    lost = life.cut(BEGUN)
    lost.live(END + 3 * DAY)
    not_made = [each for each in lost.facts if isinstance(each, ChargeNotMade)]
    assert [each.evidence for each in not_made] == [
        "look-up: after a restoration, attempt 3 is at the provider"
    ] * 2


def test_nothing_is_charged_while_a_look_is_in_doubt() -> None:
    """It stays due; once the provider answers, it is charged."""
    life = life_of((), Provider.PAYPAL, CaptureMode.AT_ONCE)
    life.provider.captured.clear()
    lost = life.cut(BEGUN)
    lost.provider.away = True
    for _ in range(5):
        hand = lost.work()
        assert hand.not_before is not None
        lost.desk.now = hand.not_before
    assert lost.provider.times() == {}
    assert [each.number for each in lost.state.open_invoices] == [1]
    lost.provider.away = False
    lost.live(END + 3 * DAY)
    assert lost.provider.times() == {1: 1}


def test_absence_is_believed_after_the_providers_delay_only() -> None:
    """The charge that the lost books made last may not show yet."""
    life = life_of((), Provider.PAYPAL, CaptureMode.AT_ONCE)
    life.provider.captured, late = {}, life.provider.captured
    lost = life.cut(BEGUN)
    assert lost.work().not_before is not None
    assert lost.provider.times() == {}
    lost.provider.captured = late
    lost.live(END + 3 * DAY)
    assert lost.provider.times() == {1: 1}


@AT
def test_an_attempt_of_the_backup_is_not_sent_however_young_it_is(which: Provider) -> None:
    """The provider would take it as the first sending; but the lost books had it declined, and
    then the backup method paid."""
    life = life_of((), which, CaptureMode.AT_ONCE)
    attempted = next(n for n, each in enumerate(life.facts) if isinstance(each, ChargeAttempted))
    lost = life.cut(attempted + 1)
    paid = charge_reference("s-1", 1, 2, key(1, 2))
    lost.provider.captured, lost.provider.at = {paid: [PRICE]}, {paid: DUE + MINUTE}
    lost.restored = Restored(until=DUE + 10 * MINUTE, since=DUE - DAY)
    lost.desk.now = DUE + 11 * MINUTE
    lost.live(DUE + 3 * DAY)
    check(lost, attempted + 1)


def test_books_that_were_never_restored_ask_nothing_more() -> None:
    """Not one look."""
    life = life_of((), Provider.PAYPAL, CaptureMode.AT_ONCE)
    assert life.provider.looks == 0


def test_what_falls_due_long_after_is_not_looked_for() -> None:
    """The lost books cannot have made it."""
    life = life_of((), Provider.PAYPAL, CaptureMode.AT_ONCE)
    lost = life.cut(len(life.facts))
    lost.live(END + 40 * DAY)
    looks = lost.provider.looks
    assert looks > 0
    lost.live(END + 100 * DAY)
    assert lost.provider.looks == looks
    assert set(lost.provider.times().values()) == {1}


# --- refunds ----------------------------------------------------------------------------------


def given_back(life: Life) -> None:
    """A part of the charge goes back."""
    life.refund(life.state.collected[-1].captured)
    life.live(END + DAY)


@AT
@pytest.mark.parametrize("luck", [Luck.PAID, Luck.UNHEARD])
def test_at_every_cut_a_refund_is_made_once(which: Provider, luck: Luck) -> None:
    """Also where somebody asks for it once more, because it is not in the books."""
    life = lived({}, terms(), which)
    life.provider.refund_luck = {1: luck}
    given_back(life)
    for version in range(BEGUN, len(life.facts) + 1):
        lost = life.cut(version)
        lost.provider.refund_luck = {}
        lost.live(END + 4 * DAY)
        if not lost.state.collected[-1].refunds:
            given_back(lost)
        lost.live(END + 8 * DAY)
        assert sum(map(len, lost.provider.refunded.values())) == 1, f"cut at {version}"
        assert lost.provider.times() == {1: 1}
        assert sum(isinstance(each, RefundSucceeded) for each in lost.facts) == 1


@AT
def test_a_refund_is_not_sent_where_a_later_one_was_made(which: Provider) -> None:
    """The first was refused, and asked for anew in the lost books: a person decides."""
    life = lived({}, terms(), which)
    life.provider.refund_luck = {1: Luck.DECLINED}
    given_back(life)
    cut = next(
        n for n in range(len(life.facts)) if "RefundRequested" in type(life.facts[n]).__name__
    )
    given_back(life)
    assert sum(map(len, life.provider.refunded.values())) == 1
    lost = life.cut(cut + 1)
    lost.provider.refund_luck = {}
    lost.live(END + 8 * DAY)
    assert sum(map(len, lost.provider.refunded.values())) == 1
    (refund,) = lost.state.refunds
    assert refund.awaits_person
    assert "is not in these books" in refund.finding
