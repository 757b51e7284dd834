"""PayPal's error bodies. Sources: reference notes on PayPal, sections 1, 4 and 6."""

from __future__ import annotations

from itertools import count

import msgspec
from aiohttp import web

_NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed or violates schema."),
    401: ("AUTHENTICATION_FAILURE", "Authentication failed due to missing or invalid credentials."),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict with another request."),
    422: ("UNPROCESSABLE_ENTITY", "The requested action failed business validation."),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error has occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}
# Issues that the API does not answer with 422 when they are asked for by PayPal-Mock-Response.
_MOCKED_STATUS = {
    "INTERNAL_SERVER_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "MALFORMED_REQUEST": 400,
    "MALFORMED_REQUEST_JSON": 400,
    "INVALID_REQUEST": 400,
    "PAYPAL_REQUEST_ID_REQUIRED": 400,
    "PERMISSION_DENIED": 403,
    "NOT_AUTHORIZED": 403,
    "CONSENT_NEEDED": 403,
    "INVALID_RESOURCE_ID": 404,
    "RESOURCE_NOT_FOUND": 404,
    "PREVIOUS_REQUEST_IN_PROGRESS": 409,
    "RATE_LIMIT_REACHED": 429,
}
_debug_ids = count(0xF0000000)


class PayPalError(Exception):
    """An error answer on its way out.

    issue: of details[0], or "" for a body without details. field: JSON pointer, or "".
    """

    def __init__(self, status: int, issue: str = "", *, field: str = "", name: str = "") -> None:
        super().__init__(f"{status} {name} {issue}")
        self.status = status
        self.issue = issue
        self.field = field
        self.name = name

    def response(self) -> web.Response:
        """The answer: PayPal's body, and its debug id in the header as well."""
        body = error_body(self.status, self.issue, field=self.field, name=self.name)
        return answer(body, self.status)


def error_body(status: int, issue: str = "", *, field: str = "", name: str = "") -> bytes:
    """A body of the API's error schema. 5xx have no details."""
    known, message = _NAMES.get(status, ("UNKNOWN", "Unknown error."))
    body: dict[str, object] = {"name": name or known, "message": message, "debug_id": debug_id()}
    if issue:
        detail = {"issue": issue, "description": f"{issue.replace('_', ' ').capitalize()}."}
        if field:
            detail |= {"field": field, "location": "body"}
        body["details"] = [detail]
    body["links"] = []
    return msgspec.json.encode(body)


def mocked(codes: str) -> PayPalError:
    """The error that a PayPal-Mock-Response header asks for."""
    try:
        issue = str(msgspec.json.decode(codes)["mock_application_codes"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return PayPalError(400, "INVALID_PARAMETER_SYNTAX", field="/PayPal-Mock-Response")
    status = _MOCKED_STATUS.get(issue, 422)
    return PayPalError(status, issue if status < 500 else "")


def answer(body: bytes, status: int = 200) -> web.Response:
    """A JSON answer with PayPal's debug id."""
    return web.Response(
        body=body,
        status=status,
        content_type="application/json",
        headers={"Paypal-Debug-Id": debug_id()},
    )


def debug_id() -> str:
    """The next id of PayPal's kind, e.g. "f0000001a2b3c"."""
    return f"{next(_debug_ids):x}f00d5"
