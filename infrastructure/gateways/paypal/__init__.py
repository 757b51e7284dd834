"""PayPal: vault v3, orders v2, payments v2, transaction search v1, webhooks."""
