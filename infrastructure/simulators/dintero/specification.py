"""The strict level: requests are checked against Dintero's own specification, where it lies.

The file (Swagger 2.0, July 2024) is not shipped. It is older than the API in known places, which
are named here. Beyond JSON Schema, fields that it does not know are refused: a callback_url at the
wrong level is the mistake that real clients made.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from infrastructure.simulators.dintero.bodies import bad

# Products that the file does not know as tokenised or merchant initiated.
_NEWER_PRODUCTS = {"dintero_psp.creditcard": "payex.creditcard"}
# Fields that came later.
_NEWER_FIELDS = {"final_capture", "pre_authorization", *_NEWER_PRODUCTS}
_OWN_CARDS = "/configuration/dintero_psp/creditcard"
_NEWER_PLACES = {
    f"{_OWN_CARDS}/generate_payment_token",
    f"{_OWN_CARDS}/generate_payment_token_config",
}


@cache
def specification(path: Path) -> Specification:
    """The specification in a file; read once a process."""
    return Specification(path)


class Specification:
    """Checks bodies by the file's own schemas. Needs jsonschema and PyYAML."""

    def __init__(self, path: Path) -> None:
        import jsonschema
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        with path.open(encoding="utf-8") as file:
            self._document: dict[str, Any] = yaml.load(file, Loader=loader)  # noqa: S506
        self._validator = jsonschema.Draft4Validator
        self._resolving = {"definitions": self._document["definitions"]}
        self._ready: dict[str, Any] = {}  # validators, which are slow to make
        self._by_product: dict[tuple[str, str], str] = {}
        for name, schema in self._document["definitions"].items():
            for parent in _parents(schema):
                product = schema.get("x-discriminator-value", "")
                self._by_product[parent, product] = name

    def check_request(self, path: str, body: object) -> None:
        """Refuse a body that the POST of a path does not allow.

        path: as the file spells it, e.g. "/sessions/pay". Raises: Refused.
        """
        operation = self._document["paths"][path]["post"]
        schema = next(
            each["schema"] for each in operation["parameters"] if each.get("in") == "body"
        )
        self._check(schema, body, f"POST {path}")
        if isinstance(body, dict):
            for field, parent in (("payment", "PayPayment"), ("token_provider", "TokenProvider")):
                if field in body:
                    self._check_product(parent, body[field], field)

    def response_problems(self, path: str, method: str, status: int, body: object) -> list[str]:
        """How an answer differs from what the file says, e.g. of our own simulator."""
        answers = self._document["paths"][path][method]["responses"]
        answer = answers.get(str(status)) or answers["default"]
        if "$ref" in answer:
            answer = self._document["responses"][answer["$ref"].rpartition("/")[2]]
        return list(self._problems(f"{path} {method} {status}", answer.get("schema", {}), body))

    def _check(self, schema: dict[str, Any], body: object, where: str) -> None:
        for problem in self._problems(where, schema, body):
            raise bad(f"{where}: {problem}")
        for path in self._unknown(schema, body, ""):
            raise bad(f"{where}: {path} is not a field of the specification")

    def _check_product(self, parent: str, body: Any, where: str) -> None:
        product = str(body.get("payment_product_type"))
        name = self._by_product.get((parent, _NEWER_PRODUCTS.get(product, product)))
        if name is None:
            raise bad(f"{where}: {product} is not a payment_product_type for this")
        for problem in self._problems(name, {"$ref": f"#/definitions/{name}"}, body):
            raise bad(f"{where}: {problem}")

    def _problems(self, name: str, schema: dict[str, Any], body: object) -> Iterator[str]:
        if name not in self._ready:
            self._ready[name] = self._validator({**schema, **self._resolving})
        for error in self._ready[name].iter_errors(body):
            # Not error.message: it repeats the value, which may be a token.
            place = "/".join(map(str, error.absolute_path)) or "body"
            yield f"{place} breaks {error.validator} {error.validator_value!r}"[:300]

    def _unknown(self, schema: dict[str, Any], body: object, path: str) -> Iterator[str]:
        """Fields of objects that list their fields, but not these."""
        if isinstance(body, list):
            items = [each["items"] for each in self._parts(schema) if "items" in each]
            for place, item in enumerate(body):
                yield from self._unknown({"allOf": items}, item, f"{path}/{place}")
        if not isinstance(body, dict):
            return
        fields: dict[str, list[dict[str, Any]]] = {}
        parts = list(self._parts(schema))
        for part in parts:
            for name, field in part.get("properties", {}).items():
                fields.setdefault(name, []).append(field)
        if any("discriminator" in part for part in parts):
            return
        if not fields or any(part.get("additionalProperties") for part in parts):
            return
        for name, value in body.items():
            if name in fields:
                yield from self._unknown({"allOf": fields[name]}, value, f"{path}/{name}")
            elif name not in _NEWER_FIELDS and f"{path}/{name}" not in _NEWER_PLACES:
                yield f"{path}/{name}"

    def _parts(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A schema, and all that it is made of."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self._parts(self._document["definitions"][name])
            return
        yield schema
        for part in schema.get("allOf", ()):
            yield from self._parts(part)


def _parents(schema: dict[str, Any]) -> Iterator[str]:
    for part in schema.get("allOf", ()):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
