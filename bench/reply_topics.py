"""Topics of two providers' replies, for measures that need any one or two."""

from headrace.events.topics import reply_topic

WEBHOOKS_GHL = reply_topic("ghl")
WEBHOOKS_UNIPILE = reply_topic("unipile")
