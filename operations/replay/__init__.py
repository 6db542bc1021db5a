"""Webhooks read, decided and tried again."""
