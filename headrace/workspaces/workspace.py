"""A workspace as ingest and workers use it, with its secrets readable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from headrace.events.workspaces import JobSettings


@dataclass(frozen=True, kw_only=True)
class ApiAccess:
    """What the workspace file says under `api:` of a provider or service."""

    settings: Mapping[str, str] = field(default_factory=dict)
    #: By name; kept out of repr, so that no traceback or log shows one.
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class ProviderAccount:
    """A workspace's account at one provider."""

    #: Account field → value (`location_id`, `account_id` …).
    accounts: Mapping[str, str] = field(default_factory=dict)
    #: Kept out of repr, so that no traceback or log shows one.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    allow_unsigned: bool = False
    #: False when the stored secrets can't be decrypted here: webhooks must then wait, not be refused for good.
    readable: bool = True
    #: None: the file has none, this process has no business with it, or it can't be decrypted here.
    api: ApiAccess | None = None


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One customer of the installation."""

    id: str
    name: str
    #: IANA name; payloads with local times are read in it.
    timezone: str
    providers: Mapping[str, ProviderAccount] = field(default_factory=dict)
    #: How jobs look after its messages; no secret in it.
    settings: JobSettings = field(default_factory=JobSettings)
    #: It was removed; aware. Until then it is known by its secrets, and by nothing else.
    proofs_until: datetime | None = None
    #: Calendars and the like, by name (`headrace.workspaces.services`); empty like `ProviderAccount.api`.
    services: Mapping[str, ApiAccess] = field(default_factory=dict)
