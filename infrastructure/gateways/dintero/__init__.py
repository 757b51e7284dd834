"""Dintero: hosted checkout for tokens, /sessions/pay for charges, signed callbacks."""
