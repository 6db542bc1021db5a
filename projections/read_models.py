"""The read models Headrace has: a line each here, and a file of the same name each in `projections/projectors`.

They are named apart from what they are, so that help can list them without loading SQLAlchemy.
"""

READ_MODELS = (
    "leads",
    "webhook_receipts",
    "ingest_latency",
    "dead_letters",
    "jobs",
    "enrichments",
    "ai_interactions",
)
