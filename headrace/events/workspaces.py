"""A workspace's settings as they stand in the compacted topic `workspaces`: readable, except for the secrets."""

from datetime import datetime, time
from typing import Annotated, Literal

import msgspec

from headrace.events.caps import CutFields, Name, Ref, Word, json_bytes
from headrace.events.visibility import DETAIL, MASKED, NEVER, OPEN

#: Of accounts, and of settings: more than a workspace file can sensibly hold.
_MOST_BYTES = 512 * 1024

#: Words of the workspace file itself.
Keyword = Annotated[str, OPEN]
#: What the workspace's people wrote, and what tells who they are.
Fact = Annotated[str, MASKED]

#: Who answers: a draft that passes every check goes out by itself, or a person sends each one.
ResponseMode = Literal["AI_AUTO_SEND", "SETTER_MANAGED"]


class AppliedApi(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What lets Headrace call a provider or service for the workspace."""

    #: Addresses and choices, as the workspace file has them under `api:`.
    settings: dict[Keyword, Fact] = {}
    #: Fernet tokens by the name of the secret.
    encrypted_secrets: dict[Keyword, Annotated[str, NEVER]] = {}


class AppliedAccount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A workspace's account at one provider."""

    #: Account field → value, as the workspace file has them (`location_id`, `account_id` …).
    accounts: dict[Keyword, Fact] = {}
    #: Fernet tokens, in the order of the file.
    encrypted_secrets: tuple[Annotated[str, NEVER], ...] = ()
    #: Webhooks without a proof are accepted. Written by hand only.
    allow_unsigned: bool = False
    #: None: the provider is listened to, never called.
    api: AppliedApi | None = None


class SendingHours(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When replies may go out by themselves."""

    when: Literal["ALWAYS", "BUSINESS_HOURS", "CUSTOM"] = "ALWAYS"
    #: IANA name; empty means the workspace's own zone.
    zone: Keyword = ""
    #: 0 is Monday.
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: time = time(9)
    closes: time = time(17)


class CampaignSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one campaign does otherwise; None is as the workspace has it."""

    response_mode: ResponseMode | None = None
    auto_send_threshold: float | None = None


class WorkspaceFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that drafts may state. Nothing else is said on the workspace's behalf."""

    sender_name: Fact
    company: Fact
    #: What is offered, as a clause: `recover unpaid claims without an upfront fee`.
    service: Fact | None = None
    calendar_link: Fact | None = None
    website: Fact | None = None
    #: Aware; those that have passed are not offered.
    offered_slots: tuple[datetime, ...] = ()
    #: URLs or bare domains beside calendar link and website.
    allowed_links: tuple[Fact, ...] = ()
    allowed_emails: tuple[Fact, ...] = ()
    #: E.164.
    allowed_phones: tuple[Fact, ...] = ()
    #: Approved sentences by topic: `pricing`, `security` …
    answers: dict[Keyword, Fact] = {}
    #: Statements about prices that may be repeated.
    prices: tuple[Fact, ...] = ()
    #: Whom the offer suits, in words; leads are scored by it.
    ideal_customer: Fact | None = None
    qualification_questions: tuple[Fact, ...] = ()


class JobSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a workspace's messages are looked after. As it stands nothing is sent or booked without a person."""

    #: Millionths of a US dollar; None is no limit.
    ai_budget_micro_usd_per_day: int | None = None
    response_mode: ResponseMode = "SETTER_MANAGED"
    #: The evaluator must be at least so sure before a reply goes out by itself, 0 to 1.
    auto_send_threshold: float = 0.9
    #: A reply goes out so many seconds after the message, from and to.
    delay_seconds: tuple[int, int] = (180, 420)
    hours: SendingHours = SendingHours()
    auto_book_meetings: bool = False
    #: By the provider's campaign id.
    campaigns: dict[Annotated[str, DETAIL], CampaignSettings] = {}
    #: None: drafts know no more of the workspace than its name.
    facts: WorkspaceFacts | None = None


class WorkspaceApplied(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole state of a workspace: the newest one counts, a tombstone removes it."""

    workspace: Ref
    name: Annotated[Name, DETAIL]
    #: IANA name.
    timezone: Word
    providers: Annotated[dict[Keyword, AppliedAccount], json_bytes(_MOST_BYTES)] = {}
    jobs: Annotated[JobSettings, json_bytes(_MOST_BYTES)] = JobSettings()
    #: The workspace was removed: until then its senders' proofs count, so that their webhooks are kept in quarantine.
    proofs_until: datetime | None = None
    #: What is no provider of webhooks and is called for the workspace: calendars and the like, by name.
    services: Annotated[dict[Keyword, AppliedApi], json_bytes(_MOST_BYTES)] = {}
    cut: CutFields = ()
