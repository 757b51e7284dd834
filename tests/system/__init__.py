"""The whole system: real workers, both simulators, real books, and everything that can go wrong."""
