"""The journal in the database."""
