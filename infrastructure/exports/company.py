"""Whose books they are: the table [company] of the settings, as the SAF-T file needs it.

Every text fits the field of the file that it goes into, and holds nothing that is not printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from domain.refusals import Refused

COUNTRY = "NO"
# The longest text of each field, by the schema's types.
LONGEST = {
    "name": 256,
    "registration_number": 35,
    "street": 256,
    "city": 256,
    "postal_code": 70,
    "country": 2,
    "contact_first_name": 35,
    "contact_last_name": 70,
    "telephone": 18,
    "email": 70,
    "iban": 35,
    "bank_account": 35,
    "bic": 18,
}
OPTIONAL = ("email", "iban", "bank_account", "bic", "country", "vat_registered")
_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)


@attrs.frozen(kw_only=True)
class Company:
    """One company.

    registration_number: of Brønnøysundregistrene, nine digits, where the country is Norway.
    country: ISO 3166, two letters. telephone, email: of the contact. iban or bank_account: the
    account that is told, "" for none. vat_registered: its number and "MVA" is its VAT number.
    """

    name: str
    registration_number: str
    street: str
    city: str
    postal_code: str
    contact_first_name: str
    contact_last_name: str
    telephone: str
    country: str = COUNTRY
    email: str = ""
    iban: str = ""
    bank_account: str = ""
    bic: str = ""
    vat_registered: bool = False


def company_of(table: Mapping[str, Any]) -> Company:
    """The company that the settings name.

    Refused: "company-missing", with all that is; "company-malformed", with what is wrong and why.
    """
    missing = [name for name in LONGEST if name not in table and name not in OPTIONAL]
    if missing:
        raise Refused("company-missing", f"[company] of the settings lacks: {', '.join(missing)}")
    unknown = sorted(table.keys() - {*LONGEST, *OPTIONAL})
    if unknown:
        raise Refused("company-malformed", f"[company] has unknown: {', '.join(unknown)[:200]!r}")
    for name, longest in LONGEST.items():
        if name in table:
            _check_text(name, table[name], longest)
    if not isinstance(table.get("vat_registered", False), bool):
        raise Refused("company-malformed", "[company] vat_registered is true or false")
    found = Company(**table)
    if not re.fullmatch(r"[A-Z]{2}", found.country):
        raise Refused("company-malformed", "[company] country is two capital letters")
    if found.country == COUNTRY and not norwegian_number(found.registration_number):
        raise Refused(
            "company-malformed", "[company] registration_number is not nine digits that check"
        )
    if found.iban and found.bank_account:
        raise Refused("company-malformed", "[company] has iban or bank_account, not both")
    return found


def norwegian_number(text: str) -> bool:
    """Whether it is an organisation number: nine digits, the last by modulus 11."""
    if not re.fullmatch(r"[0-9]{9}", text):
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False)) % 11
    return int(text[8]) == (0 if rest == 0 else 11 - rest)


def _check_text(name: str, value: object, longest: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Refused("company-malformed", f"[company] {name} is not a text of 1-{longest} signs")
    if not value.isprintable() or not value.strip():
        raise Refused("company-malformed", f"[company] {name} holds signs that cannot be printed")
