"""One file a provider: how it proves itself, whom it writes for, and what its webhooks mean. Pure: no I/O, no clock."""
