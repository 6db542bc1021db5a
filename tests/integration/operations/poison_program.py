"""The pipeline worker with a faulty adapter, run as a process of its own: it fails on every body that says `poison`."""

from typing import Any

import msgspec

from headrace.providers.adapter import Adapter, Normalised, Payload, Receipt
from headrace.providers.registry import ADAPTERS
from headrace.settings import Settings
from streams.pipeline import dedupe_agent
from streams.pipeline.workers import pipeline_worker


def faulty(adapter: Adapter) -> Adapter:
    """The adapter before it was mended."""

    def normalise(payload: Payload, receipt: Receipt) -> Normalised:
        if "poison" in repr(payload):
            raise ZeroDivisionError
        return adapter.normalise(payload, receipt)

    return msgspec.structs.replace(adapter, normalise=normalise)


def main() -> None:
    adapters: Any = {name: faulty(adapter) for name, adapter in ADAPTERS.items()}
    dedupe_agent.ADAPTERS = adapters  # type: ignore[attr-defined]
    pipeline_worker(Settings()).run()


if __name__ == "__main__":
    main()
