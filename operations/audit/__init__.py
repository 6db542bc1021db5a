"""Proves that nothing accepted is missing."""
