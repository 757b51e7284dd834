"""Copies made by folding: equal to what attrs makes, and never the original."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from domain.copying import with_
from domain.money import Money
from domain.subscription.owed import Credit
from domain.subscription.state import Subscription
from tests.specimens import signed_up
from tests.vocabulary import given

CREDIT = Credit(credit_number=1, left=Money(100, "NOK"))


def test_copy_is_what_attrs_would_make() -> None:
    """The named fields are changed, the others stay, and so does the original."""
    copy = with_(CREDIT, left=Money(40, "NOK"))
    assert copy == attrs.evolve(CREDIT, left=Money(40, "NOK"))
    assert hash(copy) == hash(attrs.evolve(CREDIT, left=Money(40, "NOK")))
    assert CREDIT.left == Money(100, "NOK")


def test_copy_is_frozen() -> None:
    """A copy is as frozen as any other value."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast(Any, with_(CREDIT, credit_number=2)).credit_number = 3


def test_field_that_there_is_not() -> None:
    """A misspelt field is an error, not a silent copy."""
    with pytest.raises(KeyError):
        cast(Any, with_)(CREDIT, creditnumber=2)


def test_value_that_is_kept_in_a_dict() -> None:
    """The state of a subscription is copied likewise, as frozen, its fields in their order."""
    state = given(*signed_up()).state
    copy = with_(state, parked=True, invoices_issued=7)
    assert copy == attrs.evolve(state, parked=True, invoices_issued=7)
    assert list(vars(copy)) == [field.name for field in attrs.fields(Subscription)]
    assert (state.parked, state.invoices_issued) == (False, 0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cast(Any, copy).parked = False
    with pytest.raises(KeyError):
        cast(Any, with_)(state, parkedd=True)
