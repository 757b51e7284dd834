"""The terms of one line of a customer file: from its columns, or from the plan file it names."""

from __future__ import annotations

from pathlib import Path

import attrs
import msgspec

from domain.calendar import Interval, Unit, checked_interval
from domain.money import Money
from domain.percents import parse_percent
from domain.plan import (
    CaptureMode,
    DunningEnd,
    Kind,
    OneTime,
    OneTimeKind,
    RetryPolicy,
    Terms,
    Timing,
    checked_retry,
)
from domain.prices import Tiering
from domain.refusals import Refused
from domain.taxes import TaxRate
from infrastructure.api.asked_terms import AgreedTerms
from infrastructure.card_numbers import refuse
from infrastructure.commands.agreeing import (
    check_one_time_total,
    instalments_of,
    kind_of,
    parse_tiers,
    price_of,
)
from infrastructure.commands.line_fields import Fields

# What a plan file says alone: a line with `plan_file` leaves these empty.
TERMS_COLUMNS = (
    *("price", "currency", "plan", "description", "interval_unit", "interval_count", "timing"),
    *("trial_days", "setup_fee", "cycles", "capture", "retry_days", "kind", "tiers", "tiering"),
    *("tax_code", "tax_percent", "tax_included", "product", "shipping", "one_time_total"),
    *("variable", "instalment_total", "plan_version", "dunning", "grace_days", "backup"),
)
# Each of them says the price.
PRICED_BY = ("price", "tiers", "instalment_total")
_LARGEST_PLAN_BYTES = 256_000


class PlanFiles:
    """Terms in JSON, as the API takes them, beside a customer file; each is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Terms | Refused] = {}

    def terms(self, name: str) -> Terms:
        """Raises: Refused("plan-file-unreadable"), Refused("plan-file-malformed"), and the codes
        of AgreedTerms.terms."""
        found = self._read.get(name)
        if found is None:
            try:
                found = self._decoded(name)
            except Refused as refused:
                found = refused
            self._read[name] = found
        if isinstance(found, Refused):
            raise found
        return found

    def _decoded(self, name: str) -> Terms:
        try:
            with (self._folder / name).open("rb") as file:
                body = file.read(_LARGEST_PLAN_BYTES + 1)
        except (OSError, ValueError) as error:
            raise Refused("plan-file-unreadable", f"{name[:60]}: {error}") from None
        if len(body) > _LARGEST_PLAN_BYTES:
            reason = f"{name[:60]}: larger than {_LARGEST_PLAN_BYTES} bytes"
            raise Refused("plan-file-unreadable", reason)
        refuse(body, "plan file")
        try:
            return msgspec.json.decode(body, type=AgreedTerms).terms()
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Refused("plan-file-malformed", f"{name[:60]}: {error}") from None


def terms_of_line(fields: Fields, plans: PlanFiles) -> Terms | None:
    """The terms; None where they cannot be read, which is noted."""
    name, quantity = fields.text("plan_file"), fields.number("quantity")
    if not name:
        return _of_columns(fields, 1 if quantity is None else quantity)
    for column in TERMS_COLUMNS:
        if fields.text(column):
            fields.problems.append(("terms-ambiguous", f"{column}: the terms are in {name[:60]}"))
    terms = fields.checked(lambda: plans.terms(name))
    if terms is None or quantity is None:
        return terms
    return attrs.evolve(terms, quantity=quantity)


def _of_columns(fields: Fields, quantity: int) -> Terms | None:
    currency = fields.text("currency", "USD")
    stated = fields.money("price", currency)
    if not any(fields.text(name) for name in PRICED_BY):
        fields.problems.append(("value-missing", "price is empty"))
    plan, version = fields.text("plan", "standard"), fields.number("plan_version")
    trial_days, cycles = fields.number("trial_days"), fields.number("cycles")
    unit = fields.choice("interval_unit", Unit, Unit.MONTH)
    count = fields.number("interval_count")
    every = Interval(unit, 1 if count is None else count)
    interval = fields.checked(lambda: checked_interval(every))
    free = Interval(Unit.DAY, trial_days) if trial_days else None
    trial = None if free is None else fields.checked(lambda: checked_interval(free))
    timing = fields.choice("timing", Timing, Timing.PREPAID)
    capture = fields.choice("capture", CaptureMode, CaptureMode.AT_ONCE)
    tiering = fields.choice("tiering", Tiering, Tiering.GRADUATED)
    kind, variable = _kind(fields), fields.yes_no("variable")
    backup = fields.yes_no("backup")
    fee = fields.money("setup_fee", currency)
    tiers = fields.checked(lambda: parse_tiers(fields.text("tiers"), currency)) or ()
    total = fields.money("instalment_total", currency)
    instalments = () if total is None else fields.checked(lambda: instalments_of(total, cycles))
    retry, tax = _retry(fields), _tax(fields)
    price = None
    if stated is not None or tiers or instalments:
        price = fields.checked(lambda: price_of(stated, tiers, instalments or ()))
    one_time = _one_time(fields, currency, tax)
    once = fields.money("one_time_total", currency)
    if price is None or interval is None or retry is None:
        return None
    terms = Terms(
        plan=plan,
        plan_version=1 if version is None else version,
        description=fields.text("description", plan),
        kind=kind_of(
            kind,
            variable=variable,
            metered=False,
            cycles=cycles,
            instalments=bool(instalments),
        ),
        timing=timing,
        interval=interval,
        price=price,
        trial=trial,
        setup_fee=fee,
        cycles=cycles,
        capture=capture,
        retry=retry,
        quantity=quantity,
        tiers=tiers,
        tiering=tiering,
        tax=tax,
        one_time=one_time,
        variable=variable,
        instalments=instalments or (),
        backup=backup,
    )
    fields.checked(lambda: check_one_time_total(terms, once))
    return terms


def _kind(fields: Fields) -> Kind | None:
    """Left empty, the rest of the line says it."""
    return fields.choice("kind", Kind, Kind.SUBSCRIPTION) if fields.text("kind") else None


def _tax(fields: Fields) -> TaxRate | None:
    """A code needs its percentage, and the other way round."""
    code, percent = fields.text("tax_code"), fields.text("tax_percent")
    included = fields.yes_no("tax_included")
    if not code and not percent and not fields.text("tax_included"):
        return None
    if not code or not percent:
        fields.problems.append(("value-missing", "tax_code and tax_percent belong together"))
        return None
    ppm = fields.checked(lambda: parse_percent(percent))
    return None if ppm is None else TaxRate(code=code, ppm=ppm, included=included)


def _one_time(fields: Fields, currency: str, tax: TaxRate | None) -> tuple[OneTime, ...]:
    """Goods and their shipping, taxed as the period is."""
    charges = []
    for kind in OneTimeKind:
        amount: Money | None = fields.money(kind.value.lower(), currency)
        if amount is not None:
            words = kind.value.capitalize()
            charges.append(OneTime(kind=kind, description=words, amount=amount, tax=tax))
    return tuple(charges)


def _retry(fields: Fields) -> RetryPolicy | None:
    end = fields.choice("dunning", DunningEnd, DunningEnd.LEAVE_OPEN)
    grace = fields.number("grace_days") or 0
    waits = _wait_days(fields)
    if waits is None:
        return None
    return fields.checked(lambda: checked_retry(RetryPolicy(waits, end, grace)))


def _wait_days(fields: Fields) -> tuple[int, ...] | None:
    text = fields.text("retry_days")
    if not text:
        return RetryPolicy().wait_days
    if text.lower() == "none":
        return ()
    parts = text.split()
    if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        reason = f"retry_days: {text[:40]!r} is neither days such as '3 5 7' nor none"
        fields.problems.append(("number-malformed", reason))
        return None
    return tuple(int(part) for part in parts)
