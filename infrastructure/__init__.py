"""The outside: store, providers, API, command line, workers."""
