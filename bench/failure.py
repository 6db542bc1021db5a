"""The one way a benchmark says that it could not measure."""


class BenchmarkFailed(RuntimeError):
    """Nothing was measured; the message says what happened and what to do. A missed target is no failure."""
