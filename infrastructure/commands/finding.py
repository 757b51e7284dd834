"""What a command names by its own id, as the projections know it."""

from __future__ import annotations

from uuid import UUID

from domain.refusals import Refused
from infrastructure.bootstrap import System
from projections.charges import Charge
from projections.refunds import Refund


def charge_of(system: System, attempt_id: UUID) -> Charge:
    """The charge of an attempt. Refused: "attempt-unknown"."""
    found: Charge | None = system.views.get("charges", str(attempt_id)).row
    if found is None:
        raise Refused("attempt-unknown", f"there is no attempt {attempt_id}")
    return found


def refund_of(system: System, refund_id: UUID) -> Refund:
    """A refund. Refused: "refund-unknown"."""
    found: Refund | None = system.views.get("refunds", str(refund_id)).row
    if found is None:
        raise Refused("refund-unknown", f"there is no refund {refund_id}")
    return found
