"""The process managers: what each open item of a subscription asks us to do next."""
