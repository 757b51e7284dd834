"""The proof: chain, tree, notes; without a database. Those that need one: stored/."""
