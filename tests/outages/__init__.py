"""What a provider that does not answer, and a card number, may not do."""
