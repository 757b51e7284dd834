"""Read a chart of accounts from TOML; see chart.toml for the shape."""

from __future__ import annotations

import tomllib
from pathlib import Path

from domain.books.accounts import Role
from domain.books.chart import Chart, ChartAccount, TaxCode
from domain.refusals import Refused

DEFAULT = Path(__file__).with_name("chart.toml")
_TEXTS = {
    "number": "number",
    "name": "name",
    "of": "of",
    "category": "grouping_category",
    "code": "grouping_code",
}


def read_chart(path: Path | None = None) -> Chart:
    """The chart in a file; None: the project's own.

    Refused: "chart-malformed", with what is wrong and where; also where a role has no account.
    """
    try:
        table = tomllib.loads((path or DEFAULT).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise Refused("chart-malformed", f"{path}: {error}") from error
    rows, codes = table.pop("account", []), table.pop("tax_codes", {})
    if table or not isinstance(rows, list) or not isinstance(codes, dict):
        raise Refused(
            "chart-malformed", "a chart is a list of [[account]] tables and a table [tax_codes]"
        )
    chart = Chart(
        [_account(place, row) for place, row in enumerate(rows, 1)],
        [_tax_code(rate, row) for rate, row in codes.items()],
    )
    missing = set(Role) - {each.role for each in chart.accounts}
    if missing:
        names = ", ".join(sorted(each.value for each in missing))
        raise Refused("chart-malformed", f"no account for: {names}")
    return chart


def _account(place: int, row: object) -> ChartAccount:
    where = f"account {place} of the chart"
    if not isinstance(row, dict) or not all(isinstance(each, str) for each in row.values()):
        raise Refused("chart-malformed", f"{where} is not a table of texts")
    unknown = row.keys() - {*_TEXTS, "role"}
    missing = {*_TEXTS, "role"} - {"of"} - row.keys()
    if unknown or missing:
        named = ", ".join(sorted(unknown or missing))
        raise Refused("chart-malformed", f"{where}: {'unknown' if unknown else 'missing'} {named}")
    try:
        role = Role(row["role"])
    except ValueError:
        raise Refused("chart-malformed", f"{where}: {row['role']!r} is no role") from None
    return ChartAccount(
        role=role, **{ours: row[name] for name, ours in _TEXTS.items() if name in row}
    )


def _tax_code(rate: str, row: object) -> TaxCode:
    if not isinstance(row, dict) or not all(isinstance(each, str) for each in row.values()):
        raise Refused("chart-malformed", f"tax code {rate!r} is not a table of texts")
    if row.keys() != {"standard", "percent", "name"}:
        raise Refused("chart-malformed", f"tax code {rate!r} needs standard, percent and name")
    return TaxCode(rate=rate, **row)
