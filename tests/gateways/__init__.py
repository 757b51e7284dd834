"""Gateways, against the simulators over real HTTP."""
