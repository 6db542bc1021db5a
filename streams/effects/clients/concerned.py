"""Whom an effect other than a reply concerns: the lead as one provider knows it."""

from collections.abc import Mapping

import msgspec


class Concerned(msgspec.Struct, frozen=True, kw_only=True):
    """One lead at one provider. What a provider needs and is None or missing here makes the call a refusal."""

    action_id: str
    workspace: str
    provider: str
    #: The provider's own id of the person: the identity of the kind that `headrace.events.providers` names.
    person_id: str | None = None
    email: str | None = None
    #: `reply_context` of the newest message: campaign, contact, the provider's id of the lead or reply.
    context: Mapping[str, str] = {}
    #: The campaign the lead is in.
    campaign_id: str | None = None
