"""Faults to plant in the exports; see planted_faults.py."""

from __future__ import annotations

from planted_faults import Fault

FOLDER = "infrastructure/exports"
SAFT, SURVEY, TAX = f"{FOLDER}/saft.py", f"{FOLDER}/saft_survey.py", f"{FOLDER}/saft_tax.py"
SOURCE, MANIFEST, XLSX = f"{FOLDER}/source.py", f"{FOLDER}/manifest.py", f"{FOLDER}/xlsx.py"
IDS, XML, COMPANY = f"{FOLDER}/short_ids.py", f"{FOLDER}/xml.py", f"{FOLDER}/company.py"

RUN_ON = "tests/exports"
TESTS = ("test_manifest", "test_company", "test_short_ids")
FAULTS = (
    Fault(
        "exports: the opening holds the first day as well",
        SURVEY,
        "    before = Known(as_of=first - timedelta(days=1), zone=wanted.known.zone)",
        "    before = Known(as_of=max(first - timedelta(days=1), first), zone=wanted.known.zone)",
    ),
    Fault(
        "exports: customers begin with nothing",
        SURVEY,
        "        if account.role in OWED:",
        "        if account.role in OWED and not before:",
    ),
    Fault(
        "exports: euros and crowns are added up",
        SURVEY,
        "    if wanted is None and len(found) > 1:",
        "    if wanted is None and not found:",
    ),
    Fault(
        "exports: what rounding leaves of the VAT is lost",
        TAX,
        "tax=found[largest].tax + left)",
        "tax=found[largest].tax)",
    ),
    Fault(
        "exports: a rate that the chart does not know is filed as no tax",
        TAX,
        "        if rate == UNTAXED and rate not in vats and rate not in chart.tax_codes:",
        "        if rate not in chart.tax_codes:",
    ),
    Fault(
        "exports: tax is told again when the revenue is earned",
        TAX,
        "    if each.position is None:\n        return {}\n",
        "",
    ),
    Fault(
        "exports: the VAT of a company that is not registered",
        SAFT,
        "            if taxed.tax and not self.company.vat_registered:",
        "            if taxed.tax and not self.company:",
    ),
    Fault(
        "exports: late entries are posted into the closed period",
        SAFT,
        '            xml.leaf("GLPostingDate", each.day)',
        '            xml.leaf("GLPostingDate", each.effective)',
    ),
    Fault(
        "exports: the day of recording is the day of effect",
        f"{FOLDER}/transactions.py",
        "            recorded=day_of(entry.recorded_at, zone),",
        "            recorded=day_of(entry.effective_at, zone),",
    ),
    Fault(
        "exports: revenue of before the period is in it",
        "projections/waterfall.py",
        "by_month(each, after=self._after, until=self._known.as_of)",
        "by_month(each, until=self._known.as_of)",
    ),
    Fault(
        "exports: long ids are cut off",
        IDS,
        '    return f"{text[: longest - _DIGEST - 1]}~{digest}"',
        "    return text[:longest] + digest[:0]",
    ),
    Fault(
        "exports: a control character breaks the file",
        XML,
        "    return _ILLEGAL.sub(REPLACEMENT, text)",
        "    return text",
    ),
    Fault(
        "exports: any nine digits are a company",
        COMPANY,
        "    return int(text[8]) == (0 if rest == 0 else 11 - rest)",
        "    return rest >= 0",
    ),
    Fault(
        "exports: a name that turns the direction of a text",
        COMPANY,
        "    if not value.isprintable() or not value.strip():",
        "    if not value.strip():",
    ),
    Fault(
        "exports: what comes while a file is written is in a part of it",
        SOURCE,
        "        self._known_at = self.position = found.position",
        "        self.position = found.position",
    ),
    Fault(
        "exports: lines of other currencies slip in",
        SOURCE,
        "    lines = tuple(line for line in each.lines if line.currency == currency)",
        "    lines = each.lines if any(x.currency == currency for x in each.lines) else ()",
    ),
    Fault(
        "exports: a file of another log is the same",
        MANIFEST,
        "    if hash_at(told.position) != told.head_hash:",
        "    if hash_at(told.position) is None:",
    ),
    Fault(
        "exports: a manifest may tell what it likes of a true file",
        MANIFEST,
        "    if found != told:",
        "    if found.sha256 != told.sha256:",
    ),
    Fault(
        "exports: a spreadsheet runs what a plan is called",
        XLSX,
        "                sheet.write_string(row, column, cell)",
        "                sheet.write(row, column, cell)",
    ),
    Fault(
        "exports: the last row of a full sheet is lost",
        XLSX,
        "            if place >= self._rows:",
        "            if place > self._rows:",
    ),
    Fault(
        "exports: a workbook is another one each time",
        XLSX,
        '                    "created": source.wanted.made_at.replace(tzinfo=None),',
        '                    "comments": scratch,',
    ),
    Fault(
        "exports: amounts of millions of millions are rounded by a spreadsheet",
        XLSX,
        "    if abs(money.minor) >= 10**DIGITS:",
        "    if abs(money.minor) > 10 ** (2 * DIGITS):",
    ),
)
