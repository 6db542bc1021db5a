"""The message that rules and models read."""

from typing import Literal

import msgspec

Channel = Literal["sms", "linkedin", "email"]


class Turn(msgspec.Struct, frozen=True):
    """One older message of the conversation."""

    direction: Literal["inbound", "outbound"]
    text: str


class Reply(msgspec.Struct, frozen=True):
    """An inbound message as it came: quotes, signature and HTML may still be in it."""

    channel: Channel
    #: Empty where the channel has none.
    subject: str
    text: str
    #: Older messages of the conversation, oldest first.
    history: tuple[Turn, ...] = ()
