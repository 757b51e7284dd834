"""What moves things: take what is due, ask the provider, write the outcome."""
