"""What workers are made of."""
