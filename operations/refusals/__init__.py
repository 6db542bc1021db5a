"""Webhooks that were refused."""
