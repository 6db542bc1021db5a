"""Every field of every event has a cap; what is longer is cut with a mark, and ids are never cut into others."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.events.caps import (
    Body,
    CutFields,
    ForeignId,
    Line,
    PlainJson,
    TooLarge,
    Word,
    capped,
    digest_of,
    entries,
    keys,
)
from headrace.events.codec import EVENT_TYPES, Codec
from headrace.events.inbox import InboxSignal
from headrace.events.record_sizes import Uncapped, largest_event
from headrace.events.webhooks import WebhookMeta
from tests.largest import largest

ALL = {name: cls for name, (cls, _) in EVENT_TYPES.items()} | {"webhook": WebhookMeta}
CODEC = Codec()


class Place(msgspec.Struct, frozen=True):
    town: Line
    code: Word | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: ForeignId
    text: Body = ""
    place: Place | None = None
    places: Annotated[tuple[Place, ...], entries(3)] = ()
    more: Annotated[dict[Word, ForeignId], keys(2)] = {}
    plain: PlainJson = {}
    cut: CutFields = ()


@pytest.mark.parametrize("name", ALL)
def test_every_field_of_every_event_has_a_cap(name: str) -> None:
    assert largest_event(ALL[name]) > 0


def test_a_field_without_a_cap_is_named() -> None:
    class Careless(msgspec.Struct):
        note: str

    with pytest.raises(Uncapped, match=r"Careless\.note"):
        largest_event(Careless)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_largest_event_is_as_large_as_the_sum_of_its_caps_and_comes_back(name: str) -> None:
    event = largest(ALL[name])
    value = CODEC.encode(event)
    # Of a workspace's settings all that counts is the size of the whole.
    assert (name == "workspace.applied") or 0.9 * largest_event(ALL[name]) <= len(value)
    assert len(value) <= largest_event(ALL[name])
    assert CODEC.decode(CODEC.type_of(event), value) == event


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_what_is_longer_is_cut_with_a_mark(name: str) -> None:
    event = largest(ALL[name], beyond=1)
    is_marked = "cut" in event.__struct_fields__
    event = msgspec.structs.replace(event, cut=()) if is_marked else event
    try:
        cut = capped(event)
    except TooLarge:
        return
    assert len(msgspec.json.encode(cut)) <= largest_event(ALL[name])
    assert cut == event or not is_marked or cut.cut
    assert capped(cut) is cut


def test_what_fits_is_the_same_object() -> None:
    fact = Fact(id="1", text="x", place=Place("y"), places=(Place("z"),), more={"a": "b"}, plain={"c": [1]})
    assert capped(fact) is fact


def test_places_of_cuts_are_named() -> None:
    fact = Fact(
        id="1",
        text="x" * 600_000,
        place=Place("y" * 2_000),
        places=tuple(Place(str(number)) for number in range(4)),
        more={"a": "1", "b": "2", "c": "3"},
    )
    cut = capped(fact)
    assert cut.cut == ("text", "place.town", "places", "more")
    assert len(cut.text) == 524_288
    assert cut.place == Place("y" * 1_000)
    assert cut.places == fact.places[:3]
    assert cut.more == {"a": "1", "b": "2"}


@given(st.text(max_size=5), st.text(max_size=5))
def test_two_long_ids_that_begin_alike_stay_two(one: str, other: str) -> None:
    start = "x" * 600
    ids = {capped(Fact(id=start + end)).id for end in (one, other)}
    assert len(ids) == len({one, other})
    assert all(len(id_) <= 512 for id_ in ids)
    assert capped(Fact(id=start + one)).id == digest_of(start + one)


def test_plain_json_is_refused_rather_than_cut() -> None:
    with pytest.raises(TooLarge, match=r"plain has [\d,]+ bytes, and room for 32,768"):
        capped(Fact(id="1", plain={"answer": "secret" * 10_000}))


def test_an_event_can_not_be_written_beyond_its_caps() -> None:
    signal = largest(InboxSignal)
    longer = msgspec.structs.replace(signal, detail="\U0001f600" * 300_000, cut=())
    written: Any = CODEC.decode("inbox.signal.v1", CODEC.encode(longer))
    assert written.detail == "\U0001f600" * 1_000
    assert written.cut == ("detail",)
