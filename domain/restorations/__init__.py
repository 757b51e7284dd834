"""Books that were put back to a backup, and what the lost ones may have done meanwhile."""
