"""Tests of the rules: values, decisions, processes, properties."""
