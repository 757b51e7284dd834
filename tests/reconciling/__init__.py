"""Settlements and reports of providers, held against our books."""
