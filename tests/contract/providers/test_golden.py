"""Golden requests: each file under `golden/<provider>/` is a webhook and everything its adapter must read out of it.

`HEADRACE_UPDATE_GOLDEN=1 pytest tests/contract/providers/test_golden.py` rewrites what is expected; read the diff.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.events.codec import Codec
from headrace.providers.adapter import Payload, Receipt
from headrace.providers.registry import ADAPTERS

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*/*.json"))
RECEIVED_AT = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)


def read(provider: str, payload: Payload) -> dict[str, Any]:
    """All that ingest and the pipeline learn of a webhook, as JSON."""
    adapter = ADAPTERS[provider]
    delivery = adapter.deliver("acme", payload)
    receipt = Receipt(
        receipt_id="0195-receipt",
        workspace="acme",
        dedupe_key=delivery.dedupe_key,
        received_at=RECEIVED_AT,
        timezone="America/Chicago",
    )
    normalised = adapter.normalise(payload, receipt)
    codec = Codec()
    return {
        "workspace_hints": [[hint.field, hint.value] for hint in adapter.workspace_hints(payload)],
        "delivery": msgspec.to_builtins(delivery),
        "may_recur": adapter.retry_window(payload) is not None,
        "verdict": normalised.verdict,
        "reason": normalised.reason,
        "facts": [{"type": codec.type_of(fact), **json.loads(codec.encode(fact))} for fact in normalised.facts],
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden_request_gives_the_golden_facts(path: Path) -> None:
    golden = json.loads(path.read_text())
    found = read(path.parent.name, golden["payload"])
    if os.environ.get("HEADRACE_UPDATE_GOLDEN"):
        path.write_text(
            json.dumps({"payload": golden["payload"], "expected": found}, indent=2, ensure_ascii=False) + "\n"
        )
    else:
        assert found == golden["expected"]


def test_every_provider_has_golden_requests() -> None:
    assert {path.parent.name for path in FILES} == set(ADAPTERS)
