"""Finds what an e-mail's author wrote now: history, headers, signatures and wrappers told apart from it."""
