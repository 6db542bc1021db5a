"""Rows and positions in one transaction."""
