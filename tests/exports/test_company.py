"""The company of the settings: all of it, within its fields, nothing that cannot be printed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books.chart import Chart
from domain.refusals import Refused
from infrastructure.books.chart_file import read_chart
from infrastructure.exports.company import LONGEST, OPTIONAL, company_of, norwegian_number
from infrastructure.exports.xml import REPLACEMENT, legal
from infrastructure.settings import SettingsError, read_settings
from projections.account_sums import Known
from tests.exports.writing import COMPANY_TABLE, assert_valid, wanted, write

# What no field takes: a bell, NUL, what turns the direction of a text, half a character, no
# character at all, lines, and blanks alone.
UNPRINTABLE = (
    "a\x07b",
    "a\x00",
    "a\u202eb",
    "\u2066a",
    "a\ud800",
    "a\ufffe",
    "a\nb",
    "a\u2028b",
    "  ",
)


@pytest.mark.parametrize("name", [each for each in LONGEST if each not in OPTIONAL])
def test_what_is_missing_is_named(name: str) -> None:
    """All of it, so that nobody has to try again and again."""
    table = {key: text for key, text in COMPANY_TABLE.items() if key != name}
    with pytest.raises(Refused) as refused:
        company_of(table)
    assert refused.value.code == "company-missing"
    assert name in refused.value.reason
    with pytest.raises(Refused) as refused:
        company_of({})
    assert all(each in refused.value.reason for each in LONGEST if each not in OPTIONAL)


@pytest.mark.parametrize("name", LONGEST)
def test_texts_that_do_not_fit_are_refused(name: str) -> None:
    """300 signs, none, not a text, or signs that are not printed."""
    for text in ("x" * 300, "", 7, None, ["x"], *UNPRINTABLE):
        with pytest.raises(Refused) as refused:
            company_of({**COMPANY_TABLE, name: text})
        assert refused.value.code == "company-malformed"
        assert name in refused.value.reason
        assert refused.value.reason.isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"registration_number": "974760674"},
        {"registration_number": "97476067"},
        {"registration_number": "９７４７６０６７３"},
        {"country": "no"},
        {"bank_account": "86011117947"},
        {"vat_registered": "yes"},
        {"fax": "+47"},
        {"\u202efax": "+47"},
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    """A number that does not check, two accounts, unknown fields."""
    with pytest.raises(Refused) as refused:
        company_of({**COMPANY_TABLE, **changes})
    assert refused.value.code == "company-malformed"
    assert refused.value.reason.isprintable()


def test_numbers_are_checked_by_modulus_11() -> None:
    """Of Skatteetaten and of Brønnøysundregistrene; every other last digit is wrong."""
    for number in ("974761076", "974760673"):
        ends = [digit for digit in "0123456789" if norwegian_number(number[:8] + digit)]
        assert ends == [number[8]]
    company_of({**COMPANY_TABLE, "country": "SE", "registration_number": "556036-0793"})


@given(st.text(st.characters(codec=None), min_size=1))
def test_xml_gets_what_it_has_a_place_for(text: str) -> None:
    """Whatever comes in: the rest is replaced, sign by sign."""
    found = legal(text)
    assert len(found) == len(text)
    for was, sign in zip(text, found, strict=True):
        code = ord(sign)
        assert 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
        assert sign in (was, REPLACEMENT)
        assert sign == was or not was.isprintable()


def test_the_longest_company_is_valid(tmp_path: Path) -> None:
    """Every field as long as it may be, of signs that XML would take for its own."""
    # A sign outside of the first plane counts as one.
    texts = {name: ("<&>\"'\U0001f600" * 60)[:longest] for name, longest in LONGEST.items()}
    texts |= {"registration_number": "974760673", "country": "NO"}
    del texts["iban"]
    known = Known(as_of=date(2025, 1, 31), zone="UTC")
    told = write((), tmp_path, "saf-t", wanted(known, company=company_of(texts)))
    assert_valid(tmp_path / told.file)


def test_an_export_without_a_company_is_refused(tmp_path: Path) -> None:
    """Nothing is written."""
    known = Known(as_of=date(2025, 1, 31), zone="UTC")
    with pytest.raises(Refused, match="company-missing"):
        write((), tmp_path, "saf-t", wanted(known, company=None))
    assert list(tmp_path.iterdir()) == []


def test_settings_know_the_company(tmp_path: Path) -> None:
    """As a table; what is none is an error of the settings."""
    config = tmp_path / "billing.toml"
    config.write_text('[company]\nname = "Fjord"\n', encoding="utf-8")
    assert read_settings({}, config).company == {"name": "Fjord"}
    config.write_text('company = "Fjord"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="company"):
        read_settings({}, config)


@pytest.mark.parametrize(
    "changes",
    [
        {"standard": "300"},
        {"standard": "x"},
        {"percent": "101"},
        {"percent": "100.5"},
        {"percent": "-1"},
        {"percent": "1e2"},
        {"percent": "²"},
        {"name": "a\u202eb"},
        {"name": ""},
        {"name": 7},
        {"more": "x"},
    ],
)
def test_a_chart_with_wrong_tax_codes_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A code that is none, a percentage that is none, a name that cannot be printed."""
    row = {"standard": "3", "percent": "25", "name": "VAT", **changes}
    text = ", ".join(f"{key} = {ascii_toml(value)}" for key, value in row.items())
    path = tmp_path / "chart.toml"
    path.write_text(f"[tax_codes]\nNO-25 = {{ {text} }}\n", encoding="utf-8")
    with pytest.raises(Refused, match="chart-malformed: tax code"):
        read_chart(path)


def ascii_toml(value: object) -> str:
    """A value of a TOML table."""
    return str(value) if isinstance(value, int) else f'"{value}"'


def test_a_chart_with_signs_not_to_print_is_refused() -> None:
    """Names and numbers of accounts go into every file."""
    accounts = read_chart().accounts
    for text in UNPRINTABLE[:-1]:
        for field in ("name", "number", "grouping_code"):
            with pytest.raises(Refused, match="chart-malformed"):
                Chart([attrs.evolve(accounts[0], **{field: text}), *accounts[1:]])
    Chart([attrs.evolve(accounts[0], grouping_code="1" * 35), *accounts[1:]])
    with pytest.raises(Refused, match="chart-malformed"):
        Chart([attrs.evolve(accounts[0], grouping_code="1" * 36), *accounts[1:]])
