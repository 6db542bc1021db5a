"""The ledger of what operators started: plans, progress, budgets."""
