"""Look-ups: exact for ids, blind to case for names, and nobody where two claim the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headrace.workspaces.directory import Directory
from headrace.workspaces.workspace import ProviderAccount, Workspace


def workspace(id_: str, provider: str = "ghl", secrets: tuple[str, ...] = (), **accounts: str) -> Workspace:
    account = ProviderAccount(accounts=accounts, secrets=secrets)
    return Workspace(id=id_, name=id_, timezone="UTC", providers={provider: account})


def found(directory: Directory, field: str, value: str, provider: str = "ghl") -> str | None:
    one = directory.find(provider, field, value)
    return one.id if one else None


def test_finds_by_account_field_and_by_id() -> None:
    directory = Directory([workspace("a", location_id="L1"), workspace("b", location_id="L2")])
    assert found(directory, "location_id", "L2") == "b"
    assert found(directory, "location_id", "l2") is None
    assert found(directory, "location_id", "L2", provider="unipile") is None
    assert found(directory, "workspace", "a") == "a"
    assert found(directory, "workspace", "c") is None


def test_names_are_blind_to_case_and_padding() -> None:
    directory = Directory([workspace("a", "emailbison", workspace_name="Acme North")])
    assert found(directory, "workspace_name", " ACME north ", provider="emailbison") == "a"


def test_a_value_claimed_twice_finds_nobody_until_one_lets_go() -> None:
    directory = Directory([workspace("a", location_id="L1"), workspace("b", location_id="L1")])
    assert found(directory, "location_id", "L1") is None
    assert [(str(claim), owners) for claim, owners in directory.conflicts.items()] == [
        ("ghl location_id L1", ("a", "b"))
    ]
    assert found(directory.changed([], ["b"]), "location_id", "L1") == "a"
    assert found(directory.changed([workspace("b", location_id="L2")]), "location_id", "L1") == "a"


def test_a_change_leaves_the_snapshot_before_it_alone() -> None:
    before = Directory([workspace("a", location_id="L1", secrets=("old",))])
    after = before.changed([workspace("a", location_id="L9", secrets=("new",))])
    assert (found(before, "location_id", "L1"), found(after, "location_id", "L1")) == ("a", None)
    assert (before.secrets("ghl"), after.secrets("ghl")) == (("old",), ("new",))


def test_a_workspace_without_the_provider_has_an_account_without_proof() -> None:
    directory = Directory([one := workspace("a")])
    assert directory.account(one, "smartlead") == ProviderAccount()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["L1", "L2", None])), max_size=12))
def test_changes_one_by_one_and_all_at_once_agree(changes: list[tuple[str, str | None]]) -> None:
    stepwise = Directory()
    last: dict[str, str | None] = {}
    for id_, location in changes:
        applied = [workspace(id_, location_id=location)] if location else []
        stepwise = stepwise.changed(applied, () if location else (id_,))
        last[id_] = location
    at_once = Directory([workspace(id_, location_id=location) for id_, location in last.items() if location])
    for value in ("L1", "L2"):
        assert found(stepwise, "location_id", value) == found(at_once, "location_id", value)
    assert {one.id for one in stepwise} == {one.id for one in at_once}


def test_a_removed_workspace_is_found_by_nobody_and_its_secrets_count_for_a_while() -> None:
    end = datetime(2026, 3, 9, tzinfo=UTC)
    removed = replace(workspace("a", location_id="L1", secrets=("s",)), proofs_until=end)
    directory = Directory([removed, workspace("b", location_id="L1")])
    assert (found(directory, "location_id", "L1"), found(directory, "workspace", "a")) == ("b", None)
    assert (len(directory), directory.get("a"), [one.id for one in directory]) == (1, None, ["b"])
    assert directory.conflicts == {}
    before, after = end - timedelta(seconds=1), end
    assert [directory.secrets("ghl", at) for at in (None, before, after)] == [(), ("s",), ()]
    assert (directory.next_end(before), directory.next_end(after)) == (end, None)
    assert (directory.forgotten(before), directory.forgotten(after)) == ([], ["a"])
    assert directory.changed([workspace("c")]).secrets("ghl", before) == ("s",)
    assert directory.changed([workspace("a", location_id="L9")]).retired == {}
    assert directory.changed([], ["a"]).retired == {}
