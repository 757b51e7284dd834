"""How a simulator misbehaves: by a seeded plan, the same on every run.

A fault is picked from the seed, the operation and the reference, never from a running random
generator, so a run with the same input meets the same faults whatever the order of its requests.
Faults by seed strike the first sending of a reference only; what the provider remembers of it
(a decline, a capture whose answer was lost) stays. Tests name exact faults with `script`.

As text (command line, `POST /_faults`): "none", "seed=7", "seed=7,lost-answer=0.05,hang-s=0.2".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from hashlib import blake2b
from typing import TypeVar

import attrs

F = TypeVar("F", bound=Enum)


class Fault(Enum):
    """What goes wrong with one request."""

    LOST_ANSWER = "lost-answer"  # carried out; the connection ends without an answer
    ERROR_AFTER = "error-after"  # carried out; HTTP 500
    HTML_AFTER = "html-after"  # carried out; HTTP 200 with a proxy's HTML page
    TRUNCATED_AFTER = "truncated-after"  # carried out; the JSON of the answer breaks off
    FORGOTTEN_KEY = "forgotten-key"  # carried out; no answer, and the key is not remembered
    LATE_SUCCESS = "late-success"  # HTTP 503; carried out `late_s` later by the simulator's clock
    TIME_OUT_BEFORE = "time-out-before"  # nothing done; the connection ends without an answer
    ERROR_BEFORE = "error-before"  # nothing done; HTTP 500
    HTML_BEFORE = "html-before"  # nothing done; HTTP 502 with a proxy's HTML page
    RATE_LIMITED = "rate-limited"  # nothing done; HTTP 429 with Retry-After
    SOFT_DECLINE = "soft-decline"
    HARD_DECLINE = "hard-decline"
    PAYER_ACTION = "payer-action"
    PENDING = "pending"  # accepted; completes `late_s` later by the simulator's clock
    WRONG_AMOUNT = "wrong-amount"  # carried out for one minor unit less than was asked
    PENDING_FAILS = "pending-fails"  # accepted, and comes to nothing `late_s` later
    FAILED_THEN_MADE = "failed-then-made"  # of refunds: fails, and is made `late_s` later after all


class CallbackFault(Enum):
    """What goes wrong with the callback about a reference."""

    DUPLICATE = "duplicate-callback"  # delivered three times
    EARLY = "early-callback"  # delivered before the request is answered
    LATE = "late-callback"  # held back until others have overtaken it
    FORGED = "forged-callback"  # a second one with a wrong signature goes out before it
    LOST = "lost-callback"  # never delivered


# Shares of charges in the mix of `from_seed`; together 10 %, so that a run of thousands meets all.
_MIX: Mapping[Fault, float] = {
    Fault.LOST_ANSWER: 0.015,
    Fault.ERROR_AFTER: 0.005,
    Fault.HTML_AFTER: 0.003,
    Fault.TRUNCATED_AFTER: 0.003,
    Fault.FORGOTTEN_KEY: 0.004,
    Fault.LATE_SUCCESS: 0.005,
    Fault.TIME_OUT_BEFORE: 0.008,
    Fault.ERROR_BEFORE: 0.005,
    Fault.HTML_BEFORE: 0.002,
    Fault.RATE_LIMITED: 0.01,
    Fault.SOFT_DECLINE: 0.025,
    Fault.HARD_DECLINE: 0.007,
    Fault.PAYER_ACTION: 0.003,
    Fault.PENDING: 0.003,
    Fault.WRONG_AMOUNT: 0.002,
}
_CALLBACK_MIX: Mapping[CallbackFault, float] = {
    CallbackFault.DUPLICATE: 0.03,
    CallbackFault.EARLY: 0.02,
    CallbackFault.LATE: 0.03,
    CallbackFault.FORGED: 0.01,
    CallbackFault.LOST: 0.01,
}
_ANY = "*"
_STRUCK_BY_SEED = ("charge", "capture", "refund", "void")


class FaultPlanMalformed(ValueError):
    """A plan's text that cannot be read; the message says which part."""


@attrs.frozen
class ScriptedFault:
    """An exact fault: for the nth request (from 1) of an operation with that reference.

    operation: "charge", "capture", "refund", "void", "reauthorize", "delete-token", "token",
        "look-up", "verify" (of webhooks), or "callback" with a CallbackFault.
    reference: "*" is any reference. Requests are counted from when the plan has a script.
    """

    operation: str
    reference: str
    nth: int
    fault: Fault | CallbackFault


@attrs.define
class FaultPlan:
    """Which faults strike. Mutable only in `script`, which tests add to.

    seed: any text; shares: of charges, captures, refunds and voids, 0 to 1 each, together at
        most 1. A pending refund fails as often as it completes, unless a share is given.
    hang_s: seconds a connection without an answer stays open before it is closed.
    late_s: seconds by the simulator's clock until late successes and pending ones complete.
    retry_after_s: seconds named with a 429.
    """

    seed: str = ""
    shares: Mapping[Fault, float] = attrs.field(factory=dict)
    callback_shares: Mapping[CallbackFault, float] = attrs.field(factory=dict)
    hang_s: float = 0.0
    late_s: float = 120.0
    retry_after_s: int = 2
    script: list[ScriptedFault] = attrs.field(factory=list)
    _seen: dict[tuple[str, str], int] = attrs.field(factory=dict, init=False, repr=False)
    _struck: set[tuple[str, str]] = attrs.field(factory=set, init=False, repr=False)

    @classmethod
    def none(cls) -> FaultPlan:
        """A provider that does everything right."""
        return cls()

    @classmethod
    def from_seed(cls, seed: str | int) -> FaultPlan:
        """The usual mix: one charge in ten is affected, and one callback in ten."""
        return cls(seed=str(seed), shares=_MIX, callback_shares=_CALLBACK_MIX)

    @classmethod
    def parse(cls, text: str) -> FaultPlan:
        """The plan that a text names. Raises: FaultPlanMalformed."""
        if text.strip() in ("", "none"):
            return cls.none()
        plan = cls.none()
        for part in text.split(","):
            name, _, value = (piece.strip() for piece in part.partition("="))
            if name == "seed":
                plan = cls.from_seed(value)
            else:
                _set(plan, name, value)
        return plan

    def pick(self, operation: str, reference: str) -> Fault | None:
        """The fault of this request; call it once per request received."""
        scripted = self._scripted(operation, reference)
        if isinstance(scripted, Fault):
            return scripted
        if operation not in _STRUCK_BY_SEED:
            return None
        shares = self._of_refunds() if operation == "refund" else self.shares
        fault = _drawn(shares, f"{self.seed}/{operation}/{reference}")
        if fault is None or (operation, reference) in self._struck:
            return None
        self._struck.add((operation, reference))
        return fault

    def _of_refunds(self) -> Mapping[Fault, float]:
        return {Fault.PENDING_FAILS: self.shares.get(Fault.PENDING, 0.0), **self.shares}

    def pick_callback(self, reference: str) -> CallbackFault | None:
        """The fault of the callback about a reference; call it once per callback."""
        scripted = self._scripted("callback", reference)
        if isinstance(scripted, CallbackFault):
            return scripted
        return _drawn(self.callback_shares, f"{self.seed}/callback/{reference}")

    def _scripted(self, operation: str, reference: str) -> Fault | CallbackFault | None:
        if not self.script:  # a plan without a script keeps no count of what it saw
            return None
        counts = {}
        for name in (_ANY, reference):
            counts[name] = self._seen.get((operation, name), 0) + 1
            self._seen[operation, name] = counts[name]
        for line in self.script:
            if line.operation == operation and counts.get(line.reference) == line.nth:
                return line.fault
        return None


def _drawn(shares: Mapping[F, float], name: str) -> F | None:
    """One of the faults by their shares; the same for the same name."""
    if not shares:
        return None
    draw = int.from_bytes(blake2b(name.encode(), digest_size=7).digest(), "big") / 2**56
    for fault, share in shares.items():
        if draw < share:
            return fault
        draw -= share
    return None


def _set(plan: FaultPlan, name: str, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        raise FaultPlanMalformed(f"{name}={value}: not a number") from None
    if name in ("hang-s", "late-s", "retry-after-s") and 0 <= number < 10**6:
        attribute = name.replace("-", "_")
        setattr(plan, attribute, int(number) if attribute == "retry_after_s" else number)
        return
    if not 0 <= number <= 1:
        raise FaultPlanMalformed(f"{name}={value}: a share is 0 to 1")
    if name in {fault.value for fault in Fault}:
        plan.shares = {**plan.shares, Fault(name): number}
    elif name in {fault.value for fault in CallbackFault}:
        plan.callback_shares = {**plan.callback_shares, CallbackFault(name): number}
    else:
        raise FaultPlanMalformed(f"{name}: no such fault")
