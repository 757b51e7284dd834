"""Due runs: what each found due, and the one outcome of each item."""
