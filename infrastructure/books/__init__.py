"""The books as finance asks for them: the chart of accounts, and the journal read from the log."""
