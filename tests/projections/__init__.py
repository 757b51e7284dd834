"""Tests of the projections and the audit."""
