"""What every provider promises, run over the registry: a new provider is covered by adding its line there."""

import ast
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.events.caps import capped
from headrace.events.codec import Codec
from headrace.events.inbox import InboxFact, InboxMessage
from headrace.providers.adapter import Adapter, Credentials, Normalised, Payload, Receipt, Request
from headrace.providers.proofs import is_proven
from headrace.providers.registry import ADAPTERS
from operations.dev.samples import Sample, sample_webhooks

GOLDEN = Path(__file__).parent / "golden"
PAYLOADS: dict[str, list[Payload]] = {
    name: [json.loads(path.read_text())["payload"] for path in sorted((GOLDEN / name).glob("*.json"))]
    for name in ADAPTERS
}
#: The header through which each provider's shared secret is presented in these tests.
SECRET_HEADERS = {
    "ghl": "x-headrace-secret",
    "unipile": "x-unipile-secret",
    "smartlead": "x-smartlead-secret",
    "instantly": "x-instantly-secret",
    "emailbison": "x-headrace-secret",
}
RECEIVED_AT = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
EXTREMES: dict[str, object] = {
    "huge": 10**5000,
    "hugely negative": -(10**400),
    "float": 1e308,
    "nan": float("nan"),
    "infinity": float("inf"),
    "unstorable": "\0\ud800",
    "long": "x" * 100_000,
}
each_adapter = pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS)
thorough = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def receipt(adapter: Adapter, payload: Payload, received_at: datetime = RECEIVED_AT) -> Receipt:
    return Receipt(
        receipt_id="0195-receipt",
        workspace="acme",
        dedupe_key=adapter.deliver("acme", payload).dedupe_key,
        received_at=received_at,
        timezone="America/Chicago",
    )


def normalise(adapter: Adapter, payload: Payload, received_at: datetime = RECEIVED_AT) -> Normalised:
    return adapter.normalise(payload, receipt(adapter, payload, received_at))


def request(body: bytes = b"{}", headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> Request:
    try:
        payload = json.loads(body)
    except ValueError:
        payload = None
    return Request(body=body, headers=headers or {}, query=query or {}, payload=payload)


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values inside a JSON value, containers included."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))


def replaced(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """The JSON value with another value at a path."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def shuffled(value: object) -> object:
    """The same JSON value with the keys of every object in reverse."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(inner) for inner in value] if isinstance(value, list) else value


# Proofs


@each_adapter
def test_every_valid_secret_proves_and_no_other_does(adapter: Adapter) -> None:
    header = SECRET_HEADERS[adapter.name]
    credentials = Credentials(secrets=("new-secret", "old-secret"))
    assert is_proven(adapter.proofs, request(headers={header: "new-secret"}), credentials)
    assert is_proven(adapter.proofs, request(headers={header: "old-secret"}), credentials)
    assert not is_proven(adapter.proofs, request(headers={header: "guess"}), credentials)
    assert not is_proven(adapter.proofs, request(), credentials)


@each_adapter
@pytest.mark.parametrize("presented", ["", "x"])
def test_nothing_proves_without_a_configured_secret(adapter: Adapter, presented: str) -> None:
    presenting = request(
        headers={SECRET_HEADERS[adapter.name]: presented, "authorization": f"Bearer {presented}"},
        query={"secret": presented},
        body=json.dumps({"secret_key": presented}).encode(),
    )
    assert not is_proven(adapter.proofs, presenting, Credentials())
    assert not is_proven(adapter.proofs, presenting, Credentials(secrets=("",)))


@each_adapter
def test_an_unreadable_body_can_still_be_proven_by_its_header(adapter: Adapter) -> None:
    unreadable = request(body=b"\xff{", headers={SECRET_HEADERS[adapter.name]: "s"})
    assert unreadable.payload is None
    assert is_proven(adapter.proofs, unreadable, Credentials(secrets=("s",)))


@pytest.mark.parametrize(
    ("name", "presenting"),
    [
        ("ghl", request(query={"secret": "s"})),
        ("emailbison", request(query={"secret": "s"})),
        ("smartlead", request(headers={"authorization": "bearer s"})),
        ("smartlead", request(body=b'{"secret_key": "s"}')),
        ("instantly", request(headers={"authorization": "Bearer s"})),
        ("unipile", request(headers={"unipile-auth": "s"})),
    ],
)
def test_the_other_places_of_a_secret(name: str, presenting: Request) -> None:
    assert is_proven(ADAPTERS[name].proofs, presenting, Credentials(secrets=("other", "s")))
    assert not is_proven(ADAPTERS[name].proofs, presenting, Credentials(secrets=("other",)))


@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_smartlead_hmac_signs_the_body(prefix: str) -> None:
    signature = prefix + hmac.new(b"s", b'{"a": 1}', hashlib.sha256).hexdigest()
    headers = {"x-smartlead-signature": signature}
    proves = partial(is_proven, ADAPTERS["smartlead"].proofs)
    assert proves(request(b'{"a": 1}', headers), Credentials(secrets=("other", "s")))
    assert not proves(request(b'{"a": 2}', headers), Credentials(secrets=("s",)))


def test_ghl_ed25519_signature() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    headers = {"x-ghl-signature": base64.b64encode(key.sign(b"body")).decode()}
    proves = partial(is_proven, ADAPTERS["ghl"].proofs)
    assert proves(request(b"body", headers), Credentials(ed25519_public_key=public))
    assert not proves(request(b"other", headers), Credentials(ed25519_public_key=public))
    assert not proves(request(b"body", headers), Credentials(rsa_public_key=public))
    assert not proves(request(b"body", {"x-ghl-signature": "%%%"}), Credentials(ed25519_public_key=public))


def test_a_key_may_come_in_lines_that_an_environment_file_wrote_as_letters() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    headers = {"x-ghl-signature": base64.b64encode(key.sign(b"body")).decode()}
    for written in (pem, pem.replace("\n", "\\n"), pem.replace("\n", "\\r\\n")):
        credentials = Credentials(ed25519_public_key=written)
        assert is_proven(ADAPTERS["ghl"].proofs, request(b"body", headers), credentials)


def test_ghl_rsa_signature() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    signature = base64.b64encode(key.sign(b"body", padding.PKCS1v15(), SHA256())).decode()
    proves = partial(is_proven, ADAPTERS["ghl"].proofs)
    assert proves(request(b"body", {"x-wh-signature": signature}), Credentials(rsa_public_key=public))
    assert not proves(request(b"other", {"x-wh-signature": signature}), Credentials(rsa_public_key=public))
    assert not proves(request(b"body", {"x-ghl-signature": signature}), Credentials(ed25519_public_key=public))


@pytest.mark.parametrize("key", ["", "no base64!", base64.b64encode(b"no key").decode()])
def test_a_broken_public_key_proves_nothing(key: str) -> None:
    headers = {"x-ghl-signature": "AAAA", "x-wh-signature": "AAAA"}
    assert not is_proven(
        ADAPTERS["ghl"].proofs, request(headers=headers), Credentials(ed25519_public_key=key, rsa_public_key=key)
    )


# Keys


@each_adapter
def test_redelivery_and_other_spellings_of_the_json_have_one_key(adapter: Adapter) -> None:
    for payload in PAYLOADS[adapter.name]:
        again = json.loads(json.dumps(shuffled(payload), indent=4))
        assert adapter.deliver("acme", again) == adapter.deliver("acme", payload)
        assert adapter.workspace_hints(again) == adapter.workspace_hints(payload)
        assert adapter.retry_window(again) == adapter.retry_window(payload)


@each_adapter
def test_workspaces_never_share_a_key(adapter: Adapter) -> None:
    for payload in PAYLOADS[adapter.name]:
        assert adapter.deliver("acme", payload).dedupe_key != adapter.deliver("other", payload).dedupe_key


@each_adapter
def test_content_alone_is_told_apart_by_its_time_of_receipt_and_an_id_is_not(adapter: Adapter) -> None:
    for payload in PAYLOADS[adapter.name]:
        times = (RECEIVED_AT, RECEIVED_AT + timedelta(days=31))
        ids = [[m.message_id for m in messages(normalise(adapter, payload, at))] for at in times]
        if ids[0]:
            assert (ids[0] != ids[1]) == (adapter.retry_window(payload) is not None)


def messages(normalised: Normalised) -> list[InboxMessage]:
    return [fact for fact in normalised.facts if isinstance(fact, InboxMessage)]


#: For each provider an event as a function of what its sender would never repeat.
EVENTS: dict[str, Callable[[str, str], Payload]] = {
    "ghl": lambda id_, text: {"contact_id": id_, "location": {"id": "l"}, "message": {"body": text}},
    "unipile": lambda id_, text: {
        "event": "message_received",
        "account_id": "a",
        "message_id": id_,
        "message": text,
        "sender": {"attendee_provider_id": "p"},
    },
    "smartlead": lambda id_, text: {
        "event_type": "EMAIL_REPLY",
        "sl_lead_email": "a@b.example",
        "reply_message": {"message_id": id_, "text": text},
    },
    "instantly": lambda id_, text: {
        "event_type": "reply_received",
        "lead_email": "a@b.example",
        "email_id": id_,
        "reply_text": text,
    },
    "emailbison": lambda id_, text: {
        "event": {"type": "LEAD_REPLIED"},
        "data": {"reply": {"id": id_, "text_body": text, "from_email_address": "a@b.example"}},
    },
}
ids = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)


@each_adapter
@thorough
@given(one=ids, other=ids, text=st.text(min_size=1, max_size=30))
def test_different_events_have_different_keys(adapter: Adapter, one: str, other: str, text: str) -> None:
    keys = {adapter.deliver("acme", EVENTS[adapter.name](id_, text)).dedupe_key for id_ in (one, other)}
    assert len(keys) == (1 if one == other else 2)


@given(one=st.text(max_size=30), other=st.text(max_size=30))
@settings(deadline=None)
def test_texts_of_one_contact_have_different_keys_without_an_id(one: str, other: str) -> None:
    deliver = ADAPTERS["ghl"].deliver
    keys = {deliver("acme", EVENTS["ghl"]("c", text)).dedupe_key for text in (one, other)}
    same = one.replace("\0", "").strip() == other.replace("\0", "").strip()
    assert same or len(keys) == 2


def test_events_of_one_reply_have_different_keys_and_one_message() -> None:
    adapter = ADAPTERS["emailbison"]
    of = {p["event"]["type"].upper(): p for p in PAYLOADS["emailbison"] if reply_id(p) == 990012}
    replied, interested = of["LEAD_REPLIED"], of["LEAD_INTERESTED"]
    assert adapter.deliver("acme", replied).dedupe_key != adapter.deliver("acme", interested).dedupe_key
    assert [m.message_id for m in messages(normalise(adapter, replied))] == [
        m.message_id for m in messages(normalise(adapter, interested))
    ]


#: What a provider has been seen to change when it delivers the same once more: (provider, golden file, changes).
DELIVERED_AGAIN: list[tuple[str, str, Payload]] = [
    ("ghl", "marketplace_e_mail_without_content_type", {"webhookId": "wh-2", "appId": "app-2", "versionId": "v-2"}),
    ("instantly", "reply_documented_shape", {"timestamp": "2026-03-02T23:59:59.000Z"}),
    ("instantly", "unsubscribed_documented_shape", {"timestamp": "2026-03-02T23:59:59.000Z"}),
    ("instantly", "lead_meeting_booked", {"timestamp": "2026-03-02T23:59:59.000Z"}),
]


@pytest.mark.parametrize(("name", "file", "changes"), DELIVERED_AGAIN)
def test_what_changes_between_deliveries_is_no_part_of_the_key(name: str, file: str, changes: Payload) -> None:
    payload = json.loads((GOLDEN / name / f"{file}.json").read_text())["payload"]
    assert payload | changes != payload
    deliver = ADAPTERS[name].deliver
    assert deliver("acme", payload | changes).dedupe_key == deliver("acme", payload).dedupe_key


def test_each_edit_of_a_message_is_one_of_its_own() -> None:
    payload = json.loads((GOLDEN / "unipile" / "message_edited.json").read_text())["payload"]
    adapter = ADAPTERS["unipile"]
    versions = [payload, payload | {"message": "Stop."}, payload | {"event": "message_received"}]
    assert len({adapter.deliver("acme", version).dedupe_key for version in versions}) == 3
    assert len({messages(normalise(adapter, version))[0].message_id for version in versions}) == 3


def reply_id(payload: Payload) -> object:
    return payload.get("data", {}).get("reply", {}).get("id")


def test_documented_and_older_shape_of_one_linkedin_message_have_one_key_and_one_message() -> None:
    adapter = ADAPTERS["unipile"]
    older = {"event": "message.received", "account_id": "a", "message": {"id": "m", "text": "hi", "sender_id": "p"}}
    documented = {
        "event": "message_received",
        "account_id": "a",
        "message_id": "m",
        "message": "hi",
        "sender": {"attendee_provider_id": "p"},
    }
    assert adapter.deliver("w", older).dedupe_key == adapter.deliver("w", documented).dedupe_key
    found = [messages(normalise(adapter, payload))[0] for payload in (older, documented)]
    assert found[0].message_id == found[1].message_id


# Facts


def assert_sound(adapter: Adapter, payload: Payload) -> None:
    """Everything an adapter owes for any JSON object."""
    adapter.workspace_hints(payload)
    adapter.retry_window(payload)
    delivery = adapter.deliver("acme", payload)
    assert delivery.dedupe_key.startswith(f"acme:{adapter.name}:")
    assert delivery.dedupe_key.encode()
    assert delivery.provider_event.isprintable()
    normalised = normalise(adapter, payload)
    assert (normalised.verdict == "fresh") == bool(normalised.facts)
    assert bool(normalised.reason) == (normalised.verdict != "fresh")
    assert normalised.reason.isprintable()
    assert normalise(adapter, payload) == normalised
    for fact in normalised.facts:
        assert_storable(fact)


def assert_storable(fact: InboxFact) -> None:
    codec = Codec()
    assert codec.decode(codec.type_of(fact), codec.encode(fact)) == fact
    assert b"\\u0000" not in codec.encode(fact)
    assert capped(fact) is fact
    assert fact.identities
    assert len({(i.kind, i.value) for i in fact.identities}) == len(fact.identities)


@each_adapter
def test_golden_payloads_are_sound(adapter: Adapter) -> None:
    for payload in PAYLOADS[adapter.name]:
        assert_sound(adapter, payload)


@each_adapter
@pytest.mark.parametrize("long", ["x" * 700_000, "https://linkedin.com/in/" + "y" * 700_000, "\U0001f600" * 200_000])
def test_no_field_of_a_webhook_makes_a_large_fact(adapter: Adapter, long: str) -> None:
    """But for the texts themselves, which may be as long as a mail."""
    for payload in PAYLOADS[adapter.name]:
        for path in leaves(payload):
            if not path:
                continue
            for fact in normalise(adapter, replaced(payload, path, long)).facts:
                texts = sum(len(getattr(fact, name, None) or "") for name in ("text", "body", "html"))
                assert len(Codec().encode(fact)) <= 4 * texts + 20_000
                assert capped(fact) is fact
                cut = {name.partition(".")[0] for name in fact.cut}
                assert cut <= set(fact.__struct_fields__)


@each_adapter
@thorough
@given(payload=st.dictionaries(st.text(max_size=12), json_values, max_size=6))
def test_no_json_object_is_too_odd(adapter: Adapter, payload: Payload) -> None:
    assert_sound(adapter, payload)


@each_adapter
@thorough
@given(data=st.data(), new=json_values)
def test_no_wrong_type_in_a_real_payload_is_too_odd(adapter: Adapter, data: st.DataObject, new: object) -> None:
    payload = data.draw(st.sampled_from(PAYLOADS[adapter.name]))
    path = data.draw(st.sampled_from([found for found in leaves(payload) if found]))
    assert_sound(adapter, replaced(payload, path, new))


@each_adapter
@pytest.mark.parametrize("odd", EXTREMES.values(), ids=EXTREMES)
def test_extreme_values_everywhere(adapter: Adapter, odd: object) -> None:
    for payload in PAYLOADS[adapter.name][:6]:
        for path in [found for found in leaves(payload) if found]:
            assert_sound(adapter, replaced(payload, path, odd))


@each_adapter
def test_deep_nesting(adapter: Adapter) -> None:
    deep: object = "x"
    for _ in range(5000):
        deep = {"message": deep, "data": [deep]} if deep == "x" else {"message": deep}
    adapter.deliver("acme", {"event": "x", "message": deep})
    assert adapter.normalise({"event": "x", "message": deep}, receipt(adapter, {})).verdict != "fresh"


@each_adapter
def test_lanes_follow_the_facts(adapter: Adapter) -> None:
    """What may not wait behind a flood: messages from leads, suppressions, signals but clicks and campaign ends."""
    for payload in PAYLOADS[adapter.name]:
        for fact in normalise(adapter, payload).facts:
            may_wait = (isinstance(fact, InboxMessage) and fact.direction == "outbound") or (
                getattr(fact, "signal", "") in {"link_clicked", "campaign_completed"}
            )
            assert may_wait or adapter.deliver("acme", payload).lane == "replies"


# Samples and boundaries


@pytest.mark.parametrize("sample", sample_webhooks(), ids=lambda sample: f"{sample.provider}: {sample.name}")
def test_samples_prove_themselves_and_are_understood(sample: Sample) -> None:
    adapter = ADAPTERS[sample.provider]
    payload = json.loads(sample.body)
    signed = Request(body=sample.body, headers=sample.headers, query=sample.query, payload=payload)
    secret = "sample-ghl-new" if sample.provider == "ghl" else f"sample-{sample.provider}"
    assert is_proven(adapter.proofs, signed, Credentials(secrets=(secret,)))
    assert normalise(adapter, payload).verdict in {"fresh", "ignored"}


def test_samples_show_every_kind_of_verdict() -> None:
    for name, adapter in ADAPTERS.items():
        payloads = [json.loads(sample.body) for sample in sample_webhooks() if sample.provider == name]
        assert len(payloads) >= 3
        assert {normalise(adapter, payload).verdict for payload in payloads} == {"fresh", "ignored"}
        # Unipile has no notices that come in floods.
        assert name == "unipile" or "bulk" in {adapter.deliver("acme", payload).lane for payload in payloads}


def test_providers_import_nothing_but_events_and_named_libraries() -> None:
    allowed = {"msgspec", "lxml", "cryptography", "phonenumbers", "dateutil"}
    folder = Path(sys.modules["headrace.providers.registry"].__file__ or "").parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                package = name.partition(".")[0]
                is_ours = name.startswith(("headrace.events", "headrace.providers"))
                assert is_ours or package in allowed or package in sys.stdlib_module_names, f"{path.name}: {name}"
