"""What the audit checks, a module for each part of a subscription's life."""
