"""The proof over a real PostgreSQL."""
