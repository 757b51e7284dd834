"""Due runs: what each found due, and how each item of it ended."""
