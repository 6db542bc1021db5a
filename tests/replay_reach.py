"""What replays may not load, and what asks models: for tests that look at imports and at processes."""

FORBIDDEN = (
    "faust",
    "mode",
    "httpx",
    "httpx2",
    "openai",
    "ingest",
    "streams.effects",
    "streams.ai.chosen",
    "streams.ai.openai_provider",
    "streams.jobs.desk_ai",
)
#: What asks models, and what loads it: for those alone who allow to spend something.
SPENDING = {
    "operations.replay.spending",
    "operations.replay.decide.buying",
    "operations.replay.trying.trying",
    "operations.replay.trying.resuming",
}
