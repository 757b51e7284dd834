"""Fault plans: the same faults on every run, in the shares that were asked for."""

from __future__ import annotations

from collections import Counter

import pytest

from infrastructure.simulators.faults import (
    CallbackFault,
    Fault,
    FaultPlan,
    FaultPlanMalformed,
    ScriptedFault,
)

REFERENCES = [f"sub-{number}-1-1-abcdef" for number in range(5000)]


def test_no_plan_no_faults() -> None:
    """A provider that does everything right."""
    plan = FaultPlan.none()
    assert {plan.pick("charge", reference) for reference in REFERENCES} == {None}
    assert {plan.pick_callback(reference) for reference in REFERENCES} == {None}


def test_seed_gives_the_same_faults_in_any_order() -> None:
    """What strikes a reference depends on the seed and on it alone."""
    forwards, backwards = FaultPlan.from_seed(7), FaultPlan.from_seed(7)
    first = {name: forwards.pick("charge", name) for name in REFERENCES}
    second = {name: backwards.pick("charge", name) for name in reversed(REFERENCES)}
    assert first == second
    other = FaultPlan.from_seed(8)
    assert first != {name: other.pick("charge", name) for name in REFERENCES}


def test_usual_mix_is_one_in_ten_and_holds_every_fault() -> None:
    """5,000 charges meet all faults, about 500 of them in all."""
    plan = FaultPlan.from_seed(1)
    found = Counter(plan.pick("charge", name) for name in REFERENCES)
    assert set(found) == {None, *Fault} - {Fault.PENDING_FAILS, Fault.FAILED_THEN_MADE}
    assert 400 <= len(REFERENCES) - found[None] <= 600
    callbacks = Counter(plan.pick_callback(name) for name in REFERENCES)
    assert set(callbacks) == {None, *CallbackFault}


def test_refunds_meet_the_mix_and_pending_ones_that_fail() -> None:
    """What a charge meets, a refund meets as well; it may also be accepted and then fail."""
    plan = FaultPlan.from_seed(1)
    found = Counter(plan.pick("refund", name) for name in REFERENCES)
    assert set(found) == {None, *Fault} - {Fault.FAILED_THEN_MADE}
    named = FaultPlan.parse("seed=1,pending-fails=0.5")
    assert Counter(named.pick("refund", name) for name in REFERENCES)[Fault.PENDING_FAILS] > 2300


def test_seeded_fault_strikes_a_reference_once() -> None:
    """The repeat of a struck request goes through."""
    plan = FaultPlan.from_seed(1)
    struck = [name for name in REFERENCES if plan.pick("charge", name) is not None]
    assert {plan.pick("charge", name) for name in struck} == {None}


def test_only_what_moves_or_frees_money_is_struck_by_seed() -> None:
    """Tokens and look-ups fail by script only."""
    plan = FaultPlan.from_seed(1)
    assert {plan.pick("token", name) for name in REFERENCES} == {None}


def test_script_names_the_nth_request() -> None:
    """Exactly the request that a test means."""
    plan = FaultPlan.none()
    plan.script = [
        ScriptedFault("charge", "r-1", 2, Fault.LOST_ANSWER),
        ScriptedFault("capture", "r-1", 1, Fault.RATE_LIMITED),
        ScriptedFault("token", "*", 3, Fault.HTML_AFTER),
    ]
    assert [plan.pick("charge", "r-1") for _ in range(3)] == [None, Fault.LOST_ANSWER, None]
    assert plan.pick("charge", "r-2") is None
    assert plan.pick("capture", "r-1") is Fault.RATE_LIMITED
    assert [plan.pick("token", f"t-{n}") for n in range(4)] == [None, None, Fault.HTML_AFTER, None]


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("none", FaultPlan.none()),
        ("", FaultPlan.none()),
        ("seed=7", FaultPlan.from_seed("7")),
        ("lost-answer=0.5", FaultPlan(shares={Fault.LOST_ANSWER: 0.5})),
        (
            "duplicate-callback=1, hang-s=0.25, retry-after-s=9",
            FaultPlan(callback_shares={CallbackFault.DUPLICATE: 1.0}, hang_s=0.25, retry_after_s=9),
        ),
    ],
)
def test_plan_is_read_from_text(text: str, plan: FaultPlan) -> None:
    """The command line's form."""
    assert FaultPlan.parse(text) == plan


def test_text_overrides_the_mix() -> None:
    """A share after a seed replaces that of the mix and keeps the others."""
    plan = FaultPlan.parse("seed=7,soft-decline=0")
    assert plan.shares[Fault.SOFT_DECLINE] == 0
    assert plan.shares[Fault.LOST_ANSWER] == FaultPlan.from_seed(7).shares[Fault.LOST_ANSWER]


@pytest.mark.parametrize(
    "text", ["lost", "lost-answer=", "lost-answer=2", "gone=0.1", "hang-s=-1", "hang-s=nan"]
)
def test_malformed_text_is_refused(text: str) -> None:
    """A typo is an error, not a plan without that fault."""
    with pytest.raises(FaultPlanMalformed):
        FaultPlan.parse(text)
