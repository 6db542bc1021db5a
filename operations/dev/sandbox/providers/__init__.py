"""What stands in for each provider: its errors, its work and its webhooks, in its own shapes."""
