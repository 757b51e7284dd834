"""The books as files: for spreadsheets, programs, hledger and beancount, each with a manifest."""
