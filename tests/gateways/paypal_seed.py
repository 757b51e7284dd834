"""The samples of PayPal's document "Recurring payments module", read from where it lies.

The document numbers the lines of its samples and lays them out for reading: see `samples`.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.gateways.paypal_bench import REFERENCE

SEED = REFERENCE.parent / "seeds" / "004_40b05a7bd4564a18.txt"
PLAN = ("payment_source", "paypal", "billing_plan")
ONCE = (*PLAN, "one_time_charges")
_LINE = re.compile(r"\s*([0-9]+)([^.].*|)")
_DECODER = json.JSONDecoder()


@cache
def samples() -> tuple[dict[str, Any], ...]:
    """The bodies of all six samples in their order: request and answer of a setup token, of a
    payment token and of an order. What follows a body on its lines is not looked at (see the
    slips in test_paypal_seed.py)."""
    blocks: list[list[str]] = []
    for line in SEED.read_text(encoding="utf-8").splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        number, text = int(found[1]), found[2]
        if number == 1:
            blocks.append([])
        if blocks and number == len(blocks[-1]) + 1:
            blocks[-1].append(text)
    texts = ("\n".join(block) for block in blocks)
    return tuple(_DECODER.raw_decode(text[text.index("{") :])[0] for text in texts)


def setup_sample() -> dict[str, Any]:
    """The request for a setup token, its slips corrected."""
    body = copy.deepcopy(samples()[0])
    body["customer"]["merchant_customer_id"] = "buyer-1"
    return body


def wallet_of(body: dict[str, Any]) -> dict[str, Any]:
    wallet: dict[str, Any] = body["payment_source"]["paypal"]
    return wallet


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all fields of a body."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    else:
        yield path
    for key, each in inner:
        yield from leaves(each, (*path, key))


def changed(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The same with another value at a place; None: without the field."""
    body = copy.deepcopy(body)
    holder: Any = body
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return body
