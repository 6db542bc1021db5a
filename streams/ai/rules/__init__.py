"""Pure, deterministic readings of a reply that come before any model; imports no I/O and no numpy."""
