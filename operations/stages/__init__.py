"""How old unfinished work is, by stage."""
