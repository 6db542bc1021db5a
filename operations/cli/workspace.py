"""`headrace workspace …`: who the webhooks belong to."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from operations.cli.acting import say
from operations.cli.exit_status import refuse
from operations.cli.moments import later
from operations.cli.options import Execute, JsonTable
from operations.cli.printing import console

if TYPE_CHECKING:
    from headrace.providers.adapter import Adapter
    from headrace.settings import Settings
    from headrace.workspaces.workspace import ApiAccess, ProviderAccount, Workspace

app = typer.Typer(no_args_is_help=True, add_completion=False)

_REDRIVE = "`headrace dlq redrive --quarantine`"


@app.command()
def apply(
    files: Annotated[list[Path], typer.Argument(help="YAML files, each with one or more workspaces.")],
    as_json: JsonTable = False,
) -> None:
    """Make the workspaces of these files the newest state; running processes follow within a second."""
    from headrace.providers.registry import ADAPTERS
    from headrace.settings import Settings
    from headrace.workspaces.document import read_workspace_files
    from headrace.workspaces.store import apply_workspaces

    settings = Settings()
    workspaces = read_workspace_files(files, ADAPTERS)
    apply_workspaces(settings, workspaces, datetime.now(UTC))
    for workspace in workspaces:
        for warning in (*proof_warnings(workspace), *account_warnings(workspace, ADAPTERS)):
            say(f"warning: {warning}")
    _print(workspaces, settings, as_json)


@app.command("list")
def list_(as_json: JsonTable = False) -> None:
    """List all workspaces. Exit 1 when the newest record of one can't be read: then that is named beside the others."""
    from headrace.settings import Settings
    from headrace.workspaces.store import read_workspaces

    settings = Settings()
    found = read_workspaces(settings)
    _print(sorted(found.directory, key=lambda workspace: workspace.id), settings, as_json)
    for removed in found.directory.retired.values():
        say(f"removed: {removed.id}; its senders' webhooks are kept in quarantine until {_time(removed.proofs_until)}")
    for bad in found.unreadable:
        say(
            f"UNREADABLE: the newest record of workspace {bad.workspace}, {bad.place} ({bad.why}). Running processes "
            "keep the state before it, those that start may know none. Apply its file again, or remove it."
        )
    if found.unreadable:
        raise typer.Exit(1)


@app.command()
def show(workspace_id: str, as_json: JsonTable = False) -> None:
    """Show one workspace: its accounts, and every setting for jobs with those that are defaults.

    Of each secret only a short fingerprint is printed.
    """
    from headrace.settings import Settings
    from headrace.workspaces.store import read_directory

    settings = Settings()
    workspace = read_directory(settings).get(workspace_id)
    if workspace is None:
        refuse(f"there is no workspace {workspace_id}; `headrace workspace list` shows those there are")
    _print([workspace], settings, as_json, with_settings=True)


@app.command()
def remove(
    workspace_id: str,
    keep_proofs: Annotated[
        str,
        typer.Option(
            "--keep-proofs", help="How long its senders stay known, so that their webhooks are kept: 7d; 0s not at all."
        ),
    ] = "7d",
    execute: Execute = False,
) -> None:
    """Remove a workspace. For a while its webhooks are kept in quarantine, then they are refused. Plans first."""
    from headrace.settings import Settings
    from headrace.workspaces.store import removable, remove_workspace

    settings, now = Settings(), datetime.now(UTC)
    grace = later(keep_proofs, now) - now
    workspace = removable(settings, workspace_id)
    for line in removal_lines(workspace, now + grace if grace else None):
        typer.echo(line)
    if not execute:
        typer.echo("Nothing was removed. Add --execute to remove it.")
        return
    remove_workspace(settings, workspace, now, grace)
    typer.echo(f"removed {workspace_id}")


def removal_lines(workspace: "Workspace", proofs_until: datetime | None) -> list[str]:
    """What removing a workspace keeps, and what is lost with it."""
    named, unsigned = workspace.id, [name for name, one in workspace.providers.items() if one.allow_unsigned]
    lines = [f"Removing {named}: accounts at {', '.join(workspace.providers) or 'no provider'}."]
    if proofs_until is None or not any(account.secrets for account in workspace.providers.values()):
        lines.append("  webhooks  answered 401 from now on, and LOST: nothing of them is stored.")
    else:
        until = _time(proofs_until)
        lines.append(f"  webhooks  of its senders kept in quarantine until {until}, then answered 401 and LOST.")
        lines.append(f"            To have them looked after, apply its file again and redrive them: {_REDRIVE}.")
    if unsigned:
        lines.append(f"  unsigned  webhooks at {', '.join(unsigned)} prove nothing: answered 401 from now on, LOST.")
    return [
        *lines,
        "  settings  LOST, budget, facts and campaigns with them: keep its file.",
        "  jobs      that are open die when they are due: see `headrace jobs list --workspace`.",
        "  kept      every webhook, message and row so far: `headrace trace` finds them as before.",
    ]


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def summary(workspace: "Workspace", fingerprint: Callable[[str], str]) -> dict[str, Any]:
    """A workspace as it may be shown to anybody: no secret in it."""
    accounts = {provider: _account_json(account, fingerprint) for provider, account in workspace.providers.items()}
    shown: dict[str, Any] = {
        "workspace": workspace.id,
        "name": workspace.name,
        "timezone": workspace.timezone,
        "providers": accounts,
    }
    services = {name: _api_json(api, fingerprint) for name, api in workspace.services.items()}
    return shown | {"services": services} if services else shown


def proof_warnings(workspace: "Workspace") -> list[str]:
    """What an operator should know about how senders prove themselves to this workspace."""
    return [
        f"{workspace.id}: {provider}: {_proof_warning(account)}"
        for provider, account in workspace.providers.items()
        if account.allow_unsigned or not account.secrets
    ]


def account_warnings(workspace: "Workspace", adapters: "Mapping[str, Adapter]") -> list[str]:
    """Providers whose webhooks name an account, of which the workspace has none: nobody would know whose they are."""
    return [
        f"{workspace.id}: {provider}: no {' or '.join(adapters[provider].account_fields)} is set, so webhooks that "
        "name one go to quarantine"
        for provider, account in workspace.providers.items()
        if provider in adapters
        and adapters[provider].account_fields
        and not adapters[provider].query_overrides_unknown_workspace
        and not account.accounts
    ]


def _proof_warning(account: "ProviderAccount") -> str:
    if account.allow_unsigned:
        return "allow_unsigned is set, so anybody who knows the address can post webhooks"
    return "no secret is set, so webhooks are answered 401 unless an installation-wide key signs them"


def _account_json(account: "ProviderAccount", fingerprint: Callable[[str], str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        **account.accounts,
        "secrets": [fingerprint(secret) for secret in account.secrets],
        "allow_unsigned": account.allow_unsigned,
    }
    if account.api is not None:
        shown["api"] = _api_json(account.api, fingerprint)
    return shown if account.readable else shown | {"secrets": "not readable with this HEADRACE_SECRETS_KEY"}


def _api_json(api: "ApiAccess", fingerprint: Callable[[str], str]) -> dict[str, Any]:
    return {**api.settings, "secrets": {name: fingerprint(secret) for name, secret in api.secrets.items()}}


def _print(workspaces: "list[Workspace]", settings: "Settings", as_json: bool, *, with_settings: bool = False) -> None:
    # Without a key no secret could be read, so there is none to take a fingerprint of.
    from headrace.workspaces.encryption import SecretBox

    fingerprint = SecretBox.of(settings).fingerprint if settings.secrets_key else str
    summaries = [summary(workspace, fingerprint) for workspace in workspaces]
    if as_json:
        if with_settings:
            pairs = zip(summaries, workspaces, strict=True)
            summaries = [accounts | {"settings": _settings_json(workspace)} for accounts, workspace in pairs]
        typer.echo(json.dumps(summaries, indent=2))
        return
    _print_accounts(summaries)
    for workspace in workspaces if with_settings else ():
        _print_settings(workspace)


def _settings_json(workspace: "Workspace") -> dict[str, Any]:
    from headrace.workspaces.settings_shown import shown_settings

    return {
        setting.name: {"value": setting.value, "is_default": setting.is_default}
        for setting in shown_settings(workspace.settings)
    }


def _print_settings(workspace: "Workspace") -> None:
    from headrace.workspaces.settings_shown import shown_settings

    table = Table("setting", "value", "", title="Settings for jobs", title_justify="left")
    for setting in shown_settings(workspace.settings):
        value = "none" if setting.value is None else setting.value
        text = value if isinstance(value, str) else json.dumps(value)
        table.add_row(setting.name, escape(text), "default" if setting.is_default else "")
    console().print(table)


def _print_accounts(summaries: list[dict[str, Any]]) -> None:
    table = Table()
    for name in ("workspace", "name", "time zone", "provider", "account", "secrets", "unsigned", "api"):
        # Ids are copied from here: a narrow terminal must not cut them.
        table.add_column(name, overflow="fold")
    for workspace in summaries:
        about = (workspace["workspace"], workspace["name"], workspace["timezone"])
        for provider, account in workspace["providers"].items() or [("-", {})]:
            ids = ", ".join(f"{k}={v}" for k, v in account.items() if k not in ("secrets", "allow_unsigned", "api"))
            unsigned = "yes" if account.get("allow_unsigned") else "no"
            table.add_row(*about, provider, ids, _secrets_text(account.get("secrets")), unsigned, _api_text(account))
        for name, api in workspace.get("services", {}).items():
            table.add_row(*about, name, "", "", "", _api_text({"api": api}))
    console().print(table)


def _api_text(account: dict[str, Any]) -> str:
    """The names of what is set, and of each secret its fingerprint."""
    api = account.get("api")
    if api is None:
        return "no"
    plain = [f"{name}={value}" for name, value in api.items() if name != "secrets"]
    return ", ".join([*plain, *(f"{name} {shown}" for name, shown in api["secrets"].items())])


def _secrets_text(secrets: list[str] | str | None) -> str:
    if isinstance(secrets, str):
        return secrets
    return f"{len(secrets)}: {' '.join(secrets)}" if secrets else "none"
