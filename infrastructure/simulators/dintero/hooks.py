"""Account-wide webhooks of the simulated Dintero: subscribed to, signed, retried, and cut off.

POST and GET /v1/accounts/{account}/hooks/subscriptions, DELETE .../{id}. A delivery is tried five
times; after deliveries that failed one after the other Dintero deletes the subscription. How many
is not documented: here three.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import attrs
import msgspec

from infrastructure.simulators.deliveries import Build, Deliveries, Outgoing
from infrastructure.simulators.dintero.bodies import bad
from infrastructure.simulators.dintero.refusals import Refused
from infrastructure.simulators.faults import CallbackFault

TRIES = 5
FAILURES_IN_A_ROW = 3
EVENTS = frozenset(
    {
        "checkout_authorization",
        "checkout_transaction",
        "settlement_add",
        "checkout_token_add",
        "checkout_token_delete",
    }
)
TOKEN_EVENTS = frozenset({"checkout_token_add", "checkout_token_delete"})
_FORGED = "0" * 40


class HookSecret(msgspec.Struct):
    """What deliveries are signed with."""

    value: str
    type: str = "HMAC-SHA1"


class HookConfig(msgspec.Struct):
    """Where they go."""

    url: str
    secret: HookSecret
    content_type: str = "application/json"


class Subscribe(msgspec.Struct):
    """POST /v1/accounts/{account}/hooks/subscriptions."""

    config: HookConfig
    events: list[str]


def wish(url: str, secret: str, events: Collection[str]) -> Subscribe:
    """As a merchant sends it."""
    config = HookConfig(url=url, secret=HookSecret(value=secret))
    return Subscribe(config=config, events=sorted(events))


@attrs.define(kw_only=True)
class Subscription:
    """One merchant's wish. failures: deliveries that failed since one was taken."""

    id: str
    config: HookConfig
    events: frozenset[str]
    failures: int = 0

    def as_json(self) -> dict[str, Any]:
        """As it is shown: without its secret."""
        config = {"url": self.config.url, "content_type": self.config.content_type}
        return {"id": self.id, "config": config, "events": sorted(self.events)}


class Hooks:
    """The subscriptions of one account."""

    def __init__(self, account_id: str, deliveries: Deliveries) -> None:
        self._account_id = account_id
        self._deliveries = deliveries
        self._made = 0
        self._sent = 0
        self.subscriptions: list[Subscription] = []

    def subscribe(self, asked: Subscribe) -> Subscription:
        """Keep a wish. Raises: Refused."""
        if not asked.config.url.startswith(("https://", "http://")):
            raise bad("config.url is not a URL")
        if asked.config.secret.type != "HMAC-SHA1" or not asked.config.secret.value:
            raise bad("config.secret is not of type HMAC-SHA1")
        if not asked.events or not set(asked.events) <= EVENTS:
            raise bad("events has none, or one that there is not")
        self._made += 1
        made = Subscription(
            id=f"{self._account_id}.h{self._made:012x}",
            config=asked.config,
            events=frozenset(asked.events),
        )
        self.subscriptions.append(made)
        return made

    def unsubscribe(self, subscription_id: str) -> Subscription:
        """Forget a wish. Raises: Refused(404)."""
        for each in self.subscriptions:
            if each.id == subscription_id:
                self.subscriptions.remove(each)
                return each
        raise Refused(404, "Resource was not found")

    def tell(self, event: str, said: Mapping[str, Any], fault: CallbackFault | None = None) -> None:
        """Deliver an event to whoever wished for it. said: what the body has beside its head.

        fault: what the plan does to it; one that strikes is no failure of the merchant's.
        """
        for each in self.subscriptions:
            if event not in each.events:
                continue
            built = self._built(each, event, said)
            if fault is None or fault is CallbackFault.EARLY:
                self._deliveries.put_tracked(built, TRIES, partial(_note, self, each))
            else:
                self._deliveries.put(built, fault)

    def is_wished_for(self, event: str) -> bool:
        """Whether anybody would hear of it."""
        return any(event in each.events for each in self.subscriptions)

    def _built(self, to: Subscription, event: str, said: Mapping[str, Any]) -> Build:
        self._sent += 1
        delivery = f"{self._account_id}-h{self._sent:012x}"
        head = {"account_id": self._account_id, "event": event, "event_delivery": delivery}
        body = msgspec.json.encode(head | dict(said))

        def build(forged: bool) -> Outgoing:
            # Written apart from the gateway's own, so that one checks the other.
            key = to.config.secret.value.encode()
            digest = _FORGED if forged else hmac.new(key, body, hashlib.sha1).hexdigest()
            headers = {
                "Content-Type": "application/json",
                "event": event,
                "event-delivery": delivery,
                "event-signature": digest,
            }
            return Outgoing(method="POST", url=to.config.url, headers=headers, body=body)

        return build


def _note(hooks: Hooks, to: Subscription, taken: bool) -> None:
    to.failures = 0 if taken else to.failures + 1
    if to.failures >= FAILURES_IN_A_ROW and to in hooks.subscriptions:
        hooks.subscriptions.remove(to)
