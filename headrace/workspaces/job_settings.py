"""Reads a workspace file's settings for jobs: budgets, who answers, when, and what drafts may state."""

import re
import zoneinfo
from datetime import time
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from headrace.events.workspaces import CampaignSettings, JobSettings, ResponseMode, SendingHours, WorkspaceFacts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LONGEST_DELAY = 86_400

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\n\r]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Share = Annotated[float, Field(gt=0, le=1, strict=True)]


def _clock(value: object) -> object:
    if isinstance(value, int):
        # YAML reads 17:00 as the number 1020.
        raise ValueError('must be text: write it in quotes, such as "17:00"')  # noqa: TRY004 - pydantic collects these
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day, such as "09:00"')
    return time(int(match[1]), int(match[2]))


def _day(value: object) -> object:
    if value not in DAYS:
        raise ValueError(f"must be one of {', '.join(DAYS)}")
    return DAYS.index(value)


def _zone(value: object) -> object:
    if value not in zoneinfo.available_timezones():
        raise ValueError("not an IANA time zone, such as America/Chicago")
    return value


def _url(value: object) -> object:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme != "https" or not _DOMAIN.fullmatch(parts.hostname or ""):
        raise ValueError("must be an https address, such as https://cal.example.com/acme")
    return value


def _link(value: object) -> object:
    return value if isinstance(value, str) and _DOMAIN.fullmatch(value) else _url(value)


def _email(value: object) -> object:
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address")
    return value.lower()


Clock = Annotated[time, BeforeValidator(_clock)]
Day = Annotated[int, BeforeValidator(_day)]
Zone = Annotated[str, BeforeValidator(_zone)]
Url = Annotated[str, BeforeValidator(_url)]
Link = Annotated[str, BeforeValidator(_link)]
Email = Annotated[str, BeforeValidator(_email)]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Hours(_Entry):
    when: Literal["ALWAYS", "BUSINESS_HOURS", "CUSTOM"]
    zone: Zone | None = None
    days: tuple[Day, ...] | None = Field(None, min_length=1)
    opens: Clock | None = None
    closes: Clock | None = None

    @model_validator(mode="before")
    @classmethod
    def _word_alone(cls, value: object) -> object:
        return {"when": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _times_if_custom(self) -> "_Hours":
        own = (self.days, self.opens, self.closes)
        if self.when != "CUSTOM" and any(value is not None for value in own):
            raise ValueError(f"days, opens and closes belong to CUSTOM; {self.when} has its own")
        if self.when == "CUSTOM" and any(value is None for value in own):
            raise ValueError("CUSTOM needs days, opens and closes")
        if self.opens is not None and self.closes is not None and self.opens >= self.closes:
            raise ValueError("opens must be before closes, on the same day")
        return self

    def settings(self) -> SendingHours:
        """As the jobs app takes them."""
        plain = SendingHours(when=self.when, zone=self.zone or "")
        if self.days is None or self.opens is None or self.closes is None:
            return plain
        days = tuple(sorted(set(self.days)))
        return SendingHours(when=self.when, zone=plain.zone, days=days, opens=self.opens, closes=self.closes)


class _Campaign(_Entry):
    response_mode: ResponseMode | None = None
    auto_send_threshold: Share | None = None


class _Facts(_Entry):
    sender_name: Name
    company: Name
    service: Sentence | None = None
    calendar_link: Url | None = None
    website: Url | None = None
    offered_slots: tuple[AwareDatetime, ...] = Field((), max_length=50)
    allowed_links: tuple[Link, ...] = ()
    allowed_emails: tuple[Email, ...] = ()
    allowed_phones: tuple[Phone, ...] = ()
    answers: dict[Name, Sentence] = {}
    prices: tuple[Sentence, ...] = ()
    ideal_customer: Text | None = None
    qualification_questions: tuple[Sentence, ...] = Field((), max_length=20)


class JobSettingsEntry(_Entry):
    """The fields of a workspace file that are about jobs."""

    ai_budget_micro_usd_per_day: int | None = Field(None, ge=0, strict=True)
    response_mode: ResponseMode = "SETTER_MANAGED"
    auto_send_threshold: Share = 0.9
    delay_seconds: tuple[int, int] = (180, 420)
    hours: _Hours = _Hours(when="ALWAYS")
    auto_book_meetings: bool = Field(False, strict=True)
    campaigns: dict[str, _Campaign] = {}
    facts: _Facts | None = None

    @model_validator(mode="before")
    @classmethod
    def _quoted_campaigns(cls, entry: Any) -> Any:
        campaigns = entry.get("campaigns") if isinstance(entry, dict) else None
        if isinstance(campaigns, dict) and any(not isinstance(id_, str) for id_ in campaigns):
            raise ValueError('campaigns: ids must be text: write them in quotes, such as "12": {…}')
        return entry

    @model_validator(mode="after")
    def _consistent(self) -> "JobSettingsEntry":
        shortest, longest = self.delay_seconds
        if not 0 <= shortest <= longest <= _LONGEST_DELAY:
            raise ValueError(f"delay_seconds must be [from, to] in seconds, 0 ≤ from ≤ to ≤ {_LONGEST_DELAY}")
        if self.auto_book_meetings and (self.facts is None or not self.facts.offered_slots):
            raise ValueError("auto_book_meetings needs facts.offered_slots: only an offered slot is ever booked")
        return self

    def job_settings(self) -> JobSettings:
        """As the jobs app takes them."""
        return JobSettings(
            ai_budget_micro_usd_per_day=self.ai_budget_micro_usd_per_day,
            response_mode=self.response_mode,
            auto_send_threshold=self.auto_send_threshold,
            delay_seconds=self.delay_seconds,
            hours=self.hours.settings(),
            auto_book_meetings=self.auto_book_meetings,
            campaigns={id_: CampaignSettings(**campaign.model_dump()) for id_, campaign in self.campaigns.items()},
            facts=WorkspaceFacts(**self.facts.model_dump()) if self.facts is not None else None,
        )
