"""Leads that were merged wrongly, and how they are taken apart."""
