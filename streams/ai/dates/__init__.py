"""Reads dates and times of day out of short messages: one grammar, and a file of words for each language."""
