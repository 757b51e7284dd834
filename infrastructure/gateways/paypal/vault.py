"""Setup tokens and payment tokens: what is sent, and what the answers mean.

Sources: reference notes on PayPal, sections 2.1 to 2.4; OpenAPI vault_payment_tokens_v3.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from domain.calendar import Interval, count_from
from domain.money import Money, zero
from domain.plan import Kind, OneTimeKind, PaidTrial, Terms, on_trial
from domain.ports import (
    Granted,
    Offered,
    Secret,
    StillOpen,
    TokenAnswer,
    TokenDenied,
    TokenOfferAnswer,
    TokenOrder,
    Unknown,
)
from domain.subscription.events import Instrument
from domain.taxes import TaxRate, taxed
from infrastructure.gateways.exchange import Reply
from infrastructure.gateways.paypal.account import PayPalAccount
from infrastructure.gateways.paypal.declines import (
    MEANING_OF,
    Refusal,
    refusal_of,
)
from infrastructure.gateways.paypal.issues import Meaning
from infrastructure.gateways.paypal.presenting import Metadata, Presentation, check_consent
from infrastructure.gateways.paypal.wire import amount_json, items, link, mapping, plan_name
from infrastructure.gateways.returning import returning_from

SETUP_TOKEN_LIFE = timedelta(days=3)  # PayPal's default; the answer does not state it
# A request is looked at when its time is up. PayPal must still know it then: a payer may have
# approved and closed the window, and no webhook tells of an approval alone.
LAST_LOOK_BEFORE = timedelta(hours=1)
WAITING = frozenset({"CREATED", "PAYER_ACTION_REQUIRED"})
APPROVED = frozenset({"APPROVED", "VAULTED", "TOKENIZED"})
_DESCRIPTION_LENGTH = 127
_PART_OF = {OneTimeKind.PRODUCT: "product_price", OneTimeKind.SHIPPING: "shipping_amount"}


def exchange_key(request_id: UUID) -> str:
    """The key under which a setup token is exchanged; the same whoever computes it."""
    return str(uuid5(request_id, "payment-token"))


def setup_token_json(
    order: TokenOrder,
    account: PayPalAccount,
    today: date,
    presentation: Presentation | None = None,
) -> dict[str, Any]:
    """The body of POST /v3/vault/setup-tokens. presentation: None for the account's.

    Raises: Refused("money-needs-decimals", "recurring-metadata-missing").
    """
    presentation = presentation or account.presentation
    check_consent(presentation.metadata, order.terms)
    context: dict[str, Any] = {
        "return_url": returning_from(account.return_url, order),
        "cancel_url": returning_from(account.cancel_url, order),
        **presentation.context_json(),
    }
    if account.brand_name:
        context["brand_name"] = account.brand_name[:300]
    wallet: dict[str, Any] = {
        "description": order.terms.description[:_DESCRIPTION_LENGTH],
        **presentation.wallet_json(),
        "experience_context": context,
    }
    if presentation.metadata is not Metadata.NONE:
        wallet["usage_pattern"] = order.terms.usage_pattern
    if presentation.metadata is Metadata.PATTERN_AND_PLAN:
        plan = billing_plan_json(order.terms, order.start_date, today, order.paid_trial)
        if plan is not None:
            wallet["billing_plan"] = plan
    return {
        "customer": {"merchant_customer_id": order.customer_id},
        "payment_source": {"paypal": wallet},
    }


def billing_plan_json(
    terms: Terms, start_date: str | None, today: date, paid_trial: PaidTrial | None = None
) -> dict[str, Any] | None:
    """The plan as the payer is shown it: the whole period's amount, all units and tax together.

    FIXED where each payment is that amount; VARIABLE where it may vary: then it is what a period
    costs without usage, or unless another amount is set. None where a plan cannot say it: payments
    of different amounts, nothing but usage, a trial that is no cheaper than what follows it, or
    what is not recurring (IMMEDIATE, DEFERRED); then the usage pattern alone is sent.

    A free trial comes first and has no price; only the cycle with sequence 1 may lack a start
    date, and it does when it starts at checkout. The first charge is part of the total due at
    checkout only then. Source: notes 2.3.
    """
    price = _price_of(terms)
    if price is None or terms.kind in (Kind.IMMEDIATE, Kind.DEFERRED):
        return None
    if not terms.scheduled:
        return _unscheduled_plan(terms, price, start_date or today.isoformat())
    cheaper = None if paid_trial is None else _price_of(on_trial(terms, paid_trial))
    if paid_trial and (cheaper is None or cheaper.minor >= price.minor):
        return None
    model = "VARIABLE" if terms.variable or terms.metered else "FIXED"
    cycles: list[dict[str, Any]] = []
    if terms.trial is not None:
        cycles.append(_cycle("TRIAL", terms.trial, total=1, sequence=1))
        start_date = start_date or count_from(today, terms.trial, 1).isoformat()
    at_checkout = zero(terms.currency)
    if start_date is None:
        at_checkout = cheaper or price
    if paid_trial is not None and cheaper is not None:
        total = paid_trial.cycles
        trial = _cycle("TRIAL", paid_trial.interval, total=total, sequence=len(cycles) + 1)
        cycles.append(_priced(trial, model, cheaper, start_date))
        first = today if start_date is None else date.fromisoformat(start_date)
        start_date = count_from(first, paid_trial.interval, total).isoformat()
    regular = _cycle("REGULAR", terms.interval, total=terms.cycles or 0, sequence=len(cycles) + 1)
    regular = _priced(regular, model, price, start_date)
    plan: dict[str, Any] = {
        "billing_cycles": [*cycles, regular],
        "one_time_charges": _one_time_charges(terms, at_checkout),
    }
    goods = [each.description for each in terms.one_time if each.kind is OneTimeKind.PRODUCT]
    if goods:
        plan["product"] = {"description": ", ".join(goods)[:_DESCRIPTION_LENGTH], "quantity": "1"}
    name = plan_name(terms.description)
    return {**plan, "name": name} if name else plan


def _unscheduled_plan(terms: Terms, price: Money, start_date: str) -> dict[str, Any]:
    """A plan without a rhythm: it begins on a day, so that nothing is due at checkout.

    AUTO_RELOAD names the balance below which the amount is charged.
    """
    model, charged = "VARIABLE" if terms.variable else "FIXED", price
    scheme: dict[str, Any] = {}
    if terms.reload is not None:
        model, charged = "AUTO_RELOAD", terms.reload.amount
        scheme["reload_threshold_amount"] = amount_json(terms.reload.threshold)
    scheme |= {"pricing_model": model, "price": amount_json(charged)}
    cycle = {
        "tenure_type": "REGULAR",
        "total_cycles": 0,
        "sequence": 1,
        "pricing_scheme": scheme,
        "start_date": start_date,
    }
    once = {"total_amount": amount_json(zero(terms.currency))}
    plan: dict[str, Any] = {"billing_cycles": [cycle], "one_time_charges": once}
    name = plan_name(terms.description)
    return {**plan, "name": name} if name else plan


def _price_of(terms: Terms) -> Money | None:
    """What every payment is, with tax; None where there is no such amount, or it is nothing."""
    if len(set(terms.instalments)) > 1:
        return None
    return terms.amount if terms.amount.minor > 0 else None


def _cycle(tenure: str, interval: Interval, *, total: int, sequence: int) -> dict[str, Any]:
    return {
        "tenure_type": tenure,
        "frequency": {"interval_unit": interval.unit.value, "interval_count": interval.count},
        "total_cycles": total,
        "sequence": sequence,
    }


def _priced(
    cycle: dict[str, Any], model: str, price: Money, start_date: str | None
) -> dict[str, Any]:
    scheme = {"pricing_model": model, "price": amount_json(price)}
    begins = {} if start_date is None else {"start_date": start_date}
    return {**cycle, "pricing_scheme": scheme, **begins}


def _one_time_charges(terms: Terms, first: Money) -> dict[str, Any]:
    """What is due at checkout: the first charge if it falls due then, and what is charged once.

    Fee, goods and shipping stand there before tax, and their tax beside them, so that they add up
    whether or not prices state it. The tax of the first charge is within that.
    """
    nets: dict[str, Money] = {}
    tax, due = zero(terms.currency), first
    if terms.setup_fee is not None:
        tax = tax + _add(nets, "setup_fee", terms.setup_fee, terms.tax)
    for each in terms.one_time:
        tax = tax + _add(nets, _PART_OF[each.kind], each.amount, each.tax)
    charges = {name: amount_json(net) for name, net in nets.items()}
    if tax.minor:
        charges["taxes"] = amount_json(tax)
    for part in (*nets.values(), tax):
        due = due + part
    return {**charges, "total_amount": amount_json(due)}


def _add(nets: dict[str, Money], part: str, price: Money, rate: TaxRate | None) -> Money:
    """Add a price before tax to its part of the plan; its tax."""
    split = None if rate is None else taxed(price, rate)
    net = price if split is None else split.net
    nets[part] = nets[part] + net if part in nets else net
    return zero(price.currency) if split is None else split.tax


def offer_of(reply: Reply, now: datetime) -> TokenOfferAnswer:
    """What the answer to a setup token request means."""
    if reply.status >= 400:
        return _refused(reply.status, refusal_of(reply.data))
    body = mapping(reply.data)
    token_id, approve_url = body.get("id"), link(body, "approve", "payer-action")
    if not isinstance(token_id, str) or not approve_url:
        return Unknown(reason=f"HTTP {reply.status} without an approval link")
    expires_at = now.astimezone(UTC) + SETUP_TOKEN_LIFE - LAST_LOOK_BEFORE
    return Offered(provider_ref=token_id, approve_url=approve_url, expires_at=expires_at)


def token_of(reply: Reply) -> TokenAnswer:
    """What the answer to an exchange means."""
    if reply.status >= 400:
        refusal = refusal_of(reply.data)
        if "PAYER_ACTION_REQUIRED" in refusal.issues:
            return StillOpen()
        return _refused(reply.status, refusal)
    return granted(mapping(reply.data).get("id"), reply.status)


def only_token_of(reply: Reply) -> TokenAnswer:
    """The token of an exchange that PayPal no longer remembers, from the customer's list.

    Every token request has a customer of its own at PayPal, so a single token is ours; with
    several we cannot tell which, and a person has to look.
    """
    tokens = items(mapping(reply.data).get("payment_tokens"))
    if reply.status >= 300 or len(tokens) != 1:
        return Unknown(reason=f"exchanged before; {len(tokens)} tokens of this customer")
    return granted(tokens[0].get("id"), reply.status)


def granted(token: object, status: int) -> TokenAnswer:
    """A payment token, ready to be vaulted."""
    if not isinstance(token, str) or not token:
        return Unknown(reason=f"HTTP {status} without a payment token")
    return Granted(token=Secret(token), instrument=Instrument(kind="wallet", brand="paypal"))


def _refused(status: int, refusal: Refusal) -> TokenDenied | Unknown:
    """A 4xx to a token request: no money is at stake, but a doubt stays a doubt."""
    meanings = {MEANING_OF.get(issue) for issue in refusal.issues}
    if status == 409 or meanings & {Meaning.CONFLICT, Meaning.TRANSIENT}:
        return Unknown(reason=f"HTTP {status}: {refusal.code}")
    return TokenDenied(code=refusal.code, message=refusal.message)
