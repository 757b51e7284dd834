"""SAF-T Financial NO 1.30: the Norwegian Standard Audit File, valid by the schema.

Two readings of the journal: balances and totals, which the file tells first (saft_survey.py), then
its transactions as they come. One currency a file; see README.

journal    transactions
ENTRIES    every entry of the period, in the order of the log, under its voucher
EARNED     what was earned of deferred revenue, a transaction a month, product and tax class

three days of a transaction, all local
TransactionDate    when it took effect
SystemEntryDate    when it was recorded
GLPostingDate      from when it counts: later than the first where its period was closed
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path

import attrs

from domain.books.chart import Chart
from domain.currencies import minor_digits
from domain.refusals import Refused
from infrastructure.exports.company import Company
from infrastructure.exports.saft_survey import Balance, Survey, survey
from infrastructure.exports.saft_tax import Taxed, taxes_of
from infrastructure.exports.short_ids import short_id
from infrastructure.exports.source import Source
from infrastructure.exports.transactions import Posted, Transaction
from infrastructure.exports.xml import XmlWriter
from projections.statements import OWED

NAMESPACE = "urn:StandardAuditFile-Taxation-Financial:NO"
VERSION = "1.30"
FILE, IDS = "saf-t.xml", "saf-t-ids.csv"
# The longest text of the schema's types.
_SHORT, _MIDDLE2, _LONG = 18, 70, 256


def write_saft(source: Source, folder: Path) -> tuple[str, ...]:
    """Write the file, and which ids had to be shortened. The names of what was written.

    Refused: as survey; "company-missing"; "tax-unmapped". source.wanted: with company and since.
    """
    found = survey(source.entries, source.wanted, source.chart)
    source.wanted = attrs.evolve(source.wanted, currency=found.currency)
    for number, balance in found.accounts.items():
        source.opening[number, found.currency] = balance.opening
    names = [FILE]
    with (folder / FILE).open("w", encoding="utf-8", newline="\n") as out:
        _Saft(XmlWriter(out), source, found).write()
    if found.short:
        names.append(IDS)
        with (folder / IDS).open("w", encoding="utf-8", newline="\n") as out:
            rows = csv.writer(out, lineterminator="\n")
            rows.writerow(("in_the_file", "customer"))
            rows.writerows(sorted(found.short.items()))
    return tuple(names)


class _Saft:
    """One file being written."""

    def __init__(self, xml: XmlWriter, source: Source, found: Survey) -> None:
        if source.wanted.company is None:
            raise Refused("company-missing", "the settings have no [company]")
        self.xml, self.source, self.found = xml, source, found
        self.company: Company = source.wanted.company
        self.chart: Chart = source.chart
        self._digits = minor_digits(found.currency)
        self._earned = 0

    def write(self) -> None:
        """The whole of it, in the schema's order."""
        with self.xml.within("AuditFile", xmlns=NAMESPACE):
            self._header()
            with self.xml.within("MasterFiles"):
                self._accounts()
                self._customers()
                self._tax_table()
            self._entries()

    def _header(self) -> None:
        xml, wanted = self.xml, self.source.wanted
        name, _, version = wanted.software.rpartition(" ")
        with xml.within("Header"):
            xml.leaf("AuditFileVersion", VERSION)
            xml.leaf("AuditFileCountry", "NO")
            xml.leaf("AuditFileDateCreated", wanted.made_at.date())
            xml.leaf("SoftwareCompanyName", name, _MIDDLE2)
            xml.leaf("SoftwareID", name, _LONG)
            xml.leaf("SoftwareVersion", version, _SHORT)
            self._company()
            xml.leaf("DefaultCurrencyCode", self.found.currency)
            with xml.within("SelectionCriteria"):
                xml.leaf("SelectionStartDate", wanted.since)
                xml.leaf("SelectionEndDate", wanted.known.as_of)
            xml.leaf("HeaderComment", self._comment(), _LONG)
            xml.leaf("TaxAccountingBasis", "A")

    def _comment(self) -> str:
        said = f"Subledger of recurring payments; days end in {self.source.wanted.known.zone}."
        others = ", ".join(self.found.others)
        return said + (f" Not in this file: what is in {others}." if others else "")

    def _company(self) -> None:
        xml, company = self.xml, self.company
        with xml.within("Company"):
            xml.leaf("RegistrationNumber", company.registration_number)
            xml.leaf("Name", company.name)
            with xml.within("Address"):
                xml.leaf("StreetName", company.street)
                xml.leaf("City", company.city)
                xml.leaf("PostalCode", company.postal_code)
                xml.leaf("Country", company.country)
            with xml.within("Contact"):
                with xml.within("ContactPerson"):
                    xml.leaf("FirstName", company.contact_first_name)
                    xml.leaf("LastName", company.contact_last_name)
                xml.leaf("Telephone", company.telephone)
                xml.leaf("Email", company.email)
            if company.vat_registered:
                with xml.within("TaxRegistration"):
                    xml.leaf("TaxRegistrationNumber", f"{company.registration_number}MVA")
                    xml.leaf("TaxAuthority", "Skatteetaten")
            if company.iban or company.bank_account:
                with xml.within("BankAccount"):
                    xml.leaf("IBANNumber", company.iban)
                    xml.leaf("BankAccountNumber", company.bank_account)
                    xml.leaf("BIC", company.bic)

    def _accounts(self) -> None:
        xml, told = self.xml, set[str]()
        with xml.within("GeneralLedgerAccounts"):
            for each in self.chart.accounts:
                if each.number in told:
                    continue
                told.add(each.number)
                with xml.within("Account"):
                    xml.leaf("AccountID", each.number)
                    xml.leaf("AccountDescription", each.name)
                    xml.leaf("GroupingCategory", each.grouping_category)
                    xml.leaf("GroupingCode", each.grouping_code)
                    xml.leaf("AccountType", "GL")
                    self._balance(self.found.accounts.get(each.number, Balance()))

    def _balance(self, balance: Balance) -> None:
        for name, minor in (("Opening", balance.opening), ("Closing", balance.closing)):
            side = "Credit" if minor < 0 else "Debit"
            self.xml.leaf(f"{name}{side}Balance", self._amount(minor))

    def _customers(self) -> None:
        if not self.found.customers:
            return
        xml = self.xml
        with xml.within("Customers"):
            for customer_id, accounts in sorted(self.found.customers.items()):
                with xml.within("Customer"):
                    # Names and addresses are not in these books.
                    xml.leaf("Name", customer_id)
                    xml.leaf("CustomerID", short_id(customer_id))
                    for number, balance in sorted(accounts.items()):
                        with xml.within("BalanceAccount"):
                            xml.leaf("AccountID", number)
                            self._balance(balance)

    def _tax_table(self) -> None:
        if not self.chart.tax_codes:
            return
        xml = self.xml
        with xml.within("TaxTable"), xml.within("TaxTableEntry"):
            xml.leaf("TaxType", "MVA")
            xml.leaf("Description", "Merverdiavgift")
            for rate, each in sorted(self.chart.tax_codes.items()):
                with xml.within("TaxCodeDetails"):
                    xml.leaf("TaxCode", rate)
                    xml.leaf("Description", each.name)
                    xml.leaf("TaxPercentage", each.percent)
                    xml.leaf("Country", "NO")
                    xml.leaf("StandardTaxCode", each.standard)
                    xml.leaf("BaseRate", "100")

    def _entries(self) -> None:
        xml, tally = self.xml, self.found.tally
        booked = self.source.transactions()
        with xml.within("GeneralLedgerEntries"):
            xml.leaf("NumberOfEntries", tally.transactions)
            xml.leaf("TotalDebit", self._amount(tally.debit[self.found.currency]))
            xml.leaf("TotalCredit", self._amount(tally.credit[self.found.currency]))
            with xml.within("Journal"):
                xml.leaf("JournalID", "ENTRIES")
                xml.leaf("Description", "Invoices, payments, credit and refunds")
                xml.leaf("Type", "AR")
                first_earned = self._until_earned(booked)
            with xml.within("Journal"):
                xml.leaf("JournalID", "EARNED")
                xml.leaf("Description", "Deferred revenue, as it is earned")
                xml.leaf("Type", "GL")
                for each in chain(first_earned, booked):
                    self._transaction(each)

    def _until_earned(self, booked: Iterator[Transaction]) -> tuple[Transaction, ...]:
        """Write the entries; the first that is none."""
        for each in booked:
            if each.position is None:
                return (each,)
            self._transaction(each)
        return ()

    def _transaction(self, each: Transaction) -> None:
        xml = self.xml
        with xml.within("Transaction"):
            xml.leaf("TransactionID", each.voucher or self._earned_id(each))
            xml.leaf("Period", each.day.month)
            xml.leaf("PeriodYear", each.day.year)
            xml.leaf("TransactionDate", each.effective)
            xml.leaf("VoucherType", each.fact, _MIDDLE2)
            xml.leaf("VoucherDescription", each.about, _MIDDLE2)
            xml.leaf("Description", _words(each), _LONG)
            xml.leaf("SystemEntryDate", each.recorded)
            xml.leaf("GLPostingDate", each.day)
            xml.leaf("SystemID", "" if each.position is None else each.position)
            taxes = taxes_of(each, self.chart)
            for place, line in enumerate(each.lines):
                with xml.within("Line"):
                    self._line(place + 1, each, line, taxes.get(place))

    def _earned_id(self, each: Transaction) -> str:
        self._earned += 1
        return f"R-{each.about}-{self._earned:06}"

    def _line(self, number: int, each: Transaction, line: Posted, taxed: Taxed | None) -> None:
        xml = self.xml
        xml.leaf("RecordID", number)
        xml.leaf("AccountID", line.account.number)
        xml.leaf("SourceDocumentID", each.document)
        if line.account.role in OWED:
            xml.leaf("CustomerID", short_id(line.of))
        xml.leaf("Description", line.of, _LONG)
        self._side("Amount", line.minor)
        if taxed is not None:
            if taxed.tax and not self.company.vat_registered:
                raise Refused("company-missing", "[company] vat_registered: there is VAT here")
            with xml.within("TaxInformation"):
                xml.leaf("TaxType", "MVA")
                xml.leaf("TaxCode", taxed.code.rate)
                xml.leaf("TaxPercentage", taxed.code.percent)
                xml.leaf("Country", "NO")
                xml.leaf("TaxBase", self._amount(taxed.base))
                self._side("TaxAmount", taxed.tax or (taxed.base > 0) - (taxed.base < 0), taxed.tax)

    def _side(self, what: str, minor: int, shown: int | None = None) -> None:
        name = f"{'Credit' if minor < 0 else 'Debit'}{what}"
        with self.xml.within(name):
            self.xml.leaf("Amount", self._amount(minor if shown is None else shown))

    def _amount(self, minor: int) -> str:
        """Without a sign: the element says which side."""
        return f"{Decimal(abs(minor)).scaleb(-self._digits):.{self._digits}f}"


def _words(each: Transaction) -> str:
    late = f" (belongs to {each.belongs_to})" if each.belongs_to else ""
    return " ".join(filter(None, (each.fact, each.document, each.stream, each.about))) + late
