"""Whose webhook is it: workspace files, their topic, and the look-ups made from it."""
