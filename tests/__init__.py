"""Tests, mirroring the packages; see docs/testing.md for the kinds."""
