"""One customer's arrangement: its facts, the state they add up to, and one module a decision."""
