"""How benchmarks say what they are doing, so that minutes of measuring are not minutes of silence."""

from collections.abc import Callable

#: Takes one line for a person.
Say = Callable[[str], None]
