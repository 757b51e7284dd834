"""The same terms at other prices."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given

from domain.plan import Meter, OneTime, OneTimeKind, Terms
from domain.plan_rules import check_terms
from domain.prices import Tier
from domain.repricing import repriced
from tests.domain.asking import RELOADED, nok
from tests.histories import terms as any_terms
from tests.specimens import instalments, terms

TENTH = Fraction(11, 10)


def test_every_price_is_changed_and_rounded_by_itself() -> None:
    """Ten per cent more: 299.00 -> 328.90; 0.15 -> 0.17 (0.165); nothing stays nothing."""
    calls = Meter(
        code="calls",
        description="Calls",
        unit="call",
        tiers=(Tier(up_to=100, unit_price=nok(0)), Tier(up_to=None, unit_price=nok(15), per=10)),
        minimum=nok(1000),
        cap=nok(9999),
    )
    shipping = OneTime(kind=OneTimeKind.SHIPPING, description="Parcel", amount=nok(905))
    found = repriced(terms(meters=(calls,), setup_fee=nok(5000), one_time=(shipping,)), TENTH)
    (meter,) = found.meters
    assert (found.price, found.setup_fee) == (nok(32890), nok(5500))
    assert [each.amount for each in found.one_time] == [nok(996)]
    assert [each.unit_price for each in meter.tiers] == [nok(0), nok(17)]
    assert (meter.minimum, meter.cap) == (nok(1100), nok(10999))


def test_tiers_and_instalments_keep_to_their_rules() -> None:
    """The price is a unit's in the first tier; the largest of the instalments."""
    steps = (
        Tier(up_to=5, unit_price=nok(29900), flat=nok(105)),
        Tier(up_to=None, unit_price=nok(1)),
    )
    found = repriced(terms(tiers=steps, quantity=7), TENTH)
    assert [each.unit_price for each in found.tiers] == [found.price, nok(1)]
    assert found.tiers[0].flat == nok(116)
    amounts = (nok(3334), nok(3333), nok(3333))
    split = repriced(instalments(3, price=amounts[0], instalments=amounts), TENTH)
    assert split.instalments == (nok(3667), nok(3666), nok(3666))
    for each in (found, split):
        check_terms(each)


def test_what_is_no_price_stays() -> None:
    """A balance that is too low is so as before; it is filled up with more."""
    found = repriced(RELOADED, TENTH).reload
    assert found is not None
    assert (found.threshold, found.amount) == (nok(5000), nok(22000))


@given(any_terms())
def test_as_it_was_and_dearer_it_can_be_agreed_to(agreed: Terms) -> None:
    """A factor of one changes nothing; twice the price is as well-formed."""
    assert repriced(agreed, Fraction(1)) == agreed
    check_terms(repriced(agreed, Fraction(2)))
