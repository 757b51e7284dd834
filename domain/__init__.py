"""The rules of recurring billing: what may happen, what it costs, when it is due."""
