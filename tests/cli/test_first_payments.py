"""First payments on the page that makes the token, from the command line."""

from __future__ import annotations

from infrastructure.cli.exits import DONE, INCOMPLETE, REFUSED, USAGE
from tests.cli.conftest import Terminal

DINTERO = "customer_id,price,provider\nc-1,10,dintero\n"
IMPORT = ("--end", "2025-01-01")
PAGE = ("--first-payment", "in-session")


def test_import_with_the_first_payment(terminal: Terminal) -> None:
    """The payer is to pay the first invoice on the page, and so it is shown."""
    terminal.set_clock("2025-01-01")
    done = terminal.run("import", terminal.file(DINTERO), *IMPORT, *PAGE)
    assert done.exit_code == DONE, done.output
    shown = terminal.run("show", "c-1").stdout
    assert "on a page where the payer pays" in shown
    assert terminal.run("audit").exit_code == DONE


def test_paypal_takes_none_on_its_page(terminal: Terminal) -> None:
    """The line is bad, and nothing is imported."""
    terminal.set_clock("2025-01-01")
    file = terminal.file(DINTERO.replace("dintero", "paypal"))
    refused = terminal.run("import", file, *IMPORT, *PAGE)
    assert refused.exit_code == REFUSED
    assert "first-payment-not-offered" in refused.stderr
    assert terminal.run("import", file, "--first-payment", "soon").exit_code == USAGE


def test_a_new_request_with_the_payment(terminal: Terminal) -> None:
    """Refused while another page is open, or for a backup; else it is written."""
    terminal.set_clock("2025-01-01")
    assert terminal.run("import", terminal.file(DINTERO), *IMPORT).exit_code == DONE
    ask = ("token", "c-1", "--wait-s", "0", *PAGE)
    open_one = terminal.run(*ask)
    assert (open_one.exit_code, "token-request-open" in open_one.stderr) == (REFUSED, True)
    backup = terminal.run(*ask, "--backup")
    assert (backup.exit_code, "first-payment-elsewhere" in backup.stderr) == (REFUSED, True)
    file = terminal.file(DINTERO.replace("c-1", "c-2"))
    assert terminal.run("import", file, *IMPORT, "--no-token").exit_code == DONE
    asked = terminal.run("token", "c-2", "--wait-s", "0", *PAGE)
    assert asked.exit_code == INCOMPLETE, asked.output
    assert "have the payer pay" in terminal.run("show", "c-2").stdout
