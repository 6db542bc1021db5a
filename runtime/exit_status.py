"""What a process that ends itself tells its supervisor."""

#: EX_TEMPFAIL: nothing has to be changed, start it again.
START_AGAIN = 75
