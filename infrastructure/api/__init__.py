"""The internal HTTP API and the providers' callback endpoints."""
