"""What callers send about the catalogue."""

from __future__ import annotations

from datetime import date, datetime

import attrs

from domain.catalogue.publishing import Publish
from domain.refusals import Refused
from infrastructure.api.asking import AgreedTerms, Asked


class NewVersion(Asked):
    """Publish a version of a plan.

    version: the next one. terms: plan and version in them may be left out.
    available_from: instant from which subscriptions may start on it; null: at once.
    reason: 1-200 characters, kept in the ledger: no personal data.
    """

    version: int
    terms: AgreedTerms
    reason: str
    available_from: datetime | None = None

    def wish(self, code: str) -> Publish:
        """As the domain has it. Raises: Refused("plan-mixed") and the codes of terms."""
        terms = self.terms.terms()
        if terms.plan not in ("standard", code) or terms.plan_version not in (1, self.version):
            named = f"{terms.plan} {terms.plan_version}"
            raise Refused("plan-mixed", f"terms of {named} for version {self.version} of {code}")
        return Publish(
            plan=code,
            version=self.version,
            terms=attrs.evolve(terms, plan=code, plan_version=self.version),
            reason=self.reason,
            available_from=self.available_from,
        )


class Retirement(Asked):
    """Let nobody start on a plan from an instant on; null: now."""

    reason: str
    retired_at: datetime | None = None


class MoveWanted(Asked):
    """Move subscribers to another version, with the first period on or after a local day."""

    from_version: int
    to_version: int
    on: date
    reason: str


class MoveWithdrawal(Asked):
    """Take an announced move back; who has been moved stays moved."""

    from_version: int
    to_version: int
    reason: str
