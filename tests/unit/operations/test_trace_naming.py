"""What a person may type to name a story."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from typer.testing import CliRunner

from operations.cli.main import app
from operations.trace.naming import IdNamed, PlaceNamed, TooShort, named, received_at

WHOLE = "0198a5d2-7f1e-7c3a-9b0d-5f6a7b8c9d0e"


def test_a_place_is_a_topic_a_partition_and_an_offset() -> None:
    assert named(" webhooks.ghl[3]@1042 ") == PlaceNamed("webhooks.ghl", 3, 1042)
    assert named("t1.ai-interactions[0]@0") == PlaceNamed("t1.ai-interactions", 0, 0)


def test_a_whole_id_is_one_id_however_it_is_written() -> None:
    for text in (WHOLE, WHOLE.upper(), WHOLE.replace("-", "")):
        found = named(text)
        assert isinstance(found, IdNamed)
        assert (found.first, found.last) == (UUID(WHOLE), UUID(WHOLE))


@pytest.mark.parametrize("text", ["0198a5d2", "0198a5d2-7f", "0198a5d27f1e7c3a9b0d"])
def test_the_beginning_of_an_id_is_a_range(text: str) -> None:
    found = named(text)
    assert isinstance(found, IdNamed)
    assert found.first is not None
    assert found.last is not None
    assert found.first < UUID(WHOLE) < found.last
    assert found.first.hex.startswith(text.replace("-", ""))
    assert found.last.hex.startswith(text.replace("-", ""))


@pytest.mark.parametrize("text", ["acme:ghl:InboundMessage:m-1", "<abc@mail.example>", WHOLE + "0", "messages[3]"])
def test_other_texts_are_somebody_elses_ids(text: str) -> None:
    assert named(text) == IdNamed(text)


def test_too_little_names_too_much() -> None:
    with pytest.raises(TooShort, match="at least 8"):
        named("0198a5d")
    assert CliRunner().invoke(app, ["trace", "0198a5d"]).exit_code == 2


def test_a_receipt_tells_when_it_was_drawn_and_a_derived_id_does_not() -> None:
    drawn_at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    id_ = UUID(int=(int(drawn_at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))
    assert received_at(str(id_)) == drawn_at
    assert received_at("6c0b2a1e-6f0a-5c53-9a3e-2f7a57b1d001") is None
    assert received_at("acme:ghl:1") is None


@pytest.mark.parametrize("text", ["Jane", "Li", "a@b.io", "Bo Fa", "Ökan"])
def test_a_persons_name_or_address_may_be_short(text: str) -> None:
    assert named(text) == IdNamed(text)


@pytest.mark.parametrize("text", ["0198", "abe", "x", "555-123", ""])
def test_what_may_be_the_beginning_of_an_id_may_not(text: str) -> None:
    with pytest.raises(TooShort, match="too short"):
        named(text)
