"""Access tokens: got once, kept, renewed early, fetched by one caller at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import attrs

from domain.ports import Secret
from infrastructure.gateways.exchange import NoAnswer, NotSent


@attrs.frozen(kw_only=True)
class FetchedToken:
    """A fresh access token. lifetime_s: seconds from now on."""

    token: Secret
    lifetime_s: float


TokenFetch = Callable[[], Awaitable[FetchedToken | NotSent | NoAnswer]]


class AccessTokens:
    """One access token at a time, renewed early; however many callers wait, one fetch runs."""

    def __init__(
        self,
        fetch: TokenFetch,
        now: Callable[[], datetime],
        early: timedelta = timedelta(minutes=10),
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._early = early
        self._token: Secret | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)
        self._flight = asyncio.Lock()

    async def current(self) -> Secret | NotSent:
        """The access token, fetched if need be."""
        if self._token is not None and self._now() < self._renew_at:
            return self._token
        async with self._flight:
            if self._token is not None and self._now() < self._renew_at:
                return self._token
            answer = await self._fetch()
            if isinstance(answer, FetchedToken):
                life = timedelta(seconds=answer.lifetime_s)
                self._renew_at = self._now() + life - min(self._early, life / 2)
                self._token = answer.token
                return answer.token
            self._token = None
            if isinstance(answer, NotSent):
                reason = f"no access token: {answer.reason}"
                return attrs.evolve(answer, reason=reason, no_access=True)
            # The token call is not the paying call: that one was certainly not sent.
            return NotSent(
                reason=f"no access token: {answer.reason}", status=answer.status, no_access=True
            )

    def refused(self, token: Secret) -> None:
        """The provider answered 401 to this token; a newer one is left alone."""
        if self._token == token:
            self._token = None
