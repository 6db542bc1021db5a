"""Engineers' verbs on log and read model. Nothing here can call a provider or an AI: effects can't be imported."""
