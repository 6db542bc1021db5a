"""The labelled replies and the program that trains the offline classifier on them; no part of the wheel."""
