"""What finance audits: accounts, the rules that post facts to them, and when revenue is earned."""
