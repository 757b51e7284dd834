"""Accounting periods: closed, locked, and opened again by two people."""
