"""Which subscriptions hold a token: asked before one is deleted, and when a notice names one.

The vault knows under which references, and of which customers, a token was kept; the due dates
know the customers' subscriptions; the ledger says what each of them holds now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from domain.identity import stream_of, subscription_of
from domain.subscription.state import Subscription
from infrastructure.store.ledger import Ledger, Unreadable
from infrastructure.store.token_names import NamedToken, TokenNames
from infrastructure.store.view_reader import ViewReader

# Subscriptions of one customer that are looked through; more have never been seen.
_MOST = 10_000


class Holders:
    """The holders of the tokens of one set of books. Blocking; safe for many threads."""

    def __init__(self, names: TokenNames, views: ViewReader, ledger: Ledger[Subscription]) -> None:
        self._names, self._views, self._ledger = names, views, ledger

    def known(self, digests: Collection[bytes]) -> Mapping[bytes, tuple[NamedToken, ...]]:
        """The tokens of these digests; those that the vault does not know are left out."""
        return self._names.find(digests)

    def of(self, tokens: Iterable[NamedToken]) -> dict[str, set[str]]:
        """The subscriptions that hold one of these tokens still, with its references."""
        found: dict[str, set[str]] = {}
        for token in tokens:
            for state in self._states_of(token.customer_id):
                if state.held(token.token_ref) is not None:
                    found.setdefault(state.subscription_id, set()).add(token.token_ref)
        return found

    def ids_of(self, customers: Iterable[str]) -> dict[str, str]:
        """The provider's ids of all tokens of these customers, by reference, where a token is not
        named by itself."""
        states = (state for each in set(customers) for state in self._states_of(each))
        return {
            token.token_ref: token.instrument.provider_token_id
            for state in states
            for token in state.tokens
            if token.instrument.provider_token_id
        }

    def is_shared(self, token_ref: str) -> bool:
        """Whether another subscription, which goes on, is charged with the same token."""
        for other in self._names.others(token_ref):
            for state in self._states_of(other.customer_id):
                held = state.token_of(other.token_ref)
                if state.bills and held is not None and held.let_go_at is None and not held.gone:
                    return True
        return False

    def _states_of(self, customer_id: str) -> list[Subscription]:
        """A customer's subscriptions as the ledger has them. Raises: ViewMissing."""
        page = self._views.select("due_dates", {"customer_id": customer_id}, limit=_MOST)
        loaded = self._ledger.load([stream_of(each) for each in page.rows])
        states = []
        for one in loaded.values():
            try:
                state = one.state
            except Unreadable:
                # What cannot be read now may hold it: the view's last word stands.
                state = page.rows[subscription_of(one.stream)].state
            if state is not None:
                states.append(state)
        return states
