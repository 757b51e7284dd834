"""One module a provider: HTTP on one side, the domain's answers on the other."""
