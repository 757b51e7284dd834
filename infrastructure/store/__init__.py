"""The ledger's tables in PostgreSQL: log, projections, agenda leases, inbox, token vault."""
