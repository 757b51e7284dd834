"""Simulators: that they behave, and misbehave, as the providers would."""
