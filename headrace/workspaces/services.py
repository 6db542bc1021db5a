"""What is called for a workspace and is no provider of leads: its names and what its `api:` takes."""

from collections.abc import Mapping

from headrace.providers.adapter import ApiForm

SERVICES: Mapping[str, ApiForm] = {
    "calendly": ApiForm(
        secrets=("api_key", "signing_key"),
        settings=("base_url", "event_type", "organization", "user"),
        enough=(("api_key", "event_type", "organization"), ("api_key", "event_type", "user")),
    ),
}
