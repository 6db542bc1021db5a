"""Names of letters can be typed and read back; a record that was sent again says which letter it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.dead_letters import LetterId, Redrive, original_headers, read_letter_id, redrive_of
from headrace.events.envelope import EnvelopeError

TOPICS = st.text("abcdefghijklmnopqrstuvwxyz.-", min_size=1)
STAGES = st.sampled_from(["dedupe", "resolve", "quarantine", "project:leads"])
OWN = [("ce_id", b"1"), ("ce_type", b"webhook.received.v1")]


@given(TOPICS, st.integers(0, 999), st.integers(0, 2**40), STAGES)
def test_an_id_is_read_as_it_was_written(topic: str, partition: int, offset: int, stage: str) -> None:
    id_ = LetterId(topic, partition, offset, stage)
    assert read_letter_id(str(id_)) == id_


@pytest.mark.parametrize(
    "text", ["", "webhooks.ghl", "webhooks.ghl:1:2", "webhooks.ghl:x:2:dedupe", ":1:2:dedupe", "a:-1:2:b"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no dead letter"):
        read_letter_id(text)


def test_a_record_says_which_letter_it_was_and_how_often() -> None:
    redrive = Redrive("webhooks.ghl:3:1207:dedupe", 2)
    assert redrive_of([*OWN, *redrive.headers()]) == redrive
    assert redrive_of(OWN) is None


@pytest.mark.parametrize("generation", [b"", b"0", b"-1", b"two"])
def test_a_generation_that_is_none_is_not_taken_for_the_first_time(generation: bytes) -> None:
    with pytest.raises(EnvelopeError):
        redrive_of([("ce_letter", b"a:0:1:dedupe"), ("ce_generation", generation)])


def test_a_record_loses_what_others_wrote_on_it() -> None:
    written = [("dlq_stage", b"dedupe"), *OWN, *Redrive("a:0:1:dedupe", 1).headers(), ("dlq_offset", b"1")]
    assert original_headers(written) == OWN
