"""Ids are UUIDv5 of what they name, and different things never share one by running together."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from headrace.events.ids import NAMESPACE, content_fingerprint, dedupe_key, derived_id, message_id

WORDS = st.text(max_size=20).filter(lambda text: "\x1f" not in text and text.isprintable())


@given(WORDS, st.lists(WORDS, max_size=4))
def test_a_derived_id_is_the_standard_uuid5(kind: str, parts: list[str]) -> None:
    id_ = derived_id(kind, *parts)
    assert id_ == str(uuid5(NAMESPACE, "\x1f".join((kind, *parts))))
    assert UUID(id_).version == 5


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, min_size=1, max_size=4))
def test_parts_never_run_together(one: list[str], other: list[str]) -> None:
    assert (derived_id("a", *one) == derived_id("a", *other)) == (one == other)
    assert (content_fingerprint(one) == content_fingerprint(other)) == (one == other)


def test_a_message_is_its_own_in_each_workspace_provider_and_direction() -> None:
    ids = {
        message_id(workspace, provider, direction, "1")
        for workspace in ("a", "b")
        for provider in ("ghl", "unipile")
        for direction in ("inbound", "outbound")
    }
    assert len(ids) == 8


@given(st.text(min_size=1, max_size=400))
def test_a_dedupe_key_is_short_and_printable(identifier: str) -> None:
    key = dedupe_key("acme", "ghl", "sms", identifier)
    assert key.isprintable()
    assert len(key) < 200
    assert key == dedupe_key("acme", "ghl", "sms", identifier)


def test_long_ids_stay_apart() -> None:
    assert dedupe_key("a", "ghl", "sms", "x" * 500) != dedupe_key("a", "ghl", "sms", "x" * 501)
