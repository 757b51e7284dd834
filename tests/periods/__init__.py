"""Accounting periods: closed, locked, opened again; where late facts count."""
