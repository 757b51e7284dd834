"""Access tokens of the simulated Dintero."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from aiohttp import web

from domain.ports import Secret
from infrastructure.simulators.clock import SimulatorClock
from infrastructure.simulators.dintero import bodies
from infrastructure.simulators.dintero.answers import answered
from infrastructure.simulators.dintero.refusals import Refused


class AccessDesk:
    """Hands out access tokens against HTTP Basic, and knows them again. life_s: seconds."""

    def __init__(
        self,
        *,
        account_id: str,
        client_id: str,
        client_secret: Secret,
        life_s: int,
        clock: SimulatorClock,
    ) -> None:
        self._account_id = account_id
        self._pair = f"{client_id}:{client_secret.reveal()}".encode()
        self._life_s = life_s
        self._clock = clock
        self._tokens: dict[str, datetime] = {}

    async def sign_in(self, request: web.Request) -> web.Response:
        """POST /v1/accounts/{account}/auth/token."""
        asked = bodies.decoded(await request.read(), dict[str, Any])
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            pair = base64.b64decode(given, validate=True)
        except binascii.Error:
            pair = b""
        if scheme != "Basic" or not compare_digest(pair, self._pair):
            raise Refused(401, "Unauthorized")
        if request.match_info["account"] != self._account_id:
            raise Refused(403, "Forbidden")
        audience = f"https://api.dintero.com/v1/accounts/{self._account_id}"
        if asked.get("grant_type") != "client_credentials" or asked.get("audience") != audience:
            raise bodies.bad("grant_type or audience")
        token = secrets.token_urlsafe(24)
        self._tokens[token] = self._clock.now() + timedelta(seconds=self._life_s)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self._life_s}
        return answered(answer)

    def check(self, request: web.Request) -> None:
        """Raises: Refused(401)."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        expires_at = self._tokens.get(token)
        if scheme != "Bearer" or expires_at is None or self._clock.now() >= expires_at:
            raise Refused(401, "Access forbidden, invalid JWT token was used")
