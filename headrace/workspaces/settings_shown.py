"""A workspace's settings for jobs as people and programs are shown them: every one of them, defaults marked."""

from datetime import datetime, time
from typing import Any

import msgspec

from headrace.events.workspaces import CampaignSettings, JobSettings, SendingHours, WorkspaceFacts
from headrace.workspaces.job_settings import DAYS

_BUSINESS_HOURS = SendingHours()


class ShownSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, under the name the workspace file has for it: `facts.company`, `campaigns.4711`."""

    name: str
    #: Plain JSON; None where nothing is set.
    value: Any
    #: The value is what counts when the file does not say: the topic doesn't tell the one from the other.
    is_default: bool


def shown_settings(settings: JobSettings) -> list[ShownSetting]:
    """Every setting, in the order of the documentation. There is no secret among them."""
    shown = [
        _shown(name, getattr(settings, name), getattr(_DEFAULTS, name))
        for name in JobSettings.__struct_fields__
        if name not in ("hours", "campaigns", "facts")
    ]
    shown.append(ShownSetting(name="hours", value=_hours(settings.hours), is_default=settings.hours == _DEFAULTS.hours))
    return [*shown, *_campaigns(settings.campaigns), *_facts(settings.facts)]


_DEFAULTS = JobSettings()


def _shown(name: str, value: Any, default: Any) -> ShownSetting:
    return ShownSetting(name=name, value=_plain(value), is_default=value == default)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | time):
        return value.isoformat()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _hours(hours: SendingHours) -> dict[str, Any]:
    """What the hours come to: ALWAYS has none, BUSINESS_HOURS has fixed ones."""
    zone = {"zone": hours.zone} if hours.zone else {}
    if hours.when == "ALWAYS":
        return {"when": hours.when} | zone
    timed = hours if hours.when == "CUSTOM" else _BUSINESS_HOURS
    return {
        "when": hours.when,
        **zone,
        "days": [DAYS[day] for day in timed.days],
        "opens": timed.opens.strftime("%H:%M"),
        "closes": timed.closes.strftime("%H:%M"),
    }


def _campaigns(campaigns: dict[str, CampaignSettings]) -> list[ShownSetting]:
    if not campaigns:
        return [ShownSetting(name="campaigns", value=None, is_default=True)]
    return [
        ShownSetting(name=f"campaigns.{id_}", value=msgspec.to_builtins(one), is_default=False)
        for id_, one in sorted(campaigns.items())
    ]


def _facts(facts: WorkspaceFacts | None) -> list[ShownSetting]:
    if facts is None:
        return [ShownSetting(name="facts", value=None, is_default=True)]
    defaults = {field.name: field.default for field in msgspec.structs.fields(WorkspaceFacts)}
    return [
        ShownSetting(
            name=f"facts.{name}",
            value=_plain(value) or None,
            is_default=not value and defaults[name] is not msgspec.NODEFAULT,
        )
        for name, value in msgspec.structs.asdict(facts).items()
    ]
