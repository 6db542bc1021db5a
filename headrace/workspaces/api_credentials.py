"""What a workspace lets Headrace call a provider with."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ApiCredentials:
    """One workspace's access to one provider's API, opened."""

    workspace: str
    provider: str
    #: The provider's account fields of the workspace file: `location_id`, `account_id` …
    accounts: Mapping[str, str] = field(default_factory=dict)
    #: What is no secret under `api:`: `base_url`, `version` …
    settings: Mapping[str, str] = field(default_factory=dict)
    #: Keys and tokens by their names under `api:`. Kept out of repr, so that no traceback or log shows one.
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
