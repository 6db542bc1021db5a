"""Reads workspace files: what an operator writes is checked here, once, with errors that name the place."""

import zoneinfo
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from headrace.providers.adapter import Adapter, ApiForm
from headrace.refusal import Refusal
from headrace.workspaces.api_entry import read_api
from headrace.workspaces.job_settings import JobSettingsEntry
from headrace.workspaces.services import SERVICES
from headrace.workspaces.workspace import ProviderAccount, Workspace

#: Part of dedupe keys and record keys, so no colon and no control characters.
WorkspaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class WorkspaceFileError(Refusal):
    """A workspace file can't be used; the message names the file, the place in it and what to write instead."""


class _ProviderEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    accounts: dict[str, Text] = {}
    secret: tuple[str, ...] | None = None
    allow_unsigned: bool = Field(False, strict=True)
    #: Checked by `headrace.workspaces.api_entry` against what the provider takes.
    api: Any = None

    _own: ClassVar = ("secret", "allow_unsigned", "api")

    @model_validator(mode="before")
    @classmethod
    def _gather_accounts(cls, entry: object) -> object:
        if not isinstance(entry, dict):
            raise ValueError("must be a mapping, such as {secret: …}")  # noqa: TRY004 - pydantic collects ValueErrors
        own = {name: value for name, value in entry.items() if name in cls._own}
        return own | {"accounts": {name: value for name, value in entry.items() if name not in cls._own}}

    @field_validator("accounts", mode="before")
    @classmethod
    def _quoted(cls, accounts: dict[Any, Any]) -> dict[Any, Any]:
        for name, value in accounts.items():
            if not isinstance(value, str):
                raise ValueError(f'{name} must be text: write it in quotes, such as {name}: "12"')  # noqa: TRY004
        return accounts

    @field_validator("secret", mode="before")
    @classmethod
    def _trimmed(cls, secret: object) -> tuple[str, ...]:
        found = secret if isinstance(secret, list) else [secret]
        if not found:
            raise ValueError("an empty list: give at least one secret, or leave the field out")
        return tuple(_checked_secret(one) for one in found)


class _Document(JobSettingsEntry):
    workspace: WorkspaceId
    name: Text
    timezone: Text
    providers: dict[str, _ProviderEntry] = Field({})
    services: dict[str, Any] = Field({})

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in zoneinfo.available_timezones():
            raise ValueError("not an IANA time zone, such as America/Chicago")
        return name

    @field_validator("providers")
    @classmethod
    def _known_providers(cls, entries: dict[str, _ProviderEntry], info: ValidationInfo) -> dict[str, _ProviderEntry]:
        adapters: Mapping[str, Adapter] = (info.context or {})["adapters"]
        for provider, entry in entries.items():
            _check_provider(provider, entry, adapters)
        return entries

    @field_validator("services")
    @classmethod
    def _known_services(cls, entries: dict[str, Any]) -> dict[str, Any]:
        for name, entry in entries.items():
            _check_service(name, entry)
        return entries


def read_workspace_files(paths: list[Path], adapters: Mapping[str, Adapter]) -> list[Workspace]:
    """The workspaces of YAML files, `---` between several in one. Raises WorkspaceFileError."""
    found = [workspace for path in paths for workspace in parse_workspaces(_read(path), str(path), adapters)]
    repeated = {workspace.id for workspace in found if sum(other.id == workspace.id for other in found) > 1}
    if repeated:
        raise WorkspaceFileError(f"workspace {', '.join(sorted(repeated))} is described twice in the given files")
    return found


def parse_workspaces(text: str, source: str, adapters: Mapping[str, Adapter]) -> list[Workspace]:
    """The workspaces of a YAML text. `source` names it in errors. Raises WorkspaceFileError."""
    try:
        documents = list(yaml.load_all(text, Loader=_UniqueKeyLoader))
    except yaml.YAMLError as error:
        raise WorkspaceFileError(f"{source}: not YAML{_position(error)}") from None
    documents = [document for document in documents if document is not None]
    if not documents:
        raise WorkspaceFileError(f"{source}: the file is empty; see docs/ingest.md for the format")
    return [_parse(document, source, adapters) for document in documents]


def _parse(document: object, source: str, adapters: Mapping[str, Adapter]) -> Workspace:
    if not isinstance(document, dict):
        raise WorkspaceFileError(f"{source}: expected a mapping that starts with `workspace:`")
    try:
        valid = _Document.model_validate(document, context={"adapters": adapters})
    except ValidationError as error:
        # From None: pydantic's own text would show the input, secrets included.
        raise WorkspaceFileError(_explained(error, source)) from None
    return Workspace(
        id=valid.workspace,
        name=valid.name,
        timezone=valid.timezone,
        providers={name: _account(entry, adapters[name]) for name, entry in valid.providers.items()},
        services={name: read_api(entry["api"], SERVICES[name], ()) for name, entry in valid.services.items()},
        settings=valid.job_settings(),
    )


def _account(entry: _ProviderEntry, adapter: Adapter) -> ProviderAccount:
    api = read_api(entry.api, adapter.api, entry.accounts) if adapter.api and entry.api is not None else None
    return ProviderAccount(
        accounts=entry.accounts, secrets=entry.secret or (), allow_unsigned=entry.allow_unsigned, api=api
    )


def _checked_secret(secret: object) -> str:
    if not isinstance(secret, str):
        raise ValueError("a secret must be text: write it in quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    trimmed = secret.strip()
    if not trimmed:
        raise ValueError("a secret is empty")
    if not trimmed.isprintable():
        raise ValueError("a secret holds a line break or another control character")
    return trimmed


def _check_provider(provider: str, entry: _ProviderEntry, adapters: Mapping[str, Adapter]) -> None:
    adapter = adapters.get(provider)
    if adapter is None:
        raise ValueError(f"{provider!r} is not a provider; known are {', '.join(adapters)}")
    unknown = [name for name in entry.accounts if name not in adapter.account_fields]
    if unknown:
        allowed = ", ".join((*adapter.account_fields, "secret", "allow_unsigned", "api"))
        raise ValueError(f"{provider} has no field {unknown[0]!r}; it takes {allowed}")
    if entry.api is not None and adapter.api is None:
        raise ValueError(f"{provider} is never called: it takes no api")
    if entry.api is not None and adapter.api is not None:
        _check_api(provider, entry.api, adapter.api, entry.accounts)


def _check_service(name: str, entry: object) -> None:
    if name not in SERVICES:
        raise ValueError(f"{name!r} is not a service; known are {', '.join(SERVICES)}")
    if not isinstance(entry, dict) or set(entry) != {"api"}:
        raise ValueError(f"{name} must be a mapping with api, such as {{api: {{api_key: …}}}}")
    _check_api(name, entry["api"], SERVICES[name], ())


def _check_api(name: str, entry: object, form: ApiForm, accounts: Collection[str]) -> None:
    try:
        read_api(entry, form, accounts)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None


def _explained(error: ValidationError, source: str) -> str:
    lines = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        place = ".".join(str(part) for part in detail["loc"] if part != "accounts")
        lines.append(f"{source}: {place or 'document'}: {detail['msg'].removeprefix('Value error, ')}")
    return "\n".join(lines)


def _position(error: yaml.YAMLError) -> str:
    """Line and column only: the parser's own message quotes the file, secrets included."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None)
    where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    return f"{where} ({problem})" if isinstance(problem, str) else where


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceFileError(f"{path}: can't be read ({error})") from error


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key written twice: the second would silently replace the first, a secret for instance."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (key_node, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key} is written twice", key_node.start_mark)
        return super().construct_mapping(node, deep)
