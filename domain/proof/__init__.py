"""What proves the log: a fact as bytes, the hash chain, the tree, and a checkpoint's text."""
