"""What a process knows of the workspaces, whatever comes: warnings said once, and no working workspace taken away."""

from datetime import UTC, datetime
from typing import Any

import structlog.testing
from cryptography.fernet import Fernet
from pydantic import SecretStr

from headrace.events.records import Record
from headrace.settings import Settings
from headrace.workspaces.encryption import SecretBox
from headrace.workspaces.follow import WorkspaceFollower
from headrace.workspaces.records import applied_record, removed_headers
from headrace.workspaces.workspace import ApiAccess, ProviderAccount, Workspace

AT = datetime(2026, 3, 2, tzinfo=UTC)
SETTINGS = Settings(secrets_key=SecretStr(Fernet.generate_key().decode()))
BOX = SecretBox.of(SETTINGS)


def workspace(id_: str = "acme", **account: Any) -> Workspace:
    return Workspace(id=id_, name=id_, timezone="UTC", providers={"ghl": ProviderAccount(**account)})


def record(value: Workspace | str, type_: str = "") -> Record:
    """The record that applies a workspace, or removes the one of an id. `type_` replaces the event's own."""
    if isinstance(value, str):
        return _kafka(value, None, removed_headers(value, AT))
    content, headers = applied_record(value, BOX, AT)
    return _kafka(
        value.id, content, [(name, type_.encode() if type_ and name == "ce_type" else v) for name, v in headers]
    )


def _kafka(key: str, value: bytes | None, headers: list[tuple[str, bytes]]) -> Record:
    return Record("workspaces", 0, 0, key.encode(), value, headers, 0)


def loaded(*records: Record) -> WorkspaceFollower:
    follower = WorkspaceFollower(SETTINGS)
    read(follower, *records)
    return follower


def read(follower: WorkspaceFollower, *records: Record) -> None:
    """The whole topic, as at a start or after a lost connection."""
    follower.begin()
    follower.take(records)
    follower.reached_end()


def test_unsigned_is_warned_about_at_start_and_once() -> None:
    with structlog.testing.capture_logs() as logs:
        follower = loaded(record(workspace(allow_unsigned=True)), record(workspace("other", secrets=("s",))))
        read(follower, record(workspace(allow_unsigned=True)))
    told = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [(entry["workspace"], entry["provider"]) for entry in told] == [("acme", "ghl")]
    assert "allow_unsigned" in told[0]["event"]


def test_nothing_is_known_before_the_end_and_then_all_of_it() -> None:
    follower = WorkspaceFollower(SETTINGS)
    follower.begin()
    follower.take([record(workspace(secrets=("old",))), record(workspace(secrets=("new",))), record("gone")])
    assert (len(follower.directory), follower.loaded.is_set()) == (0, False)
    follower.reached_end()
    assert follower.loaded.is_set()
    assert follower.directory.secrets("ghl") == ("new",)


def test_changes_are_followed_live() -> None:
    follower = loaded(record(workspace(secrets=("s",))))
    follower.take([record(workspace("beta", secrets=("b",)))])
    assert {one.id for one in follower.directory} == {"acme", "beta"}
    follower.take([record("acme")])
    assert {one.id for one in follower.directory} == {"beta"}


def test_an_unreadable_change_takes_no_working_workspace_away() -> None:
    changes = (
        record(workspace(secrets=("s2",)), type_="workspace.applied.v99"),
        _kafka("acme", b"{", record(workspace()).headers),
        _kafka("acme", b"{}", []),
    )
    for change in changes:
        follower = loaded(record(workspace(secrets=("s",))))
        with structlog.testing.capture_logs() as logs:
            follower.take([change])
            # The topic is compacted: after a lost connection the readable state is not there any more.
            read(follower, change)
        assert follower.directory.secrets("ghl") == ("s",)
        assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["workspace record ignored"] * 2


def test_what_was_removed_while_the_connection_was_lost_is_gone() -> None:
    follower = loaded(record(workspace(secrets=("s",))), record(workspace("beta", secrets=("b",))))
    read(follower, record(workspace("beta", secrets=("b",))))
    assert {one.id for one in follower.directory} == {"beta"}


def test_a_rotated_key_is_there_with_the_next_record_for_who_calls_and_for_nobody_else() -> None:
    def with_key(key: str) -> Record:
        return record(workspace(accounts={"location_id": "L1"}, api=ApiAccess(secrets={"api_key": key})))

    calling, listening = WorkspaceFollower(SETTINGS, with_api=True), loaded(with_key("old"))
    read(calling, with_key("old"))
    before = calling.directory.api("acme", "ghl")
    calling.take([with_key("new")])
    after = calling.directory.api("acme", "ghl")
    assert before is not None
    assert after is not None
    assert (before.secrets["api_key"], after.secrets["api_key"]) == ("old", "new")
    assert listening.directory.api("acme", "ghl") is None
