"""The only code that calls a provider: one client each, over HTTP, without retries. Only `streams.effects` uses it."""
