"""A PayPal that runs on loopback: vault, orders, payments, transaction search, webhooks."""
