"""What people and programs may ask for: commands on subscriptions, previews, customer files."""
