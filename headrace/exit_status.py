"""What a process that ends itself tells its supervisor."""

#: EX_TEMPFAIL: nothing has to be changed, start it again.
START_AGAIN = 75
#: EX_CONFIG: it will end like this again until a person did what its last log line says.
NEEDS_A_PERSON = 78
