"""What a removal says before it is one."""

from datetime import UTC, datetime

from headrace.providers.registry import ADAPTERS
from headrace.workspaces.workspace import ProviderAccount, Workspace
from operations.cli.workspace import account_warnings, removal_lines

END = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


def workspace(**providers: ProviderAccount) -> Workspace:
    return Workspace(id="acme", name="Acme", timezone="UTC", providers=providers)


def told(of: Workspace, until: datetime | None = END) -> str:
    return "\n".join(removal_lines(of, until))


def test_quarantine_is_promised_only_to_senders_who_can_prove_themselves() -> None:
    proven = workspace(ghl=ProviderAccount(secrets=("hush",)))
    assert "kept in quarantine until 2026-03-09 09:00 UTC" in told(proven)
    assert "hush" not in told(proven)
    for refused in (told(proven, None), told(workspace(ghl=ProviderAccount())), told(workspace())):
        assert "answered 401 from now on, and LOST" in refused
        assert "quarantine" not in refused
    assert "webhooks at ghl prove nothing" in told(workspace(ghl=ProviderAccount(allow_unsigned=True)))


def test_an_account_that_webhooks_name_and_nobody_has_is_warned_about() -> None:
    of = workspace(
        ghl=ProviderAccount(), unipile=ProviderAccount(accounts={"account_id": "a"}), instantly=ProviderAccount()
    )
    (warning,) = account_warnings(of, ADAPTERS)
    assert "acme: ghl: no location_id is set" in warning
