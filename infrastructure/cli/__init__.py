"""The command billing."""
