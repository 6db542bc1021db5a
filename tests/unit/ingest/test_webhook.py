"""What the endpoint does when something beside the request is wrong: a defective adapter, an unreadable secret."""

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest
import structlog.testing
from starlette.types import Message

from headrace.events.envelope import Headers
from headrace.events.webhooks import read_webhook
from headrace.providers.adapter import Adapter, Delivery, Normalised, Presented, Proofs, Request, WorkspaceHint
from headrace.settings import Settings
from headrace.workspaces.directory import Directory
from headrace.workspaces.follow import WorkspaceFollower
from headrace.workspaces.workspace import ProviderAccount, Workspace
from ingest import webhook
from ingest.admission import InstallationKeys
from ingest.body import MOST_HELD, BodyReader
from ingest.gate import Gate
from ingest.latency import LatencyRecorder
from ingest.metrics import IngestMetrics
from ingest.publisher import KafkaAway, Publisher
from ingest.refusals import RefusalRecorder
from ingest.webhook import IngestContext, WebhookReceiver

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BODY = b'{"text":"my private words"}'


class RecordingPublisher(Publisher):
    """Takes every record, or fails for each."""

    def __init__(self, settings: Settings, failure: Exception | None) -> None:
        super().__init__(settings)
        self.failure = failure
        self.records: list[tuple[str, bytes, bytes, Headers]] = []

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """As the real one, without Kafka."""
        if self.failure is not None:
            raise self.failure
        self.records.append((topic, key, value, headers))


def explodes(*_: object) -> NoReturn:
    raise RuntimeError("my private words")


def adapter(**changes: Any) -> Adapter:
    functions: dict[str, Any] = {
        "proofs": Proofs(presented=_presented),
        "workspace_hints": lambda _payload: [WorkspaceHint("location_id", "L1")],
        "deliver": lambda workspace, _payload: Delivery(
            dedupe_key=f"{workspace}:k", lane="replies", provider_event="e"
        ),
        "normalise": lambda _payload, _receipt: Normalised(),
        "retry_window": lambda _payload: None,
    }
    return Adapter(
        name="ghl",
        origin_path="/x",
        account_fields=("location_id",),
        unavailable_status=429,
        secret_query_parameters=("secret",),
        query_overrides_unknown_workspace=False,
        **(functions | changes),
    )


def _presented(request: Request) -> Presented:
    return (request.headers.get("x-secret"),)


class Endpoint:
    """One receiver with everything around it under the test's control."""

    def __init__(
        self,
        provider: Adapter,
        account: ProviderAccount,
        failure: Exception | None = None,
        loaded: bool = True,
        most_held: int = MOST_HELD,
    ) -> None:
        settings = Settings()
        self.sent: list[Message] = []
        self.refusals = RefusalRecorder(NOW)
        self.bodies = BodyReader(settings.body_limit, most_held=most_held)
        self.publisher = RecordingPublisher(settings, failure)
        follower = WorkspaceFollower(settings)
        workspace = Workspace(id="acme", name="Acme", timezone="UTC", providers={"ghl": account})
        follower.directory = Directory([workspace])
        if loaded:
            follower.loaded.set()
        context = IngestContext(
            settings=settings,
            publisher=self.publisher,
            follower=follower,
            bodies=self.bodies,
            metrics=IngestMetrics(LatencyRecorder(NOW), lambda: True, lambda: 1),
            refusals=self.refusals,
            keys=InstallationKeys(settings),
            clock=lambda: NOW,
            new_receipt_id=lambda: "receipt-1",
            random_bytes=bytes,
            strangers_gate=Gate(),
            beside=ThreadPoolExecutor(1),
        )
        self._receiver = WebhookReceiver(provider, context)

    async def post(self, proof: str = "s", body: bytes = BODY) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer."""

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            self.sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/webhooks/ghl",
            "query_string": b"",
            "headers": [(b"x-secret", proof.encode())],
        }
        await self._receiver(scope, receive, send)
        return self.answer()

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Status and JSON of what was sent last."""
        start, body = self.sent[-2:]
        return start["status"], json.loads(body["body"])


ACCOUNT = ProviderAccount(accounts={"location_id": "L1"}, secrets=("s",))


async def test_fixed_clock_and_ids_give_a_fixed_record() -> None:
    endpoint = Endpoint(adapter(), ACCOUNT)
    assert await endpoint.post() == (200, {"status": "accepted", "receipt_id": "receipt-1"})
    ((topic, key, value, headers),) = endpoint.publisher.records
    assert (topic, key, value) == ("webhooks.ghl", b"acme:k", BODY)
    assert read_webhook(headers).received_at == NOW


@pytest.mark.parametrize("function", ["workspace_hints", "deliver"])
async def test_a_defective_adapter_loses_no_proven_body(function: str) -> None:
    endpoint = Endpoint(adapter(**{function: explodes}), ACCOUNT)
    with structlog.testing.capture_logs() as logs:
        assert await endpoint.post() == (200, {"status": "quarantined", "receipt_id": "receipt-1"})
    ((topic, key, value, headers),) = endpoint.publisher.records
    assert (topic, key, value) == ("webhooks.quarantine", b"receipt-1", BODY)
    assert read_webhook(headers).quarantine_reason == "adapter failed"
    assert [entry["error"] for entry in logs] == ["RuntimeError"]
    assert "private" not in str(logs)


@pytest.mark.parametrize("function", ["workspace_hints", "deliver", "proofs"])
async def test_a_defective_adapter_stores_nothing_unproven(function: str) -> None:
    defective = Proofs(presented=explodes) if function == "proofs" else explodes
    endpoint = Endpoint(adapter(**{function: defective}), ACCOUNT)
    secret = "s" if function == "proofs" else "wrong"
    assert (await endpoint.post(secret))[0] == 401
    assert endpoint.publisher.records == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: Endpoint(adapter(), ACCOUNT, failure=KafkaAway()),
        lambda: Endpoint(adapter(), ACCOUNT, loaded=False),
        lambda: Endpoint(adapter(), ProviderAccount(accounts={"location_id": "L1"}, readable=False)),
    ],
    ids=["kafka away", "workspaces not loaded", "secrets not readable"],
)
async def test_what_cannot_be_judged_or_stored_now_is_asked_for_again(make: Callable[[], Endpoint]) -> None:
    endpoint = make()
    status, problem = await endpoint.post()
    assert (status, problem["type"]) == (429, "urn:headrace:problem:storage-unavailable")
    assert endpoint.publisher.records == []


async def test_any_other_defect_is_a_problem_too_and_reaches_the_servers_log() -> None:
    endpoint = Endpoint(adapter(), ACCOUNT, failure=RuntimeError("a defect"))
    with pytest.raises(RuntimeError, match="a defect"):
        await endpoint.post()
    status, problem = endpoint.answer()
    assert (status, problem["type"]) == (500, "urn:headrace:problem:internal-error")


@pytest.mark.parametrize("reads", [True, False])
async def test_a_strangers_body_is_parsed_only_where_its_proof_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    parsed: list[bytes] = []

    def read_payload(body: bytes) -> dict[str, Any]:
        parsed.append(body)
        return {}

    monkeypatch.setattr(webhook, "read_payload", read_payload)
    proofs = Proofs(presented=_presented, presented_in_body=(lambda _payload: ()) if reads else None)
    assert (await Endpoint(adapter(proofs=proofs), ACCOUNT).post("wrong"))[0] == 401
    assert parsed == ([BODY] if reads else [])


async def test_what_is_too_wide_is_kept_from_a_proven_sender_and_refused_from_others() -> None:
    endpoint = Endpoint(adapter(), ACCOUNT)
    wide = b'{"a":[' + b"[]," * 100_000 + b"1]}"
    assert (await endpoint.post("wrong", wide))[0] == 401
    status, problem = await endpoint.post("s", wide)
    assert (status, problem["type"]) == (400, "urn:headrace:problem:unreadable-body")
    ((topic, _, value, headers),) = endpoint.publisher.records
    assert (topic, value) == ("webhooks.quarantine", wide)
    assert read_webhook(headers).quarantine_reason == "unreadable body"
    assert endpoint.bodies.held == 0


@pytest.mark.parametrize("failure", [None, KafkaAway(), RuntimeError("a defect")])
async def test_no_body_is_held_once_it_was_answered(failure: Exception | None) -> None:
    endpoint = Endpoint(adapter(), ACCOUNT, failure=failure)
    with contextlib.suppress(RuntimeError):
        await endpoint.post()
    assert endpoint.bodies.held == 0


async def test_who_finds_no_room_is_asked_to_come_again() -> None:
    endpoint = Endpoint(adapter(), ACCOUNT, most_held=len(BODY) - 1)
    status, problem = await endpoint.post()
    assert (status, problem["type"]) == (429, "urn:headrace:problem:storage-unavailable")
    assert endpoint.publisher.records == []


@pytest.mark.parametrize(
    ("account", "proof", "why"),
    [
        (ACCOUNT, "wrong", "its proof is not one of acme"),
        (ACCOUNT, "", "it names acme and shows no proof"),
        (ProviderAccount(accounts={"location_id": "L1"}), "s", "acme has no secret for ghl"),
        (ProviderAccount(accounts={"location_id": "other"}), "wrong", "names no workspace we know"),
    ],
)
async def test_a_refused_sender_is_told_to_the_operator_with_what_he_lacks(
    account: ProviderAccount, proof: str, why: str
) -> None:
    endpoint = Endpoint(adapter(), account)
    with structlog.testing.capture_logs() as lines:
        status, answer = await endpoint.post(proof)
    assert (status, answer["detail"].startswith("The webhook carries no valid proof")) == (401, True)
    (refused,) = endpoint.refusals.close_window(NOW, "host:1")
    assert (refused.reason, refused.account, refused.count) == ("unproven-sender", "location_id=L1", 1)
    assert why in refused.why
    assert [line["account"] for line in lines] == ["location_id=L1"]
    assert "private" not in str(lines)
    assert not proof or f"'{proof}'" not in str(lines)


@pytest.mark.parametrize("function", ["workspace_hints", "proofs"])
async def test_a_defective_adapter_refuses_without_another_error(function: str) -> None:
    defective = Proofs(presented=explodes) if function == "proofs" else explodes
    endpoint = Endpoint(adapter(**{function: defective}), ACCOUNT)
    assert (await endpoint.post("wrong"))[0] == 401
    (refused,) = endpoint.refusals.close_window(NOW, "host:1")
    assert (refused.account, refused.why) == ("", "")
