"""Versions of the read model: rebuilt, verified, swapped, repaired."""
