"""The proof over the stored log: sealing, verifying, proving, and what is given to auditors."""
