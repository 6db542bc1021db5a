"""Every version of every event that was ever written can be read, for ever.

A golden file is what a program of its day put on the wire. Files are added, never changed: when a test here fails, the
event needs a new version and an upcaster, not a new file under the old name.
"""

import json
from pathlib import Path

import pytest

from headrace.events.codec import EVENT_TYPES, Codec, NewerEvent, split_wire_type, wire_type

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))
CODEC = Codec()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_file_still_decodes(path: Path) -> None:
    name, _ = split_wire_type(path.stem)
    event = CODEC.decode(path.stem, path.read_bytes())
    assert type(event) is EVENT_TYPES[name][0]


@pytest.mark.parametrize(
    "type_", [wire_type(name, v) for name, (_, newest) in EVENT_TYPES.items() for v in range(1, newest + 1)]
)
def test_every_version_of_every_event_has_a_golden_file(type_: str) -> None:
    assert (GOLDEN / f"{type_}.json").exists(), (
        f"add tests/contract/events/golden/{type_}.json with an event as this version writes it, every field filled"
    )


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_newest_version_is_written_as_its_golden_file_says(name: str) -> None:
    type_ = wire_type(name, EVENT_TYPES[name][1])
    golden = (GOLDEN / f"{type_}.json").read_bytes()
    event = CODEC.decode(type_, golden)
    assert CODEC.type_of(event) == type_
    assert json.loads(CODEC.encode(event)) == json.loads(golden)


def test_older_versions_are_lifted_one_step_at_a_time() -> None:
    cls = EVENT_TYPES["lead.merged"][0]
    steps = {
        ("lead.merged", 1): lambda fields: fields | {"into": fields.pop("target")},
        ("lead.merged", 2): lambda fields: {("into_lead_id" if k == "into" else k): v for k, v in fields.items()},
    }
    codec = Codec({"lead.merged": (cls, 3)}, steps)
    newest = json.loads((GOLDEN / "lead.merged.v1.json").read_bytes())
    oldest = {("target" if name == "into_lead_id" else name): value for name, value in newest.items()}

    lifted = codec.decode("lead.merged.v1", json.dumps(oldest).encode())

    assert json.loads(codec.encode(lifted)) == newest


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_field_of_tomorrow_is_ignored_by_the_readers_of_today(path: Path) -> None:
    fields = json.loads(path.read_bytes())
    tomorrow = json.dumps(fields | {"field_of_tomorrow": {"any": ["thing"]}}).encode()
    assert CODEC.decode(path.stem, tomorrow) == CODEC.decode(path.stem, path.read_bytes())


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_a_version_of_tomorrow_is_told_apart_from_a_bad_record(name: str) -> None:
    newest = EVENT_TYPES[name][1]
    with pytest.raises(NewerEvent):
        CODEC.decode(wire_type(name, newest + 1), b"{}")
