"""What callers send, as terms and reports: messages, files, batches. No database."""
