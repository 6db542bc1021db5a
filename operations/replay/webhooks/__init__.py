"""Webhooks read again: what today's adapters make of the raw bodies, against what the log says of them."""
