"""A rehearsal: real customers billed for months in minutes, against both simulators.

Real processes, real HTTP, a real PostgreSQL; only the clock steps and the providers are ours.
"""
